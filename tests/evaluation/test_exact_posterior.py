"""Samples of p(z|x), and what is made of them, where p(z|x) is known: linear, Normal models."""

import numpy as np
import pytest

import keras_vae
from dtype_policies import dtype_policy
from golden.linear_gaussian import LinearGaussian
from keras_vae.errors import UserError
from keras_vae.evaluation import (
    hmc_marginal_likelihood,
    inference_gaps,
    likelihood_scores,
    marginal_likelihood,
    posterior_samples,
)
from keras_vae.evaluation.chains import batches
from keras_vae.evaluation.marginal_likelihood import _log_density

NUM, CHAINS = 5, 8
SHORT = {"num_chains": CHAINS, "num_burnin": 100}
WIDTHS = {"1 of 3": (False, 3, 1), "4 of 6": (False, 6, 4), "3 of 5, given c": (True, 5, 3)}


@pytest.fixture(
    scope="module",
    params=[
        "1 of 3",
        pytest.param("4 of 6", marks=pytest.mark.slow),
        pytest.param("3 of 5, given c", marks=pytest.mark.slow),
    ],
)
def known(request):
    """Such a model with a bad encoder, of which p(z|x) is another, and data of it."""
    truth = LinearGaussian(*WIDTHS[request.param])
    model = truth.model(2 * np.eye(truth.latent), 0.5)
    model.supports_jit = False  # to compile takes longer than to run
    x, c = truth.data(NUM)
    return truth, model, x, c


def given(truth, c):
    return (c,) if truth.conditional else ()


# --- the No-U-Turn sampler ---


def test_r_hat_by_hand(known):
    """Of half-chains: the spread of all samples over that within; equation 1.1 of the paper."""
    truth, model, x, c = known
    found = posterior_samples(model, x, *given(truth, c), **SHORT, num_samples=20)
    halves = np.concatenate([found.z[:10], found.z[10:]], axis=1).astype(np.float64)
    num, chains = halves.shape[:2]
    within = halves.var(axis=0, ddof=1).mean(axis=0)
    between = halves.mean(axis=0).var(axis=0, ddof=1)
    pooled = (num - 1) / num * within + between
    expected = (chains + 1) / chains * pooled / within - (num - 1) / (chains * num)
    np.testing.assert_allclose(found.r_hat, np.sqrt(expected), rtol=1e-4)


def test_samples_have_the_posteriors_moments(known):
    truth, model, x, c = known
    found = posterior_samples(model, x, *given(truth, c), **SHORT, num_samples=250)
    assert found.z.shape == (250, CHAINS, NUM, truth.latent)
    z = np.moveaxis(found.z.astype(np.float64), 2, 0).reshape(NUM, -1, truth.latent)
    spread = np.sqrt(np.diag(truth.posterior_covariance))
    deviation = z.mean(axis=1) - truth.posterior_mean(x, c)  # (NUM, latent)
    assert np.abs(deviation / spread).max() < 0.15
    for one in z:
        covariance = np.atleast_2d(np.cov(one.T))
        error = (covariance - truth.posterior_covariance) / np.outer(spread, spread)
        assert np.abs(error).max() < 0.2
    assert found.r_hat.shape == (NUM, truth.latent)
    assert found.r_hat.max() < 1.03
    assert found.acceptance.shape == (NUM,)
    assert np.abs(found.acceptance - 0.8).max() < 0.15


def test_log_joint_is_that_of_the_samples(known):
    """log p(x, z) = log p(x) + log p(z|x)."""
    truth, model, x, c = known
    found = posterior_samples(
        model, x, *given(truth, c), num_chains=CHAINS, num_samples=4, num_burnin=2
    )
    offset = found.z - truth.posterior_mean(x, c)  # (4, CHAINS, NUM, latent)
    precision = np.linalg.inv(truth.posterior_covariance)
    square = np.einsum("...i,ij,...j->...", offset, precision, offset)
    log_volume = np.linalg.slogdet(2 * np.pi * truth.posterior_covariance)[1]
    expected = truth.log_prob(x, c) - (square + log_volume) / 2
    np.testing.assert_allclose(found.log_joint, expected, atol=2e-3)


def test_r_hat_tells_of_chains_that_have_not_met(known):
    """Chains from the prior, a few short steps apart from where they began."""
    truth, model, x, c = known
    settings = {"start": "prior", "num_chains": CHAINS, "num_samples": 6, "num_burnin": 1}
    one, same, other = (
        posterior_samples(model, x, *given(truth, c), **settings, seed=seed)
        for seed in (1, 1, 2**40)
    )
    assert (one.r_hat.max(axis=1) > 1.05).all()
    np.testing.assert_array_equal(one.z, same.z)
    assert not np.array_equal(one.z, other.z)


@pytest.mark.parametrize("num", [1, 50, 51, 120])
def test_all_parts_of_arrays_have_one_size(num):
    rows, done = np.arange(num), []
    parts = [part for (part,) in batches(rows, progress=done.append)]
    assert len({len(part) for part in parts}) == 1
    assert len(parts[0]) <= 50
    np.testing.assert_array_equal(np.concatenate(parts)[:num], rows)
    assert len(done) == len(parts)
    assert sum(done) == num


# --- log p(x) from them ---


def test_hmc_marginal_likelihood(known):
    truth, model, x, c = known
    exact = truth.log_prob(x, c)
    estimate = hmc_marginal_likelihood(model, x, *given(truth, c), **SHORT, num_samples=2000)
    assert estimate.num_samples == 2000
    assert (estimate.effective_sample_size > 500).all()
    assert (estimate.standard_error > 0).all()
    assert estimate.standard_error.max() < 0.05
    deviation = np.abs(estimate.log_likelihood - exact)
    assert (deviation < 5 * estimate.standard_error + 0.02).all()


