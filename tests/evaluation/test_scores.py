"""The table of figures of a fitted model."""

import numpy as np
import pytest

import keras_vae
from keras_vae.evaluation import active_units, evaluate

X = np.random.default_rng(0).random((20, 5), "float32")
LABELS = np.arange(20) % 3


def compiled(kind, **arguments):
    networks = keras_vae.networks.dense((5,), 2, hidden=(4,), **arguments)
    model = kind(*networks, likelihood="bernoulli")
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    return model


def test_an_autoencoder_has_its_terms():
    model = compiled(keras_vae.Autoencoder, posterior="deterministic")
    scores = evaluate(model, X)
    assert set(scores) == {"loss", "reconstruction"}
    probs = model.reconstruct(X).astype(np.float64)
    expected = -np.mean(np.sum(X * np.log(probs) + (1 - X) * np.log1p(-probs), axis=1))
    assert scores["reconstruction"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("condition", [None, LABELS], ids=["VAE", "CVAE"])
def test_a_vae_has_its_likelihood(condition):
    kind, dim = (keras_vae.VAE, None) if condition is None else (keras_vae.CVAE, 3)
    model, done = compiled(kind, condition_dim=dim), []
    scores = evaluate(model, X, condition, num_samples=8, seed=2, progress=done.append)
    assert set(scores) == {
        "loss",
        "reconstruction",
        "kl",
        "elbo",
        "active_units",
        "nll",
        "nll_standard_error",
    }
    log_likelihood = model.log_likelihood(X, condition, num_samples=8, seed=2)
    assert scores["nll"] == pytest.approx(-log_likelihood.mean(), rel=1e-5)
    error = np.sqrt(np.sum((log_likelihood - log_likelihood.mean()) ** 2) / 19 / 20)
    assert scores["nll_standard_error"] == pytest.approx(error, rel=1e-4)
    assert scores["elbo"] == pytest.approx(model.elbo(X, condition).mean(), rel=1e-5)
    assert scores["active_units"] == active_units(model, X, condition)
    assert sum(done) == 20

    without = evaluate(model, X, condition)
    assert set(without) == set(scores) - {"nll", "nll_standard_error"}
