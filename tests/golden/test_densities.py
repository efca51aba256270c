"""Every density against scipy: log densities in nats, summed over the whole event."""

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_vae.distributions import (
    Bernoulli,
    ContinuousBernoulli,
    Deterministic,
    DiagonalNormal,
    LearnedNormal,
    MultivariateNormalTriL,
    Normal,
    StandardNormal,
)

ROWS = 4
IMAGE = (3, 2, 3)  # RGB


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def over_event(values):
    """Sums (rows, *event_shape) over all axes but the first."""
    return values.reshape(len(values), -1).sum(axis=1)


# --- likelihoods ---


@pytest.mark.parametrize("event_shape", [(7,), (5, 4, 1), IMAGE], ids=["vector", "grey", "RGB"])
def test_bernoulli(rng, event_shape):
    logits = rng.normal(0, 3, (ROWS, *event_shape))
    x = rng.integers(0, 2, (ROWS, *event_shape))
    density = Bernoulli().distribution(tf.constant(logits, tf.float32))
    probs = scipy.special.expit(logits)
    np.testing.assert_allclose(
        density.log_prob(x.astype("float32")),
        over_event(scipy.stats.bernoulli.logpmf(x, probs)),
        rtol=1e-5,
    )
    np.testing.assert_allclose(density.mean(), probs, rtol=1e-5)


def test_bernoulli_of_several_draws_for_each_row(rng):
    logits = rng.normal(size=(ROWS, *IMAGE)).astype("float32")
    density = Bernoulli().distribution(tf.constant(logits))
    drawn = density.sample(5, seed=(0, 1))  # (5, ROWS, *IMAGE)
    log_prob = density.log_prob(drawn)
    assert log_prob.shape == (5, ROWS)
    for one, several in zip(drawn, log_prob, strict=True):
        np.testing.assert_allclose(density.log_prob(one), several, rtol=1e-6)


def test_bernoulli_of_grey_values_is_the_cross_entropy(rng):
    logits, x = rng.normal(0, 3, (ROWS, *IMAGE)), rng.random((ROWS, *IMAGE))
    probs = scipy.special.expit(logits)
    expected = over_event(scipy.special.xlogy(x, probs) + scipy.special.xlog1py(1 - x, -probs))
    density = Bernoulli().distribution(tf.constant(logits, tf.float32))
    np.testing.assert_allclose(density.log_prob(x.astype("float32")), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "logit", [-80.0, -20.0, -4.0, -0.1, -0.004, -1e-4, 0.0, 1e-4, 0.004, 0.1, 4.0, 20.0]
)
def test_continuous_bernoulli(logit):
    """log p(x) = logit x - log C, where the integral of exp(logit x) over [0, 1] is C."""
    shift = max(logit, 0.0)  # keeps the integrand in [0, 1]

    def weight(x):
        return np.exp(logit * x - shift)

    constant, _ = scipy.integrate.quad(weight, 0, 1, epsabs=1e-12)
    first_moment, _ = scipy.integrate.quad(lambda x: x * weight(x), 0, 1, epsabs=1e-12)
    density = ContinuousBernoulli().distribution(tf.fill([6, 1], logit))
    x = np.array([[0.0], [0.1], [0.5], [0.73], [0.99], [1.0]])
    expected = logit * x[:, 0] - shift - np.log(constant)
    np.testing.assert_allclose(
        density.log_prob(x.astype("float32")), expected, rtol=1e-4, atol=2e-4
    )
    np.testing.assert_allclose(density.mean(), first_moment / constant, rtol=1e-3)


