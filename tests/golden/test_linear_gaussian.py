"""ELBO and importance-sampled likelihood against the exact log p(x) of a linear-Gaussian model."""

import numpy as np
import pytest
import scipy.stats

from golden.linear_gaussian import EVENT, LATENT, SCALE, LinearGaussian
from keras_vae.evaluation import kl_per_dimension

NUM = 12


@pytest.fixture(params=[False, True], ids=["p(x)", "p(x|c)"])
def truth(request):
    return LinearGaussian(conditional=request.param)


@pytest.fixture
def data(truth):
    return truth.data(NUM)


def given(truth, c):
    """What the model is told beside x."""
    return (c,) if truth.conditional else ()


def wider(truth):
    """A diagonal covariance that covers the exact posterior, so that weights have a variance."""
    return np.diag(1.5 * np.diag(truth.posterior_covariance))


def exact_elbo(truth, x, c, covariance, offset):
    """The two terms of the ELBO in closed form, (num,) each."""
    by_x, by_c, bias = truth.posterior_weights()
    loc = x @ by_x.T + c @ by_c.T + bias + offset
    residual = x - loc @ truth.loading.T - c @ truth.shift.T - truth.bias
    spread = np.trace(truth.loading @ covariance @ truth.loading.T)
    log_likelihood = scipy.stats.norm.logpdf(residual, 0, SCALE).sum(axis=1)
    distance = (loc - c @ truth.prior_shift.T) ** 2 / truth.prior_variance
    ratio = covariance / truth.prior_variance
    kl = np.trace(ratio) + distance.sum(axis=1) - LATENT - np.linalg.slogdet(ratio)[1]
    return log_likelihood - spread / (2 * SCALE**2), kl / 2


def test_the_exact_posterior_leaves_no_gap(truth, data):
    """log p(x|z) + log p(z) - log q(z|x) is log p(x) for every z: one sample is enough."""
    x, c = data
    model = truth.model(truth.posterior_covariance, estimator="monte_carlo_kl")
    expected = truth.log_prob(x, c)
    np.testing.assert_allclose(model.elbo(x, *given(truth, c)), expected, atol=1e-3)
    np.testing.assert_allclose(model.elbo(x, *given(truth, c), seed=1), expected, atol=1e-3)


@pytest.mark.parametrize("num_samples", [1, 50, 70])
def test_the_exact_posterior_leaves_no_importance_sampling_error(truth, data, num_samples):
    """Each importance weight is p(x), so that a sample too many or too few would be seen."""
    x, c = data
    model = truth.model(truth.posterior_covariance)
    estimate = model.log_likelihood(x, *given(truth, c), num_samples=num_samples)
    np.testing.assert_allclose(estimate, truth.log_prob(x, c), atol=1e-3)


def test_importance_sampling_is_within_its_error(truth, data):
    x, c = data
    covariance, offset, num_samples = wider(truth), 0.1, 4000
    expected = truth.log_prob(x, c)
    # For a Gaussian posterior the spread of p(x, z) / q(z|x) is the same for every x.
    rng = np.random.default_rng(0)
    q = scipy.stats.multivariate_normal(np.full(LATENT, offset), covariance)
    z = q.rvs(200_000, random_state=rng)
    exact = scipy.stats.multivariate_normal(np.zeros(LATENT), truth.posterior_covariance)
    error = np.std(np.exp(exact.logpdf(z) - q.logpdf(z))) / np.sqrt(num_samples)

    model = truth.model(covariance, offset)
    deviation = model.log_likelihood(x, *given(truth, c), num_samples=num_samples) - expected
    assert 0.005 < error < 0.05
    assert np.abs(deviation).max() < 4 * error
    assert abs(deviation.mean()) < 4 * error / np.sqrt(NUM)
    assert deviation.std() > error / 3  # estimated, and with each row's own noise


def test_few_samples_are_a_lower_bound(truth):
    x, c = truth.data(500)
    model = truth.model(wider(truth), 0.1)
    gaps = [
        truth.log_prob(x, c) - model.log_likelihood(x, *given(truth, c), num_samples=num)
        for num in (1, 10)
    ]
    errors = [gap.std() / np.sqrt(500) for gap in gaps]
    assert gaps[1].mean() > 4 * errors[1]
    assert gaps[0].mean() > 2 * gaps[1].mean()


@pytest.mark.parametrize("full", [False, True], ids=["diagonal", "full covariance"])
def test_elbo_is_below_the_likelihood_by_the_posteriors_divergence(truth, data, full):
    x, c = data
    num_samples = 10_000
    covariance, offset = 1.2 * truth.posterior_covariance if full else wider(truth), 0.3
    reconstruction, kl = exact_elbo(truth, x, c, covariance, offset)
    estimator = {"name": "analytic_kl", "num_samples": num_samples}
    model = truth.model(covariance, offset, estimator=estimator)
    elbo = model.elbo(x, *given(truth, c))

    # log p(x|z) is quadratic in z; its variance is largest for the largest residual.
    by_x, by_c, bias = truth.posterior_weights()
    rng = np.random.default_rng(0)
    loc = x @ by_x.T + c @ by_c.T + bias + offset
    z = loc[:, np.newaxis] + rng.multivariate_normal(np.zeros(LATENT), covariance, (NUM, 5000))
    mean = z @ truth.loading.T + (c @ truth.shift.T + truth.bias)[:, np.newaxis]
    log_likelihood = scipy.stats.norm.logpdf(x[:, np.newaxis], mean, SCALE).sum(axis=2)
    error = log_likelihood.std(axis=1) / np.sqrt(num_samples)

    assert error.max() < 0.15
    assert np.all(np.abs(elbo - (reconstruction - kl)) < 4.5 * error)
    gap = truth.log_prob(x, c) - (reconstruction - kl)
    assert gap.min() > 5 * error.max()
    assert np.all(elbo < truth.log_prob(x, c))
    exact_gap = (
        np.trace(ratio := np.linalg.solve(truth.posterior_covariance, covariance))
        - LATENT
        - np.linalg.slogdet(ratio)[1]
        + offset**2 * np.linalg.inv(truth.posterior_covariance).sum()
    ) / 2
    np.testing.assert_allclose(gap, exact_gap, rtol=1e-3)


def test_kl_per_dimension(truth, data):
    x, c = data
    covariance = wider(truth)
    kl = kl_per_dimension(truth.model(covariance, 0.3), x, *given(truth, c))
    assert kl.shape == (LATENT,)
    np.testing.assert_allclose(
        kl.sum(), exact_elbo(truth, x, c, covariance, 0.3)[1].mean(), rtol=1e-4
    )


def test_samples_have_the_priors_moments(truth):
    """The decoder is linear, so samples are Normal with the mean and covariance of E[x|z]."""
    num = 4000
    c = np.array([0.5, -1.0]) if truth.conditional else np.zeros(0)
    model = truth.model(truth.posterior_covariance)
    samples = model.sample(num, condition=c if truth.conditional else None, seed=0)
    loc = truth.loading @ truth.prior_shift @ c + truth.shift @ c + truth.bias
    covariance = truth.loading * truth.prior_variance @ truth.loading.T
    assert samples.shape == (num, EVENT)
    error = np.sqrt(np.diag(covariance) / num)
    assert np.all(np.abs(samples.mean(axis=0) - loc) < 4 * error)
    np.testing.assert_allclose(
        np.cov(samples.T), covariance, atol=5 * np.diag(covariance).max() * np.sqrt(2 / num)
    )
