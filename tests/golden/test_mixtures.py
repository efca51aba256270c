"""Mixtures against numpy: of Normals, of a model's own posteriors, of rounded logistics."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

import keras_vae
from keras_vae.distributions import DiscretizedLogistic, NormalMixture, VampPrior
from keras_vae.errors import UserError
from keras_vae.noise import Noise

ROWS, DIM, COMPONENTS = 6, 3, 4


def normal_mixture(z, logits, means, scales):
    """log sum_k w_k N(z; mean_k, scale_k) of z (rows, dim), in float64."""
    parts = scipy.stats.norm.logpdf(z[:, None], means, scales).sum(axis=-1)  # (rows, components)
    return scipy.special.logsumexp(parts + scipy.special.log_softmax(logits, axis=-1), axis=1)


@pytest.fixture
def mixture():
    def build(condition_dim=None):
        prior = NormalMixture(COMPONENTS)
        prior.prepare(DIM, condition_dim)
        generator = np.random.default_rng(2)
        prior.set_weights([generator.normal(size=array.shape) for array in prior.get_weights()])
        return prior

    return build


@pytest.mark.parametrize("condition_dim", [None, 2])
def test_normal_mixture(mixture, condition_dim):
    prior = mixture(condition_dim)
    generator = np.random.default_rng(3)
    z, condition = generator.normal(size=(ROWS, DIM)), None
    params = np.concatenate(prior.get_weights()[:3], axis=1)  # (components, 1 + 2 * dim)
    if condition_dim:
        condition = generator.normal(size=(ROWS, condition_dim)).astype("float32")
        params = params + np.tensordot(condition, prior.get_weights()[3], axes=1)
    logits, means, log_variances = np.split(params, [1, 1 + DIM], axis=-1)
    expected = normal_mixture(z, logits[..., 0], means, np.exp(log_variances / 2))
    density = prior.distribution(condition)
    np.testing.assert_allclose(density.log_prob(z.astype("float32")), expected, rtol=1e-4)


@pytest.mark.parametrize("condition_dim", [None, 2])
def test_normal_mixture_draws_from_itself(mixture, condition_dim):
    """Mean and variance of many draws; at temperature 0 a draw is a component's mean."""
    prior = mixture(condition_dim)
    num, condition = 20000, None
    if condition_dim:
        condition = tf.tile([[1.0, -0.5]], [num, 1])
    noise = Noise.from_seeds(tf.range(num))
    z = prior.draw(noise, tf.ones([num]), condition).numpy()
    density = prior.distribution(None if condition is None else condition[:1])
    np.testing.assert_allclose(z.mean(axis=0), np.ravel(density.mean()), atol=0.05)
    np.testing.assert_allclose(z.std(axis=0), np.ravel(density.stddev()), rtol=0.03)
    means = density.components_distribution.mean().numpy().reshape(COMPONENTS, DIM)
    still = prior.draw(noise, tf.zeros([num]), condition).numpy()
    nearest = np.abs(still[:, None] - means).max(axis=-1)  # (num, components)
    assert nearest.min(axis=1).max() < 1e-5
    shares = np.bincount(nearest.argmin(axis=1), minlength=COMPONENTS) / num
    probs = density.mixture_distribution.probs_parameter().numpy().ravel()
    np.testing.assert_allclose(shares, probs, atol=0.015)


@pytest.mark.parametrize("cls", [keras_vae.VAE, keras_vae.CVAE])
def test_vamp_prior_is_the_mean_of_its_pseudo_inputs_posteriors(cls):
    condition_dim = 2 if cls is keras_vae.CVAE else None
    pair = keras_vae.networks.dense((4, 4, 1), DIM, hidden=(8,), condition_dim=condition_dim)
    model = cls(*pair, prior=VampPrior(COMPONENTS))
    generator = np.random.default_rng(4)
    inputs = generator.uniform(size=(COMPONENTS, 4, 4, 1)).astype("float32")
    model.prior_layer.pseudo_inputs.assign(inputs)
    z = generator.normal(size=(ROWS, DIM)).astype("float32")
    condition = generator.normal(size=(ROWS, 2)).astype("float32") if condition_dim else None
    for row in range(ROWS):
        seen = None if condition is None else np.repeat(condition[row : row + 1], COMPONENTS, 0)
        q = model.posterior(inputs, seen)
        expected = normal_mixture(
            z[row : row + 1].astype("float64"), np.zeros(COMPONENTS), q.mean(), q.stddev()
        )
        density = model.prior(None if condition is None else condition[row : row + 1])
        np.testing.assert_allclose(density.log_prob(z[row : row + 1]), expected, rtol=1e-4)
    together = model.prior(condition).log_prob(z)
    np.testing.assert_allclose(together[-1], expected[0], rtol=1e-4)


def test_vamp_prior_of_full_covariances():
    """Each row's condition gives components with a triangle of their own."""
    arguments = {"posterior": "multivariate_normal_tril", "condition_dim": 2}
    pair = keras_vae.networks.dense((4,), DIM, hidden=(8,), **arguments)
    prior = VampPrior(COMPONENTS)
    model = keras_vae.CVAE(*pair, prior=prior, posterior="multivariate_normal_tril")
    generator = np.random.default_rng(4)
    z, condition = generator.normal(size=(2, ROWS, DIM)).astype("float32")
    condition = condition[:, :2]
    expected = []
    for row in range(ROWS):
        q = model.posterior(prior.pseudo_inputs, np.repeat(condition[row : row + 1], COMPONENTS, 0))
        parts = [
            scipy.stats.multivariate_normal(mean, covariance).logpdf(z[row])
            for mean, covariance in zip(q.mean().numpy(), q.covariance().numpy(), strict=True)
        ]
        expected.append(scipy.special.logsumexp(parts) - np.log(COMPONENTS))
    np.testing.assert_allclose(model.prior(condition).log_prob(z), expected, rtol=1e-4)