def test_continuous_bernoulli_sums_over_the_event(rng):
    logits, x = rng.normal(0, 3, (ROWS, *IMAGE)), rng.random((ROWS, *IMAGE))
    constant = np.expm1(logits) / logits
    density = ContinuousBernoulli().distribution(tf.constant(logits, tf.float32))
    np.testing.assert_allclose(
        density.log_prob(x.astype("float32")),
        over_event(logits * x - np.log(constant)),
        rtol=1e-4,
    )


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_normal_of_fixed_scale(rng, activation):
    params, x = rng.normal(size=(2, ROWS, *IMAGE))
    loc = scipy.special.expit(params) if activation else params
    density = Normal(scale=0.3, activation=activation).distribution(tf.constant(params, tf.float32))
    expected = over_event(scipy.stats.norm.logpdf(x, loc, 0.3))
    np.testing.assert_allclose(density.log_prob(x.astype("float32")), expected, rtol=1e-5)
    np.testing.assert_allclose(density.mean(), loc, rtol=1e-5)


def test_normal_of_scale_one_is_half_the_squared_error(rng):
    params, x = rng.normal(size=(2, ROWS, *IMAGE)).astype("float32")
    squared_error = over_event((x - params) ** 2)
    constant = np.prod(IMAGE) * np.log(2 * np.pi) / 2
    log_prob = Normal().distribution(tf.constant(params)).log_prob(x)
    np.testing.assert_allclose(-log_prob, squared_error / 2 + constant, rtol=1e-5)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_normal_of_learned_scale(rng, activation):
    loc, raw_scale, x = rng.normal(size=(3, ROWS, *IMAGE))
    layer = Normal(scale="learned", activation=activation, min_scale=0.2)
    params = tf.constant(np.concatenate([loc, raw_scale], axis=-1), tf.float32)
    assert layer.params_shape(IMAGE) == params.shape[1:]
    loc = scipy.special.expit(loc) if activation else loc
    expected = over_event(scipy.stats.norm.logpdf(x, loc, 0.2 + np.log1p(np.exp(raw_scale))))
    log_prob = layer.distribution(params).log_prob(x.astype("float32"))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)


def test_normal_of_shared_scale(rng):
    loc, x = rng.normal(size=(2, ROWS, *IMAGE))
    layer = Normal(scale="shared", min_scale=0.2)
    (raw_scale,) = layer.trainable_variables
    raw_scale.assign(-0.7)
    expected = over_event(scipy.stats.norm.logpdf(x, loc, 0.2 + np.log1p(np.exp(-0.7))))
    log_prob = layer.distribution(tf.constant(loc, tf.float32)).log_prob(x.astype("float32"))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "layer", [Bernoulli(), ContinuousBernoulli(), Normal(0.5), Normal("learned")], ids=repr
)
def test_sample_axes_stay_apart(rng, layer):
    """Parameters (samples, rows, ...) give log densities (samples, rows) of the same x."""
    params = rng.normal(size=(5, ROWS, *layer.params_shape(IMAGE))).astype("float32")
    x = rng.integers(0, 2, (ROWS, *IMAGE)).astype("float32")
    together = layer.distribution(tf.constant(params), batch_ndims=2).log_prob(x)
    apart = [layer.distribution(tf.constant(part)).log_prob(x) for part in params]
    np.testing.assert_allclose(together, apart, rtol=1e-5)


# --- posteriors ---


