"""The three gradient estimators against quadrature, and against each other.

Each row of a batch has the same parameters and its own noise, so one pass gives thousands of
independent gradients and with them the standard error of their mean.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import Bernoulli, DiagonalNormal, NormalMixture
from keras_vae.distributions.flows import standard_normal
from keras_vae.models.estimators import SGVB, AnalyticKL, MonteCarloKL, ScoreFunction
from keras_vae.noise import Noise

ROWS = 20_000
DIM, PIXELS = 2, 3
ESTIMATORS = {
    "analytic_kl": AnalyticKL,
    "monte_carlo_kl": MonteCarloKL,
    "score_function": ScoreFunction,
}
rng = np.random.default_rng(0)
WEIGHTS = rng.normal(0, 1.5, (DIM, PIXELS))
X = np.array([1.0, 0.0, 1.0])
# loc and log-variance of q, loc and log-variance of p, and the decoder's bias.
Q, P, BIAS = np.array([0.5, -0.3, -0.4, 0.3]), np.array([-0.2, 0.1, 0.5, 0.2]), rng.normal(size=3)


def samples(estimator, num=ROWS):
    """The two terms (rows,) and the gradient of their sum by all parameters (rows, 11)."""
    variables = [
        tf.constant(np.tile(values, (num, 1)), tf.float32) for values in (Q, P, BIAS)
    ]  # (rows, 4), (rows, 4), (rows, 3)
    with tf.GradientTape() as tape:
        tape.watch(variables)
        q, p = (DiagonalNormal().distribution(params) for params in variables[:2])

        def log_likelihood(z):
            logits = tf.tanh(z) @ tf.constant(WEIGHTS, tf.float32) + variables[2]
            density = Bernoulli().distribution(logits, batch_ndims=2)
            return density.log_prob(X.astype("float32"))

        noise = Noise.from_seeds(tf.range(num, dtype=tf.int64))
        reconstruction, kl = estimator(q, p, log_likelihood, noise)
        kl = tf.reduce_sum(kl, axis=1)
        total = reconstruction + kl
    gradient = tf.concat(tape.gradient(total, variables), axis=1)
    return reconstruction.numpy(), kl.numpy(), gradient.numpy()


def exact(q, p, bias):
    """The two terms by Gauss-Hermite quadrature, float64."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    standard = np.array(list(itertools.product(nodes, nodes)))
    weights = np.prod(list(itertools.product(weights, weights)), axis=1) / (2 * np.pi)
    z = q[:DIM] + np.exp(q[DIM:] / 2) * standard
    logits = np.tanh(z) @ WEIGHTS + bias
    log_likelihood = X * logits - np.logaddexp(0, logits)
    reconstruction = -weights @ log_likelihood.sum(axis=1)
    ratio = np.exp(q[DIM:] - p[DIM:])
    distance = (q[:DIM] - p[:DIM]) ** 2 / np.exp(p[DIM:])
    return reconstruction, (ratio + distance - 1 - np.log(ratio)).sum() / 2


def exact_gradient():
    """By central differences of the quadrature."""
    point = np.concatenate([Q, P, BIAS])

    def value(point):
        return sum(exact(point[:4], point[4:8], point[8:]))

    steps = 1e-5 * np.eye(len(point))
    return np.array([(value(point + step) - value(point - step)) / 2e-5 for step in steps])


@pytest.fixture(scope="module")
def drawn():
    return {name: samples(estimator()) for name, estimator in ESTIMATORS.items()}


def assert_means(values, expected, largest_error):
    """Means over the rows within 4.5 standard errors, and these small enough to say something."""
    values = values.astype(np.float64)
    error = values.std(axis=0) / np.sqrt(len(values))
    assert np.all(error < largest_error)
    assert np.all(np.abs(values.mean(axis=0) - expected) < 4.5 * error + 1e-5)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_values(drawn, name):
    reconstruction, kl, _ = drawn[name]
    exact_reconstruction, exact_kl = exact(Q, P, BIAS)
    assert_means(reconstruction, exact_reconstruction, largest_error=0.02)
    assert_means(kl, exact_kl, largest_error=0.02)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_gradients(drawn, name):
    assert_means(drawn[name][2], exact_gradient(), largest_error=0.05)


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ESTIMATORS, 2)))
def test_estimators_agree(drawn, first, second):
    """On common noise, so that their difference is known better than each."""
    for one, other in zip(drawn[first], drawn[second], strict=True):
        assert_means(one - other, 0.0, largest_error=0.05)


def test_analytic_kl_has_no_variance(drawn):
    assert np.ptp(drawn["analytic_kl"][1]) == 0
    assert np.var(drawn["monte_carlo_kl"][1]) > 0.1


def test_score_function_has_the_values_of_monte_carlo_kl(drawn):
    for one, other in zip(drawn["score_function"][:2], drawn["monte_carlo_kl"][:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_sgvb_is_the_one_or_the_other():
    """By whether the KL has a closed form: of two Normals, or of a Normal and a mixture."""
    num = 50
    q = DiagonalNormal().distribution(tf.random.stateless_normal([num, 6], [1, 2]))
    mixture = NormalMixture(4)
    mixture.prepare(3)
    noise = Noise.from_seeds(tf.range(num, dtype=tf.int64))

    def terms(estimator, p):
        return estimator(2)(q, p, lambda z: tf.reduce_sum(z, axis=-1), noise)

    for p, estimator in (
        (standard_normal(3), AnalyticKL),
        (mixture.distribution(None), MonteCarloKL),
    ):
        for one, other in zip(terms(SGVB, p), terms(estimator, p), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_num_samples_are_averaged(drawn, name):
    """With 16 samples per row the mean stays and the variance falls 16-fold."""
    reconstruction, _, gradient = samples(ESTIMATORS[name](num_samples=16), num=4000)
    assert_means(reconstruction, exact(Q, P, BIAS)[0], largest_error=0.02)
    assert_means(gradient, exact_gradient(), largest_error=0.05)
    ratio = np.var(drawn[name][0]) / np.var(reconstruction)
    assert 14 < ratio < 18
    ratio = np.var(drawn[name][2], axis=0) / np.var(gradient, axis=0)
    assert ((ratio[:DIM] > 13) & (ratio[:DIM] < 19)).all()


def test_score_function_has_a_hundredfold_variance():
    """AEVB's case for reparameterization: 20 latent dimensions and an image of 100 pixels."""
    rng = np.random.default_rng(0)
    dim, pixels, num = 20, 100, 1000
    weights = tf.constant(rng.normal(0, 0.5, (dim, pixels)), tf.float32)
    x = tf.constant(rng.integers(0, 2, pixels), tf.float32)
    variance = {}
    for name, estimator in ESTIMATORS.items():
        loc = tf.zeros([num, dim])
        with tf.GradientTape() as tape:
            tape.watch(loc)
            q = DiagonalNormal().distribution(tf.concat([loc, tf.fill([num, dim], -1.0)], axis=1))
            terms = estimator()(
                q,
                standard_normal(dim),
                lambda z: Bernoulli().distribution(z @ weights, batch_ndims=2).log_prob(x),
                Noise.from_seeds(tf.range(num, dtype=tf.int64)),
            )
            total = tf.reduce_sum(terms[0]) + tf.reduce_sum(terms[1])
        variance[name] = np.var(tape.gradient(total, loc), axis=0).sum()
    assert variance["analytic_kl"] < variance["monte_carlo_kl"]
    assert variance["score_function"] > 100 * variance["monte_carlo_kl"]
