"""One logarithm for many variables, against float64 and one logarithm for each."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions.joint_bernoulli import JointBernoulli

SAMPLES, BATCH = 3, 5


def drawn(event_shape, scale):
    rng = np.random.default_rng(0)
    logits = scale * rng.normal(size=(SAMPLES, BATCH, *event_shape))
    x = rng.integers(0, 2, (BATCH, *event_shape)).astype("float32")
    return logits.astype("float32"), x


def exact(logits, x):
    """(SAMPLES, BATCH), and the gradient by the logits."""
    logits = logits.astype("float64")
    values = x * logits - np.logaddexp(0, logits)
    return values.sum(axis=tuple(range(2, logits.ndim))), x - 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0], ids="{} wide".format)
@pytest.mark.parametrize("event_shape", [(1,), (7,), (64,), (28, 28, 1), (16, 16, 3), (1024,)])
def test_values_and_gradients(event_shape, scale):
    """Logits of 0 make the largest product, and have a gradient of their own."""
    logits, x = drawn(event_shape, scale)
    with tf.GradientTape() as tape:
        variable = tf.constant(logits)
        tape.watch(variable)
        log_prob = JointBernoulli(variable, len(event_shape)).log_prob(x)
    value, gradient = exact(logits, x)
    np.testing.assert_allclose(log_prob, value, rtol=2e-6, atol=1e-5)
    np.testing.assert_allclose(tape.gradient(log_prob, variable), gradient, atol=1e-6)


def test_the_gradient_by_x_is_the_sum_of_the_samples_logits():
    logits, x = drawn((8,), 1.0)
    with tf.GradientTape() as tape:
        data = tf.constant(x)
        tape.watch(data)
        log_prob = JointBernoulli(tf.constant(logits), 1).log_prob(data)
    np.testing.assert_allclose(tape.gradient(log_prob, data), logits.sum(axis=0), rtol=1e-5)