def test_a_vamp_prior_is_of_one_model():
    prior, pair = VampPrior(COMPONENTS), keras_vae.networks.dense((4,), DIM, hidden=(8,))
    keras_vae.VAE(*pair, prior=prior)
    with pytest.raises(UserError, match="another model's posteriors"):
        keras_vae.VAE(*pair, prior=prior)


def test_vamp_prior_draws_from_its_posteriors():
    pair = keras_vae.networks.dense((4,), DIM, hidden=(8,))
    model = keras_vae.VAE(*pair, prior=VampPrior(COMPONENTS))
    prior = model.prior_layer
    prior.pseudo_inputs.assign(np.eye(COMPONENTS, 4) * 5)
    num = 20000
    noise = Noise.from_seeds(tf.range(num))
    z = prior.draw(noise, tf.ones([num]), None).numpy()
    density = model.prior()
    np.testing.assert_allclose(z.mean(axis=0), density.mean(), atol=0.1)
    np.testing.assert_allclose(z.std(axis=0), density.stddev(), rtol=0.05)
    still = prior.draw(noise, tf.zeros([num]), None).numpy()
    means = model.posterior(tf.convert_to_tensor(prior.pseudo_inputs)).mean().numpy()
    assert np.abs(still[:, None] - means).max(axis=-1).min(axis=1).max() < 1e-5
    assert len(np.unique(still.round(4), axis=0)) == COMPONENTS


# --- rounded logistics ---

LEVELS = np.arange(256) / 255


def logistic_cdf(x):
    return scipy.special.expit(x)


@pytest.mark.parametrize("num_components", [1, 3])
@pytest.mark.parametrize("channels", [1, 2])
def test_discretized_logistic(num_components, channels):
    """Against differences of cumulative distribution functions in float64; and it sums to 1."""
    layer = DiscretizedLogistic(num_components)
    shape = layer.params_shape((channels,))
    params = np.random.default_rng(5).normal(0, 0.5, (ROWS, *shape)).astype("float32")
    density = layer.distribution(tf.constant(params))
    parts = params.astype("float64").reshape(ROWS, 3, num_components, channels)
    weights = scipy.special.softmax(parts[:, 0], axis=1)  # (rows, components, channels)
    loc, scale = parts[:, 1] + 0.5, np.exp(parts[:, 2] - 2)
    edges = np.concatenate([[-np.inf], (np.arange(255) + 0.5) / 255, [np.inf]])
    cdf = logistic_cdf((edges[:, None, None, None] - loc) / scale)  # (257, rows, comps, channels)
    probs = np.sum(weights * np.diff(cdf, axis=0), axis=2)  # (256, rows, channels)
    x = np.broadcast_to(LEVELS[:, None, None], probs.shape).astype("float32")
    per_value = density.distribution.log_prob(x)
    np.testing.assert_allclose(per_value, np.log(probs), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(density.log_prob(x), np.log(probs).sum(axis=-1), rtol=1e-4)
    np.testing.assert_allclose(np.exp(per_value).sum(axis=0), 1, rtol=1e-4)
    mean = np.sum(probs * LEVELS[:, None, None], axis=0)
    np.testing.assert_allclose(density.mean(), mean, atol=1e-3)


def test_discretized_logistic_draws_levels_as_often_as_it_says():
    num = 40_000
    layer = DiscretizedLogistic(2)
    density = layer.distribution(tf.constant([[0.5, -0.5, -0.4, 0.3, -0.5, 0.5]]))
    drawn = density.sample(num, seed=(0, 1)).numpy().reshape(num)
    probs = np.exp(density.distribution.log_prob(LEVELS[:, None].astype("float32")))[:, 0]
    levels = np.round(255 * drawn)
    np.testing.assert_allclose(drawn, levels / 255, atol=1e-6)
    rates = np.bincount(levels.astype(int), minlength=256) / num
    assert probs[0] > 0.01  # the first level has a tail below it
    assert np.all(np.abs(rates - probs) < 4.5 * np.sqrt(probs / num) + 1 / num)


def test_discretized_logistic_is_finite_at_any_parameter():
    layer = DiscretizedLogistic()
    for value in (-1e3, 1e3):
        params = tf.fill([1, 3], value)
        with tf.GradientTape() as tape:
            tape.watch(params)
            log_prob = layer.distribution(params).log_prob(tf.constant([[0.5]]))
        assert np.isfinite(log_prob).all()
        assert np.isfinite(tape.gradient(log_prob, params)).all()


def test_discretized_logistic_takes_levels_as_they_are_nearest():
    layer = DiscretizedLogistic()
    density = layer.distribution(tf.constant([[0.0, 0.1, 0.2]]))
    x = tf.constant([[7.4 / 255]])
    np.testing.assert_array_equal(density.log_prob(x), density.log_prob(tf.constant([[7 / 255]])))
    bytes_ = keras.ops.cast([[7]], "float32") / 255
    np.testing.assert_array_equal(density.log_prob(x), density.log_prob(bytes_))
