"""The KL in closed form against linear algebra and against Monte Carlo, both in float64."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions import (
    DiagonalNormal,
    MultivariateNormalTriL,
    kl_divergence,
)
from keras_vae.distributions.flows import standard_normal
from keras_vae.errors import UserError

DIM = 3
STANDARD = standard_normal(DIM)


def density(layer, seed):
    """Two rows of densities with parameters of order 1."""
    params = np.random.default_rng(seed).normal(0, 0.7, (2, *layer.params_shape((DIM,))))
    return layer.distribution(tf.constant(params, tf.float32))


PAIRS = {
    "diagonal, standard": (density(DiagonalNormal(), 0), STANDARD),
    "diagonal, diagonal": (density(DiagonalNormal(), 1), density(DiagonalNormal(), 2)),
    "full, standard": (density(MultivariateNormalTriL(), 3), STANDARD),
    "full, diagonal": (density(MultivariateNormalTriL(), 4), density(DiagonalNormal(), 5)),
}
every_pair = pytest.mark.parametrize(("q", "p"), PAIRS.values(), ids=PAIRS)


def moments(distribution, row):
    """The mean and the covariance of one row's density, float64."""
    mean = np.broadcast_to(distribution.mean(), (2, DIM))[row].astype(np.float64)
    covariance = np.broadcast_to(distribution.covariance(), (2, DIM, DIM))[row]
    return mean, covariance.astype(np.float64)


@every_pair
def test_against_linear_algebra(q, p):
    kl = tf.reduce_sum(kl_divergence(q, p), axis=1)
    for row in range(2):
        (q_mean, q_cov), (p_mean, p_cov) = moments(q, row), moments(p, row)
        inverse, difference = np.linalg.inv(p_cov), p_mean - q_mean
        quadratic = np.trace(inverse @ q_cov) + difference @ inverse @ difference
        log_det = np.linalg.slogdet(p_cov)[1] - np.linalg.slogdet(q_cov)[1]
        np.testing.assert_allclose(kl[row], (quadratic - DIM + log_det) / 2, rtol=1e-4)


@every_pair
def test_against_monte_carlo(q, p):
    kl = tf.reduce_sum(kl_divergence(q, p), axis=1)
    for row in range(2):
        q_row, p_row = (scipy.stats.multivariate_normal(*moments(d, row)) for d in (q, p))
        z = q_row.rvs(100_000, random_state=np.random.default_rng(row))
        log_ratio = q_row.logpdf(z) - p_row.logpdf(z)
        standard_error = log_ratio.std() / np.sqrt(len(z))
        assert standard_error < 0.02 * kl[row]
        assert abs(kl[row] - log_ratio.mean()) < 4 * standard_error


@pytest.mark.parametrize("pair", ["diagonal, standard", "diagonal, diagonal"])
def test_per_dimension_sums_to_the_joint(pair):
    q, p = PAIRS[pair]
    kl = kl_divergence(q, p)
    assert kl.shape == (2, DIM)
    joint = tfp.distributions.kl_divergence(q, p)
    np.testing.assert_allclose(tf.reduce_sum(kl, axis=1), joint, rtol=1e-5)


def test_per_dimension_is_that_of_each_dimension():
    params = tf.constant([[0.0, 2.0, 0.0, 0.0, 0.0, np.log(4.0)]])  # loc, log-variance
    kl = kl_divergence(DiagonalNormal().distribution(params), STANDARD)
    np.testing.assert_allclose(kl, [[0.0, 2.0, (4 - 1 - np.log(4)) / 2]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pair", ["full, standard", "full, diagonal"])
def test_full_covariance_is_one_group(pair):
    assert kl_divergence(*PAIRS[pair]).shape == (2, 1)


def test_no_closed_form():
    tfd = tfp.distributions
    mixture = tfd.MixtureSameFamily(
        tfd.Categorical(logits=[0.0, 0.0]), tfd.MultivariateNormalDiag(tf.zeros([2, DIM]))
    )
    with pytest.raises(UserError, match=r"no closed form.*monte_carlo_kl"):
        kl_divergence(density(DiagonalNormal(), 0), mixture)
