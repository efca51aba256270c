"""The table of figures of a fitted model."""

import numpy as np
import pytest

import keras_vae
from keras_vae.errors import UserError
from keras_vae.evaluation import active_units, evaluate, likelihood_scores, scores
from keras_vae.models import LikelihoodEstimate

NLL = {"nll", "nll_standard_error", "effective_samples", "rows_of_few_samples"}
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
    likelihood = {"estimator": "is", "num_samples": 8}
    scores = evaluate(model, X, condition, likelihood=likelihood, seed=2, progress=done.append)
    assert set(scores) == {
        "loss",
        "reconstruction",
        "kl",
        "elbo",
        "active_units",
        *NLL,
    }
    log_likelihood = model.log_likelihood(X, condition, num_samples=8, seed=2)
    assert scores["nll"] == pytest.approx(-log_likelihood.mean(), rel=1e-5)
    error = np.sqrt(np.sum((log_likelihood - log_likelihood.mean()) ** 2) / 19 / 20)
    assert scores["nll_standard_error"] == pytest.approx(error, rel=1e-4)
    assert scores["elbo"] == pytest.approx(model.elbo(X, condition).mean(), rel=1e-5)
    assert scores["active_units"] == active_units(model, X, condition)
    assert sum(done) == 20

    without = evaluate(model, X, condition)
    assert set(without) == set(scores) - NLL


def test_one_chain_raises_an_alarm_and_one_row_has_no_error():
    model = compiled(keras_vae.VAE)
    arguments = {"estimator": "ais", "num_temperatures": 2}
    scores = likelihood_scores(model, X[:1], **arguments, num_chains=1, seed=2**40)
    assert scores["rows_of_few_samples"] == 100
    assert set(scores) == NLL - {"nll_standard_error"}


def test_few_samples_raise_an_alarm():
    """Of 400 samples of a posterior twenty times as wide as the prior, 2 or 3 count."""
    model = compiled(keras_vae.VAE)
    params = model.encoder.get_layer("params")
    params.set_weights([np.zeros((4, 4)), np.array([0, 0, 6, 6])])  # means, log-variances
    scores = likelihood_scores(model, X, num_samples=400)
    size = model.importance_sampling(X, num_samples=400).effective_sample_size
    assert scores["effective_samples"] == pytest.approx(np.median(size))
    assert scores["rows_of_few_samples"] == pytest.approx(100 * np.mean(size < 4))
    assert scores["rows_of_few_samples"] > 50
    params.set_weights([np.zeros((4, 4)), np.zeros(4)])
    assert likelihood_scores(model, X, num_samples=400)["rows_of_few_samples"] == 0


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(None, marks=pytest.mark.slow, id="VAE"),
        pytest.param(LABELS, id="CVAE"),
    ],
)
def test_annealed_scores(condition):
    kind, dim = (keras_vae.VAE, None) if condition is None else (keras_vae.CVAE, 3)
    model = compiled(kind, condition_dim=dim)
    model.supports_jit = False
    chains = {"num_chains": 8, "num_temperatures": 10}
    annealed = likelihood_scores(model, X, condition, estimator="ais", **chains)
    assert set(annealed) == NLL
    plain = likelihood_scores(model, X, condition, num_samples=2000)
    assert annealed["nll"] == pytest.approx(plain["nll"], abs=0.1)
    own = likelihood_scores(model, X, condition, estimator="bdmc", **chains)
    assert own["own_nll_gap"] == pytest.approx(own["own_nll_upper"] - own["own_nll_lower"])
    assert -0.1 < own["own_nll_gap"] < 1
    with pytest.raises(UserError, match="Expected one of is, ais, bdmc"):
        likelihood_scores(model, X, condition, estimator="hais")


@pytest.mark.parametrize("estimator", ["is", "ais", "bdmc", "hmc"])
def test_an_autoencoder_has_no_likelihood_of_data(estimator):
    model = compiled(keras_vae.Autoencoder, posterior="deterministic")
    with pytest.raises(UserError, match="Autoencoder has no likelihood of data"):
        likelihood_scores(model, X, estimator=estimator)


def test_an_estimate_that_is_nan_raises_an_alarm(monkeypatch):
    model = compiled(keras_vae.VAE)
    nan = np.array([np.nan, -3.0])
    monkeypatch.setitem(
        scores.ESTIMATORS, "is", lambda *_, **__: LikelihoodEstimate(nan, nan, 9.0 + nan, 10)
    )
    assert likelihood_scores(model, X[:2])["rows_of_few_samples"] == 50
