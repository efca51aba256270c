"""Estimates of p(x) of every binary x there is: they add up to 1, and are those of quadrature."""

import itertools

import numpy as np
import pytest

import keras_vae
from keras_vae.evaluation import estimated_likelihood

PIXELS, LATENT = 3, 2
X = np.array(list(itertools.product([0.0, 1.0], repeat=PIXELS)), np.float32)  # (8, PIXELS)
WEIGHTS = np.array([[2.0, -1.5, 1.0], [0.5, 2.0, -2.5]])
BIAS = np.array([0.5, -1.0, 0.3])
ESTIMATORS = {
    "is": {"num_samples": 20000},
    "ais": {"num_chains": 64, "num_temperatures": 40},
    "hmc": {"num_chains": 8, "num_samples": 2000, "num_burnin": 100},
}


@pytest.fixture(scope="module")
def model():
    """p(x|z) = Bernoulli(x; logits W z + b), and an encoder that was never trained."""
    pair = keras_vae.networks.dense((PIXELS,), LATENT, hidden=())
    pair[0].set_weights([np.full((PIXELS, 2 * LATENT), 0.3), np.zeros(2 * LATENT)])
    pair[1].set_weights([WEIGHTS, BIAS])
    model = keras_vae.VAE(*pair, likelihood="bernoulli")
    model.supports_jit = False  # to compile takes longer than to run
    return model


def exact():
    """Log p(x) of each x by Gauss-Hermite quadrature (8,), float64."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    z = np.array(list(itertools.product(nodes, nodes)))  # (80 * 80, LATENT)
    weights = np.prod(list(itertools.product(weights, weights)), axis=1) / (2 * np.pi)
    logits = z @ WEIGHTS + BIAS
    log_likelihood = X @ logits.T - np.logaddexp(0, logits).sum(axis=1)  # (8, 80 * 80)
    return np.log(np.exp(log_likelihood) @ weights)


def test_quadrature_adds_up():
    assert np.exp(exact()).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimates_add_up(model, estimator):
    estimate = estimated_likelihood(model, X, estimator=estimator, **ESTIMATORS[estimator])
    assert estimate.standard_error.max() < 0.1
    deviation = np.abs(estimate.log_likelihood - exact())
    assert (deviation < 5 * estimate.standard_error + 0.005).all()
    assert np.exp(estimate.log_likelihood).sum() == pytest.approx(1, abs=0.05)
