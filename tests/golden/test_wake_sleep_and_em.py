"""Gradients of wake-sleep and Monte Carlo EM by hand, on a linear-Gaussian model.

Every row of a batch has its own noise: a batch of one example, repeated, gives thousands of
independent draws.
"""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from golden.linear_gaussian import EVENT, LATENT, SCALE, LinearGaussian
from keras_vae.distributions import get_likelihood
from keras_vae.errors import UserError
from keras_vae.models._hamiltonian import transition
from keras_vae.noise import Noise

TRUTH = LinearGaussian(conditional=False)
VARIANCES = 1.5 * np.diag(TRUTH.posterior_covariance)
OFFSET = 0.3
NUM = 10_000


def noise_of(num):
    return Noise.from_seeds(tf.range(num, dtype=tf.int64))


def gradients(model, x, *names):
    """Mean gradients of the sum of the named terms by the encoder's and the decoder's weights."""
    weights = [*model.encoder.trainable_variables, *model.decoder.trainable_variables]

    @tf.function(jit_compile=True, autograph=False)
    def run(x):
        with tf.GradientTape() as tape:
            terms = model.loss_terms(x, None, noise_of(NUM), training=True)
            loss = tf.reduce_mean(tf.add_n([terms[name] for name in names]))
        values = [weight.value for weight in weights]
        return tape.gradient(loss, values, unconnected_gradients="zero")

    return [gradient.numpy() for gradient in run(tf.constant(np.tile(x, (NUM, 1))))]


def joint_gradient(x, mean, second):
    """Of -log p(x, z) by the decoder's kernel and bias, with E[z] and E[z z'] of the codes."""
    residual = mean @ TRUTH.loading.T + TRUTH.bias - x
    by_kernel = second @ TRUTH.loading.T + np.outer(mean, TRUTH.bias - x)
    return by_kernel / SCALE**2, residual / SCALE**2


@pytest.fixture(scope="module")
def x():
    return TRUTH.data(1)[0][0]


@pytest.fixture(scope="module")
def wake_sleep():
    return TRUTH.model(np.diag(VARIANCES), OFFSET, cls=keras_vae.WakeSleep)


def test_the_wake_phase_trains_the_decoder_alone(wake_sleep, x):
    found = gradients(wake_sleep, x, "reconstruction", "kl")
    for gradient in found[:2]:
        np.testing.assert_array_equal(gradient, 0.0)
    by_x, _, bias = TRUTH.posterior_weights()
    mean = by_x @ x + bias + OFFSET
    expected = joint_gradient(x, mean, np.diag(VARIANCES) + np.outer(mean, mean))
    for gradient, exact in zip(found[2:], expected, strict=True):
        assert np.abs(exact).max() > 1.0
        np.testing.assert_allclose(gradient, exact, atol=0.15)


def test_the_sleep_phase_trains_the_encoder_alone(wake_sleep, x):
    """Of dreams (x, z), which are normal: E[z|x] is the exact posterior's, and q's mean is off."""
    found = gradients(wake_sleep, x, "sleep")
    for gradient in found[2:]:
        np.testing.assert_array_equal(gradient, 0.0)
    covariance = TRUTH.loading @ TRUTH.loading.T + SCALE**2 * np.eye(EVENT)
    # -log q = sum (z - loc)^2 / (2 v) + log v / 2, and loc - E[z|x] = OFFSET for every x.
    off = np.full(LATENT, OFFSET) / VARIANCES
    squares = np.diag(TRUTH.posterior_covariance) + OFFSET**2
    by_log_variance = 0.5 - squares / (2 * VARIANCES)
    by_bias = np.concatenate([off, by_log_variance])
    by_kernel = np.outer(TRUTH.bias, by_bias)  # as E[x] = b, and both errors do not depend on x
    assert np.abs(by_bias).max() > 1.0
    error = 5 * np.sqrt(np.diag(covariance).max() / NUM) * np.abs(by_bias).max()
    np.testing.assert_allclose(found[1], by_bias, atol=error)
    np.testing.assert_allclose(found[0], by_kernel, atol=3 * error)