def test_all_chains_have_kernels():
    """Of sixteen chains, of which every second is somewhere else, more samples than kernels."""
    generator = np.random.default_rng(0)
    samples = generator.normal(0, 0.1, (300, 16, 1)) + np.where(np.arange(16) % 2, 5, -5)[:, None]
    near, other = marginal_likelihood._log_density(samples, np.array([[-5.0], [5.0]]))
    assert abs(near - other) < 0.3
    assert near > -5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "encoder"}, "Unknown start: 'encoder'. Expected one of prior, posterior"),
        ({"num_chains": 0}, "num_chains is a whole number of at least 1"),
        ({"num_samples": 0}, "num_samples"),
        ({"num_samples": 3}, "3"),
    ],
)
def test_mistakes(arguments, message):
    truth = LinearGaussian(False)
    model, x = truth.model(np.eye(truth.latent)), truth.data(2)[0]
    for call in (posterior_samples, hmc_marginal_likelihood):
        with pytest.raises(UserError, match=message):
            call(model, x, **arguments)


def test_chains_that_stand_still_give_no_number():
    """And spoil no other example."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 4, 2))
    assert np.isfinite(_log_density(z, z)).all()
    assert np.isnan(_log_density(np.ones_like(z), z)).all()


def test_wide_codes_are_refused():
    model = keras_vae.VAE(*keras_vae.networks.dense((5,), 11, hidden=()))
    with pytest.raises(UserError, match=r"takes codes of at most 10: use annealed .*`ais`"):
        likelihood_scores(model, np.zeros((2, 5)), estimator="hmc")


# --- gaps ---


def normal_kl(offset, covariance, truth):
    """KL(N(mean + offset, covariance) || p(z|x)), nats."""
    precision = np.linalg.inv(truth.posterior_covariance)
    ratio = precision @ covariance
    log_volume = np.linalg.slogdet(ratio)[1]
    return (np.trace(ratio) + offset @ precision @ offset - truth.latent - log_volume) / 2


@pytest.mark.parametrize(
    ("conditional", "full", "supports_jit"),
    [(False, False, True), (True, False, False), (False, True, False)],
    ids=["diagonal", "diagonal, given c", "full covariance"],
)
def test_gaps_of_a_bad_encoder(conditional, full, supports_jit):
    """The best diagonal q has the precisions and the mean of p(z|x); the best full one is that."""
    truth = LinearGaussian(conditional)
    posterior = truth.posterior_covariance
    best = posterior if full else np.diag(1 / np.diag(np.linalg.inv(posterior)))
    bad, offset = 4 * best, np.full(truth.latent, 0.15)
    model = truth.model(bad, 0.15)
    model.supports_jit = supports_jit
    x, c = truth.data(NUM)
    likelihood = {"estimator": "is", "num_samples": 10000}
    gaps = inference_gaps(
        model, x, *given(truth, c), likelihood=likelihood, num_steps=300, num_samples=4000
    )
    approximation = normal_kl(np.zeros(truth.latent), best, truth)
    total = normal_kl(offset, bad, truth)
    assert (approximation > 0.1) != full
    assert total - approximation > 0.3
    np.testing.assert_allclose(gaps.log_likelihood, truth.log_prob(x, c), atol=0.05)
    np.testing.assert_allclose(gaps.approximation, approximation, atol=0.1)
    np.testing.assert_allclose(gaps.amortization, total - approximation, atol=0.2)
    np.testing.assert_allclose(
        gaps.approximation + gaps.amortization, gaps.log_likelihood - gaps.elbo, atol=1e-4
    )


def test_an_encoder_that_gives_the_best_q_has_no_amortization_gap():
    truth = LinearGaussian(conditional=False)
    best = np.diag(1 / np.diag(np.linalg.inv(truth.posterior_covariance)))
    model = truth.model(best)
    model.supports_jit = False
    gaps = inference_gaps(model, truth.data(NUM)[0], likelihood={"num_samples": 10})
    np.testing.assert_allclose(gaps.amortization, 0, atol=0.01)


def test_gaps_of_half_precision():
    with dtype_policy("mixed_bfloat16"):
        model = keras_vae.VAE(*keras_vae.networks.dense((5,), 2, hidden=(4,)))
    model.supports_jit = False
    x = np.random.default_rng(0).uniform(size=(3, 5)).astype("float32")
    likelihood = {"estimator": "is", "num_samples": 10}
    gaps = inference_gaps(model, x, likelihood=likelihood, num_steps=3, num_samples=10, seed=1)
    assert np.isfinite(gaps).all()
    found = model.log_likelihood(x, num_samples=10, seed=1)
    np.testing.assert_array_equal(gaps.log_likelihood, found)


@pytest.mark.parametrize(
    ("posterior", "arguments", "message"),
    [
        ("inverse_autoregressive_flow", {}, "Received InverseAutoregressiveFlow"),
        ("normal", {"num_steps": 0}, "num_steps is a whole number of at least 1"),
        ("normal", {"likelihood": {"estimator": "bdmc"}}, "such as 'ais'"),
        ("normal", {"likelihood": {"estimator": "ias"}}, "Unknown estimator: 'ias'"),
    ],
)
def test_gaps_refuse(posterior, arguments, message):
    pair = keras_vae.networks.dense((5,), 2, hidden=(), posterior=posterior)
    model = keras_vae.VAE(*pair, posterior=posterior)
    with pytest.raises(UserError, match=message):
        inference_gaps(model, np.zeros((2, 5)), **arguments)
