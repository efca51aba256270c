"""Estimates of log p(x) where it is known: models that are linear and Normal."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from golden.drawn import keep_draws
from golden.linear_gaussian import LinearGaussian
from keras_vae.errors import UserError
from keras_vae.evaluation import (
    annealed_importance_sampling,
    annealing,
    bidirectional_monte_carlo,
)
from keras_vae.evaluation.chains import start_chains
from keras_vae.models import LikelihoodEstimate
from keras_vae.noise import Noise

NUM = 12
THIN, WIDE = {"event": 3, "latent": 1}, {"event": 6, "latent": 4}


def known(conditional, supports_jit=False, **widths):
    """A model with a bad encoder, rows of it, and their exact log p(x)."""
    truth = LinearGaussian(conditional, **widths)
    x, c = truth.data(NUM)
    given = (c,) if conditional else ()
    model = truth.model(4 * np.eye(truth.latent), 0.5)  # a posterior that is far too wide
    model.supports_jit = supports_jit  # to compile takes longer than to run
    return model, x, given, truth.log_prob(x, c)


def assert_within_its_error(estimate, exact, num_errors=5.0, offset=0.02):
    assert (
        np.abs(estimate.log_likelihood - exact) < num_errors * estimate.standard_error + offset
    ).all()


# --- importance sampling ---


@pytest.mark.parametrize(
    ("conditional", "widths"), [(False, {}), (True, {}), (False, THIN), (False, WIDE)]
)
def test_importance_sampling(conditional, widths):
    model, x, given, exact = known(conditional, **widths)
    estimate = model.importance_sampling(x, *given, num_samples=20000)
    assert estimate.standard_error.max() < 0.2
    assert_within_its_error(estimate, exact)
    np.testing.assert_array_equal(
        estimate.log_likelihood, model.log_likelihood(x, *given, num_samples=20000)
    )


def test_the_standard_error_is_that_of_repeated_estimates():
    model, x, _, _ = known(False)
    runs = [model.importance_sampling(x, num_samples=400, seed=seed) for seed in range(60)]
    spread = np.std([run.log_likelihood for run in runs], axis=0, ddof=1)
    claimed = np.mean([run.standard_error for run in runs], axis=0)
    assert (np.abs(np.log(spread / claimed)) < 0.5).all()


def test_effective_sample_size():
    """All samples count where the posterior is exact, and few where it is far off."""
    truth = LinearGaussian(conditional=False)
    x, _ = truth.data(NUM)
    exact = truth.model(truth.posterior_covariance)
    size = exact.importance_sampling(x, num_samples=100).effective_sample_size
    np.testing.assert_allclose(size, 100, rtol=1e-3)
    size = known(False)[0].importance_sampling(x, num_samples=100).effective_sample_size
    assert (size >= 1).all()
    assert (size < 50).all()


def test_estimate_of_weights_by_hand():
    weights = np.random.default_rng(0).gamma(2.0, size=(40, 3))
    estimate = LikelihoodEstimate.of_log_weights(np.log(weights))
    mean = weights.mean(axis=0)
    np.testing.assert_allclose(estimate.log_likelihood, np.log(mean))
    size = weights.sum(axis=0) ** 2 / np.square(weights).sum(axis=0)
    np.testing.assert_allclose(estimate.effective_sample_size, size)
    error = weights.std(axis=0) / np.sqrt(40) / mean
    np.testing.assert_allclose(estimate.standard_error, error)


def test_one_weight_has_no_error():
    estimate = LikelihoodEstimate.of_log_weights(np.zeros((1, 3)))
    assert np.isnan(estimate.standard_error).all()
    np.testing.assert_array_equal(estimate.effective_sample_size, 1)


# --- annealing ---


@pytest.mark.parametrize(
    ("start", "conditional", "widths", "supports_jit"),
    [
        ("prior", False, {}, False),
        pytest.param("posterior", False, {}, True, marks=pytest.mark.slow),
        ("posterior", True, {}, False),
        ("posterior", False, THIN, False),
        pytest.param("prior", False, WIDE, False, marks=pytest.mark.slow),
    ],
)
def test_annealed_importance_sampling(start, conditional, widths, supports_jit):
    model, x, given, exact = known(conditional, supports_jit, **widths)
    estimate = annealed_importance_sampling(
        model, x, *given, start=start, num_chains=64, num_temperatures=60
    )
    assert estimate.standard_error.max() < 0.3
    assert_within_its_error(estimate, exact)


def test_step_sizes_are_tuned_to_the_acceptance():
    """At the last temperature, where the density is p(z|x), by chains that did not tune them."""
    truth = LinearGaussian(conditional=False)
    x, _ = truth.data(NUM)
    model = truth.model(truth.posterior_covariance)
    betas = annealing._betas("posterior", 64, 60)
    noise = Noise.for_rows(0, tf.constant(x))
    tuning, z = (
        start_chains(model, "posterior", 64, tf.constant(x), None, noise.fold(stream))
        for stream in (1, 2)
    )
    path = "posterior", betas, tf.constant(x), None
    tune = model.program(annealing._step_sizes, jit_compile=False)
    sizes = tune(*path, tuning, tf.constant([0, 1, 0]))  # (60, NUM)
    log_start, _ = annealing._densities(model, "posterior", tf.constant(x), None)
    _, acceptance = annealing._move(log_start, z, sizes[-1], tf.constant([2, 3]))  # (NUM,)
    np.testing.assert_allclose(acceptance, annealing._ACCEPTANCE, atol=0.3)
    assert abs(np.mean(acceptance) - annealing._ACCEPTANCE) < 0.06


def test_annealing_beats_as_many_weights_of_importance_sampling():
    model, x, _, exact = known(False)
    plain = model.importance_sampling(x, num_samples=16)
    annealed = annealed_importance_sampling(model, x, num_chains=16, num_temperatures=60)
    assert np.abs(annealed.log_likelihood - exact).mean() < (
        0.3 * np.abs(plain.log_likelihood - exact).mean()
    )
    assert annealed.effective_sample_size.mean() > 2 * plain.effective_sample_size.mean()


def test_more_temperatures_are_tighter():
    model, x, _, exact = known(False)
    few, many = (
        annealed_importance_sampling(model, x, start="prior", num_chains=16, num_temperatures=num)
        for num in (3, 60)
    )
    assert many.effective_sample_size.mean() > 2 * few.effective_sample_size.mean()
    assert np.mean(few.log_likelihood) < np.mean(many.log_likelihood) < np.mean(exact) + 0.05


@pytest.mark.parametrize("start", ["prior", pytest.param("posterior", marks=pytest.mark.slow)])
def test_chains_both_ways_meet_with_more_temperatures(start):
    """On average over the examples."""
    model, *_ = known(False)
    gaps = []
    for num_temperatures in (5, 80):
        lower, upper = bidirectional_monte_carlo(
            model, 60, start=start, num_chains=8, num_temperatures=num_temperatures
        )
        gaps.append(np.mean(upper - lower))
    assert 0 < gaps[1] < 0.3 * gaps[0]
    assert gaps[1] < 0.4


@pytest.mark.slow
def test_grey_levels_are_bracketed():
    """Of a likelihood whose data are drawn as levels."""
    levels = {"name": "discretized_logistic"}
    pair = keras_vae.networks.dense((3,), 2, hidden=(), likelihood=levels)
    model = keras_vae.VAE(*pair, likelihood=levels)
    bracket = bidirectional_monte_carlo(model, 40, num_chains=4, num_temperatures=30)
    assert np.isfinite(bracket).all()
    assert 0 < np.mean(bracket.upper - bracket.lower) < 1


@pytest.mark.parametrize(
    ("start", "widths", "num_temperatures"), [("posterior", {}, 40), ("prior", THIN, 5)]
)
def test_the_bracket_holds_what_is_drawn(start, widths, num_temperatures, monkeypatch):
    """The examples are the model's own: their exact log p(x) lies between the two."""
    truth = LinearGaussian(False, **widths)
    model, *_ = known(False, **widths)
    drawn = keep_draws(model, monkeypatch)
    bracket = bidirectional_monte_carlo(
        model, 60, start=start, num_chains=4, num_temperatures=num_temperatures
    )
    exact = truth.log_prob(np.concatenate(drawn), np.zeros((60, 0)))
    assert bracket.lower.mean() < exact.mean() < bracket.upper.mean()
    assert np.abs(bracket.upper - exact).mean() < 1.0