def test_the_sleep_phase_is_at_rest_at_the_exact_posterior(x):
    model = TRUTH.model(TRUTH.posterior_covariance, cls=keras_vae.WakeSleep)
    found = gradients(model, x, "sleep")
    assert max(np.abs(gradient).max() for gradient in found[:2]) < 0.2


def test_the_elbo_of_both_is_the_vaes():
    x, _ = TRUTH.data(30)
    arguments = (np.diag(VARIANCES), OFFSET)
    vae = TRUTH.model(*arguments, estimator="monte_carlo_kl")
    np.testing.assert_allclose(
        TRUTH.model(*arguments, cls=keras_vae.WakeSleep).elbo(x), vae.elbo(x), rtol=1e-6
    )
    vae = TRUTH.model(*arguments)
    np.testing.assert_allclose(
        TRUTH.model(*arguments, cls=keras_vae.MonteCarloEM).elbo(x), vae.elbo(x), rtol=1e-6
    )


def em(**arguments):
    return TRUTH.model(np.diag(VARIANCES), OFFSET, cls=keras_vae.MonteCarloEM, **arguments)


def test_chains_reach_the_posterior(x):
    """From a q that is wider and off, to the exact mean and covariance."""
    model = em(num_transitions=12)

    @tf.function(jit_compile=True, autograph=False)
    def run(rows):
        return model.chains(rows, None, model.posterior(rows), noise_of(NUM))

    z, acceptance = run(tf.constant(np.tile(x, (NUM, 1))))
    by_x, _, bias = TRUTH.posterior_weights()
    np.testing.assert_allclose(np.mean(z, axis=0), by_x @ x + bias, atol=0.02)
    np.testing.assert_allclose(np.cov(np.transpose(z)), TRUTH.posterior_covariance, atol=0.02)
    assert 0.9 < np.mean(acceptance) < 1.0


def test_chains_move_without_dropout():
    """A proposal and what it starts from are judged by one density."""
    model = keras_vae.MonteCarloEM(*keras_vae.networks.dense((4,), 2, hidden=()))
    seen = []
    log_joint = model.log_joint

    def watched(x, z, condition, training=False):
        seen.append(training)
        return log_joint(x, z, condition, training)

    model.log_joint = watched
    rows = np.random.default_rng(0).uniform(size=(3, 4)).astype("float32")
    model.loss_terms(tf.constant(rows), None, Noise.for_rows(0, rows), training=True)
    assert seen[-1] is True  # of the codes that train the decoder
    assert len(seen) > 1
    assert not any(seen[:-1])


def test_the_test_of_acceptance_corrects_coarse_steps():
    """Leapfrog steps of 1.2 standard deviations: untested, they would give another variance."""

    def log_density(z):
        return -0.5 * tf.reduce_sum(tf.square(z), axis=-1)

    z = noise_of(NUM).normal("start", (2,))
    accepted = []
    for index in range(4):
        noise = noise_of(NUM).fold(index)
        z, acceptance = transition(log_density, z, 1.2 * tf.ones_like(z), 3, noise)
        accepted.append(np.mean(acceptance))
    assert 0.2 < np.mean(accepted) < 0.9
    np.testing.assert_allclose(np.cov(np.transpose(z)), np.eye(2), atol=0.05)


def test_a_trajectory_that_diverges_is_refused():
    z = tf.ones([5, 2])
    moved, acceptance = transition(
        lambda z: -tf.reduce_sum(z**4, axis=-1), z, 1e9 * tf.ones_like(z), 20, noise_of(5)
    )
    np.testing.assert_array_equal(moved, z)
    np.testing.assert_array_equal(acceptance, 0.0)


