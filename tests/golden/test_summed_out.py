"""Estimates of p(x) of every binary x there is: they add up to 1, and are those of quadrature."""

import itertools

import numpy as np
import pytest

import keras_vae
from golden.drawn import keep_draws
from keras_vae.evaluation import bidirectional_monte_carlo, estimated_likelihood, inference_gaps

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


def test_the_bracket_holds_what_is_drawn(model, monkeypatch):
    drawn = keep_draws(model, monkeypatch)
    bracket = bidirectional_monte_carlo(model, 100, num_chains=8, num_temperatures=20)
    of_each = {tuple(x): log_prob for x, log_prob in zip(X, exact(), strict=True)}
    expected = [of_each[tuple(x)] for x in np.concatenate(drawn)]
    assert bracket.lower.mean() < np.mean(expected) < bracket.upper.mean()
    assert np.mean(bracket.upper - bracket.lower) < 0.05


def test_the_gaps_add_up_to_what_the_elbo_lacks(model):
    """The ELBO by quadrature, and a refined one between it and the exact log p(x)."""
    num_samples = 4000
    gaps = inference_gaps(
        model,
        X,
        likelihood={"estimator": "is", "num_samples": 20000},
        num_steps=300,
        num_samples=num_samples,
    )
    q = model.posterior(X)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    noise = np.array(list(itertools.product(nodes, nodes)))[:, np.newaxis]  # (1600, 1, LATENT)
    weights = np.prod(list(itertools.product(weights, weights)), axis=1) / (2 * np.pi)
    scale = q.stddev().numpy()  # (8, LATENT)
    z = q.mean().numpy() + scale * noise  # (1600, 8, LATENT)
    logits = z @ WEIGHTS + BIAS  # (1600, 8, PIXELS)
    log_likelihood = (X * logits - np.logaddexp(0, logits)).sum(axis=2)  # (1600, 8)
    log_ratio = (np.square(noise) - np.square(z)).sum(axis=2) / 2 + np.log(scale).sum(axis=1)
    terms = log_likelihood + log_ratio
    elbo = weights @ terms  # (8,)
    error = np.sqrt(weights @ np.square(terms - elbo) / num_samples)
    found = gaps.approximation + gaps.amortization
    assert (np.abs(found - (exact() - elbo)) < 4 * error + 0.02).all()
    assert (gaps.approximation > -0.02).all()
    assert (gaps.amortization > 4 * error).all()