def test_the_same_seed_gives_the_same():
    model, x, _, _ = known(False)
    settings = {"num_chains": 4, "num_temperatures": 5}
    one, same, other = (
        annealed_importance_sampling(model, x, **settings, seed=seed).log_likelihood
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


@pytest.mark.slow
def test_any_prior_and_binary_data():
    """A mixture has no bijector to start from, and binary data are drawn anew by the seed."""
    likelihood = {"name": "bernoulli", "binarization": "dynamic"}
    pair = keras_vae.networks.dense((4, 4, 1), 2, hidden=(8,), condition_dim=3)
    model = keras_vae.CVAE(*pair, prior="normal_mixture", likelihood=likelihood)
    model.supports_jit = False
    x = np.random.default_rng(0).uniform(size=(5, 4, 4, 1)).astype("float32")
    y = np.arange(5) % 3
    plain = model.importance_sampling(x, y, num_samples=5000, seed=3)
    for start in ("prior", "posterior"):
        estimate = annealed_importance_sampling(
            model, x, y, start=start, num_chains=32, num_temperatures=20, seed=3
        )
        np.testing.assert_allclose(estimate.log_likelihood, plain.log_likelihood, atol=0.4)
    bracket = bidirectional_monte_carlo(model, 5, condition=1, num_chains=4, num_temperatures=5)
    assert np.isfinite(bracket).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "encoder"}, "Unknown start: 'encoder'. Expected one of prior, posterior"),
        ({"num_chains": 0}, "num_chains is a whole number of at least 1"),
        ({"num_temperatures": 0}, "num_temperatures is a whole number of at least 1"),
    ],
)
def test_mistakes(arguments, message):
    model, x, _, _ = known(False)
    for call in (
        lambda: annealed_importance_sampling(model, x, **arguments),
        lambda: bidirectional_monte_carlo(model, 3, **arguments),
    ):
        with pytest.raises(UserError, match=message):
            call()