def test_diagonal_normal(rng):
    loc, log_variance, z = rng.normal(size=(3, ROWS, 3))
    params = tf.constant(np.concatenate([loc, log_variance], axis=1), tf.float32)
    q = DiagonalNormal().distribution(params)
    expected = [
        scipy.stats.multivariate_normal(loc[i], np.diag(np.exp(log_variance[i]))).logpdf(z[i])
        for i in range(ROWS)
    ]
    np.testing.assert_allclose(q.log_prob(z.astype("float32")), expected, rtol=1e-4)
    np.testing.assert_allclose(q.mean(), loc, rtol=1e-5)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_multivariate_normal_tril(rng, dim):
    layer = MultivariateNormalTriL()
    num_below = dim * (dim - 1) // 2
    assert layer.params_shape((dim,)) == (2 * dim + num_below,)
    loc, log_variance, z = rng.normal(size=(3, ROWS, dim))
    below = rng.normal(size=(ROWS, num_below))
    params = np.concatenate([loc, log_variance, below], axis=1)
    q = layer.distribution(tf.constant(params, tf.float32))

    # In which order they fill the triangle is free: any, but all of them and each once.
    numbered = params.copy()
    numbered[:, 2 * dim :] = np.arange(1, num_below + 1)
    order = layer.distribution(tf.constant(numbered, tf.float32)).scale.to_dense().numpy()
    rows, columns = np.tril_indices(dim, -1)
    np.testing.assert_array_equal(np.sort(order[0][rows, columns]), np.arange(1, num_below + 1))
    log_prob = q.log_prob(z.astype("float32"))
    for i in range(ROWS):
        scale = np.diag(np.exp(log_variance[i] / 2))
        scale[rows, columns] = below[i][np.rint(order[i][rows, columns]).astype(int) - 1]
        expected = scipy.stats.multivariate_normal(loc[i], scale @ scale.T)
        np.testing.assert_allclose(log_prob[i], expected.logpdf(z[i]), rtol=1e-3)
        np.testing.assert_allclose(q.covariance()[i], scale @ scale.T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", [DiagonalNormal(), MultivariateNormalTriL()], ids=repr)
def test_scales_stay_between_1e_3_and_1e3(layer):
    params = np.zeros((2, *layer.params_shape((2,))), "float32")
    params[0, 2:4], params[1, 2:4] = -1e4, 1e4
    stddev = layer.distribution(tf.constant(params)).stddev()
    np.testing.assert_allclose(stddev, [[np.exp(-7)] * 2, [np.exp(7)] * 2], rtol=1e-4)


def test_deterministic_is_the_code_itself(rng):
    code = rng.normal(size=(ROWS, 2, 2, 3)).astype("float32")
    np.testing.assert_array_equal(Deterministic().distribution(tf.constant(code)).mean(), code)


# --- priors ---


def test_standard_normal(rng):
    z = rng.normal(size=(ROWS, 3))
    expected = scipy.stats.multivariate_normal(np.zeros(3)).logpdf(z)
    prior = StandardNormal()
    prior.prepare(3)
    log_prob = prior.distribution(None).log_prob(z.astype("float32"))
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)


def test_learned_normal(rng):
    """A linear network of the condition: its outputs are the mean and the log-variance."""
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)])
    kernel, bias = rng.normal(size=(2, 6)), rng.normal(size=6)
    network.set_weights([kernel, bias])
    condition, z = rng.normal(size=(ROWS, 2)), rng.normal(size=(ROWS, 3))
    loc, log_variance = np.split(condition @ kernel + bias, 2, axis=1)
    expected = scipy.stats.norm.logpdf(z, loc, np.exp(log_variance / 2)).sum(axis=1)
    prior = LearnedNormal(network)
    prior.prepare(3, condition_dim=2)
    p = prior.distribution(tf.constant(condition, tf.float32))
    np.testing.assert_allclose(p.log_prob(z.astype("float32")), expected, rtol=1e-4)


# --- precision ---


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16], ids=["float16", "bfloat16"])
def test_half_precision_parameters_make_float32_densities(dtype):
    """A sum over 784 pixels of 20 nats each is beyond float16."""
    logits = tf.fill([2, 28, 28, 1], tf.constant(20, dtype))
    for layer in (Bernoulli(), ContinuousBernoulli(), Normal(0.1)):
        log_prob = layer.distribution(logits).log_prob(tf.zeros([2, 28, 28, 1]))
        assert log_prob.dtype == tf.float32
        assert np.isfinite(log_prob).all()
        assert (log_prob.numpy() < -10000).all()
    for posterior in (DiagonalNormal(), MultivariateNormalTriL()):
        params = tf.fill([1, *posterior.params_shape((2,))], tf.constant(13, dtype))
        assert posterior.distribution(params).mean().dtype == tf.float32
