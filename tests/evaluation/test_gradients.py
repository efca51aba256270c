"""Variance and signal of gradients, against closed forms of a linear-Gaussian model."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.cases import named
from conformance.compare import assert_same
from dtype_policies import dtype_policy
from golden.linear_gaussian import LATENT, SCALE, LinearGaussian
from keras_vae.errors import UserError
from keras_vae.evaluation import gradient_noise

TRUTH = LinearGaussian(conditional=False)
VARIANCES = np.array([0.3, 0.5, 0.8]) * np.diag(TRUTH.posterior_covariance)
OFFSET = 0.1


def closed_form(x):
    """Mean (event + 1, 2 * latent) and variance of each gradient of SGVB B by the encoder's layer.

    With eps standard normal and s the scales of q, the gradients by loc and log-variance of a row
    are g = c + Q S eps and s eps g / 2 + (s^2 - 1) / 2.
    """
    scale = np.sqrt(VARIANCES)
    by_x, _, bias = TRUTH.posterior_weights()
    loc = x @ by_x.T + bias + OFFSET  # (num, latent)
    curvature = TRUTH.loading.T @ TRUTH.loading / SCALE**2
    residual = loc @ TRUTH.loading.T + TRUTH.bias - x
    of_likelihood = residual @ TRUTH.loading / SCALE**2
    spread = (curvature * scale) ** 2  # (latent, latent): of dimension j by eps_k
    diagonal = np.diag(spread)
    loc_variance = np.tile(spread.sum(axis=1), (len(x), 1))
    others = spread.sum(axis=1) - diagonal
    log_variance = VARIANCES / 4 * (of_likelihood**2 + others + 2 * diagonal)
    means = np.concatenate(
        [
            of_likelihood + loc,
            np.tile(VARIANCES * np.diag(curvature) + VARIANCES - 1, (len(x), 1)) / 2,
        ],
        axis=1,
    )
    variances = np.concatenate([loc_variance, log_variance], axis=1)  # (num, 2 * latent)
    inputs = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    num = len(x)
    return inputs.T @ means / num, (inputs**2).T @ variances / num**2


def test_closed_form():
    x, _ = TRUTH.data(6)
    model = TRUTH.model(np.diag(VARIANCES), OFFSET, estimator="analytic_kl")
    mean, variance = closed_form(x)
    found = gradient_noise(model, x, num_draws=1000)
    assert found.variance == pytest.approx(variance.mean(), rel=0.1)
    expected = np.sqrt(np.sum(mean**2) / variance.sum())
    assert found.signal_to_noise == pytest.approx(expected, rel=0.1)


def test_of_chosen_weights():
    x, _ = TRUTH.data(6)
    model = TRUTH.model(np.diag(VARIANCES), OFFSET, estimator="analytic_kl")
    bias = model.encoder.trainable_variables[1]
    assert bias.shape == (2 * LATENT,)
    found = gradient_noise(model, x, variables=[bias], num_draws=1000)
    assert found.variance == pytest.approx(closed_form(x)[1][-1].mean(), rel=0.1)


def test_estimators_are_told_apart():
    """The score function is far noisier; sticking the landing is silent at the posterior."""
    x, _ = TRUTH.data(6)
    diagonal = LinearGaussian(conditional=False)
    diagonal.loading = np.linalg.qr(diagonal.loading)[0]
    exact = np.diag(np.full(LATENT, 1 / (1 + 1 / SCALE**2)))
    diagonal.posterior_covariance = exact

    def variance(**arguments):
        return gradient_noise(diagonal.model(exact, **arguments), x).variance

    reparameterized = variance(estimator="analytic_kl")
    assert variance(estimator="score_function") > 3 * reparameterized
    landing = variance(cls=keras_vae.IWAE, num_samples=1, gradient="sticking_the_landing")
    assert landing < 1e-6 * reparameterized


def test_without_noise_there_is_no_variance():
    case = named("autoencoder dense")
    found = gradient_noise(case.build(), *case.data(10), num_draws=3)
    assert found == (0.0, np.inf)


@pytest.mark.parametrize("name", ["cvae learned prior", "sparse autoencoder dense"])
def test_the_model_is_left_as_it_is(name):
    case = named(name)
    model = case.build()
    before = model.get_weights()
    found = gradient_noise(model, *case.data(10), num_draws=3, seed=1)
    assert_same(model.get_weights(), before)
    assert gradient_noise(model, *case.data(10), num_draws=3, seed=1) == pytest.approx(found)


def test_batch_normalization_is_left_as_it_is():
    encoder, decoder = keras_vae.networks.dense((6,), 2, hidden=(4,))
    normalized = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), encoder])
    model = keras_vae.VAE(normalized, decoder)
    before = model.get_weights()
    x = np.random.default_rng(0).random((9, 6), "float32")
    assert gradient_noise(model, x, num_draws=3).variance > 0
    assert_same(model.get_weights(), before)


def test_mistakes():
    case = named("vae dense")
    with pytest.raises(UserError, match="Received num_draws=1"):
        gradient_noise(case.build(), *case.data(10), num_draws=1)
    with pytest.raises(UserError, match=r"num_draws=2\.5"):
        gradient_noise(case.build(), *case.data(10), num_draws=2.5)
    with pytest.raises(UserError, match="Received seed=-1"):
        gradient_noise(case.build(), *case.data(10), seed=-1)


def test_half_precision():
    with dtype_policy("bfloat16"):
        model = keras_vae.VAE(*keras_vae.networks.dense((6,), 2, hidden=(4,)))
    x = np.random.default_rng(0).random((9, 6), "float32")
    assert gradient_noise(model, x, num_draws=3).variance > 0