def test_gradients_of_em(x):
    """The M step is EM's own, and the encoder is drawn to the exact posterior."""
    found = gradients(em(num_transitions=12), x, "em", "encoding")
    by_x, _, bias = TRUTH.posterior_weights()
    mean, covariance = by_x @ x + bias, TRUTH.posterior_covariance
    expected = joint_gradient(x, mean, covariance + np.outer(mean, mean))
    for gradient, exact in zip(found[2:], expected, strict=True):
        assert np.abs(exact).max() > 0.5
        np.testing.assert_allclose(gradient, exact, atol=0.15)
    by_loc = np.full(LATENT, OFFSET) / VARIANCES
    by_log_variance = 0.5 - (np.diag(covariance) + OFFSET**2) / (2 * VARIANCES)
    by_bias = np.concatenate([by_loc, by_log_variance])
    np.testing.assert_allclose(found[1], by_bias, atol=0.25)
    np.testing.assert_allclose(found[0], np.outer(x, by_bias), atol=0.25 * np.abs(x).max())


@pytest.mark.parametrize(
    ("spec", "params"),
    [
        ("bernoulli", [0.3, -2.0]),
        ("continuous_bernoulli", [0.3, -2.0]),
        ({"name": "normal", "scale": "learned"}, [0.3, -2.0, 0.5, 1.0]),
        ({"name": "discretized_logistic", "num_components": 2}, [1.0, 0.0, -0.3, 0.2, -1.5, 0.3]),
    ],
    ids=str,
)
def test_data_are_drawn_from_the_likelihood(spec, params):
    """What is drawn has the mean log density that the density itself has on a grid of data."""
    layer = get_likelihood(spec)
    density = layer.distribution(tf.constant([params] * NUM, tf.float32))
    drawn = layer.draw(density, noise_of(NUM)).numpy()  # (rows, values)
    num_values = drawn.shape[1]
    grids = {"bernoulli": np.array([0.0, 1.0]), "discretized_logistic": np.arange(256) / 255}
    name = spec if isinstance(spec, str) else spec["name"]
    is_discrete = name in grids
    low, high = (0.0, 1.0) if name != "normal" else (-20.0, 20.0)
    edges = np.linspace(low, high, 4001)
    grid = grids.get(name, (edges[1:] + edges[:-1]) / 2).astype("float32")
    single = layer.distribution(tf.constant([params] * len(grid), tf.float32)).distribution
    log_probs = single.log_prob(np.repeat(grid[:, np.newaxis], num_values, axis=1)).numpy()
    masses = np.exp(log_probs) * (1.0 if is_discrete else edges[1] - edges[0])
    np.testing.assert_allclose(masses.sum(axis=0), 1.0, atol=1e-3)
    for power in (1, 2):
        moments = (masses * grid[:, np.newaxis] ** power).sum(axis=0)
        error = (drawn**power).std(axis=0) / np.sqrt(NUM)
        assert np.all(np.abs((drawn**power).mean(axis=0) - moments) < 4.5 * error + 1e-4)
    if is_discrete:
        assert np.abs(drawn[..., np.newaxis] - grid).min(axis=-1).max() < 1e-6


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (keras_vae.WakeSleep, {"beta": 2.0}, "takes no `beta`"),
        (keras_vae.WakeSleep, {"estimator": "sgvb"}, "takes no `estimator`"),
        (keras_vae.MonteCarloEM, {"free_bits": 0.5}, "takes no `free_bits`"),
        (
            keras_vae.MonteCarloEM,
            {"num_transitions": 0},
            "num_transitions is a whole number",
        ),
        (keras_vae.MonteCarloEM, {"step_size": 0.0}, "step_size is positive"),
        (keras_vae.MonteCarloEM, {"step_size": np.inf}, "step_size is positive and finite"),
        (keras_vae.MonteCarloEM, {"prior": "vamp"}, '"vamp" is made of the encoder'),
        (keras_vae.WakeSleep, {"prior": "vamp"}, '"vamp" is made of the encoder'),
    ],
)
def test_mistakes(cls, arguments, message):
    with pytest.raises(UserError, match=message):
        TRUTH.model(np.diag(VARIANCES), cls=cls, **arguments)
