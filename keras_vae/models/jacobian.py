"""The squared Frobenius norm of an encoder's Jacobian dz/dx, in three ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_vae.distributions import Deterministic
from keras_vae.noise import Noise, Tensor

Encode = Callable[[Tensor], Tensor]
"""From data (batch, *event_shape) to codes (batch, *latent_shape)."""

WIDEST = 4096
"""Numbers in a code up to which it is worth differentiating each of them."""

_DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda z: z * (1.0 - z),
    "tanh": lambda z: 1.0 - z**2,
    "linear": tf.ones_like,
}
"""Of an activation f, as a function of its value."""


def single_layer(
    parts: Sequence[keras.Layer], event_shape: tuple[int, ...]
) -> tuple[keras.layers.Dense, str] | None:
    """The one dense layer of an encoder and its activation's name, or None for other encoders.

    Args:
        parts: What makes a code of x, from `LatentModel.encoding_layers`.
        event_shape: Shape of one example.
    """
    encoder, mean, *others = parts
    posterior = mean.density
    weighted = [layer for layer in encoder.layers if layer.weights]
    shapers = (keras.layers.InputLayer, keras.layers.Flatten, keras.layers.Reshape)
    rest = [layer for layer in encoder.layers if not layer.weights]
    if others or len(weighted) != 1 or not all(isinstance(layer, shapers) for layer in rest):
        return None
    if not isinstance(weighted[0], keras.layers.Dense) or not isinstance(posterior, Deterministic):
        return None
    names = [
        keras.activations.serialize(keras.activations.get(activation))
        for activation in (weighted[0].activation, posterior.activation)
    ]
    known = [name for name in names if name != "linear"] or ["linear"]
    if len(known) > 1 or known[0] not in _DERIVATIVES:
        return None
    layer, activation = weighted[0], known[0]
    # A network may do more than its list of layers tells, such as use one twice: it is tried.
    x = np.random.default_rng(0).random((4, math.prod(event_shape)), np.float32)
    if layer.kernel.shape[0] != x.shape[1]:
        return None
    affine = x @ np.asarray(layer.kernel) + (np.asarray(layer.bias) if layer.use_bias else 0.0)
    expected = keras.activations.get(activation)(tf.constant(affine))  # (4, latent_dim)
    code = mean(encoder(tf.constant(x.reshape(4, *event_shape))))  # (4, *latent_shape)
    found = tf.reshape(code, [4, -1])  # (4, latent_dim)
    is_it = found.shape == expected.shape and np.allclose(found, expected, rtol=0.02, atol=0.02)
    return (layer, activation) if is_it else None


def closed_form(layer: keras.layers.Dense, activation: str, code: Tensor) -> Tensor:
    """For z = f(W x + b): sum_j f'(a_j)^2 sum_i W_ij^2, (batch,), from the code alone.

    Args:
        layer: The encoder's only layer with weights, (event_size, latent_dim).
        activation: The name of f.
        code: z, (batch, *latent_shape).

    Reference:
        Rifai et al. (2011), "Contractive Auto-Encoders: Explicit Invariance During Feature
        Extraction", equation 8.
    """
    z = tf.reshape(code, [tf.shape(code)[0], -1])  # (batch, latent_dim)
    kernel = tf.cast(tf.convert_to_tensor(layer.kernel), tf.float32)  # (event_size, latent_dim)
    columns = tf.reduce_sum(kernel**2, axis=0)  # (latent_dim,)
    return tf.linalg.matvec(_DERIVATIVES[activation](z) ** 2, columns)  # (batch,)


def exact(encode: Encode, x: Tensor) -> Tensor:
    """From the whole Jacobian, (batch,)."""
    return tf.reduce_sum(jacobian(encode, x) ** 2, axis=[1, 2])  # (batch,)


def jacobian(encode: Encode, x: Tensor) -> Tensor:
    """dz/dx of each example, (batch, latent_dim, event_size).

    By one backward pass per number of the code, or one forward per number of x, if those are fewer.
    """
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        code = encode(x)  # (batch, *latent_shape)
    latent_dim, event_size = code.shape[1:].num_elements(), x.shape[1:].num_elements()
    if latent_dim <= event_size:
        backward = outer.batch_jacobian(code, x)  # (batch, *latent_shape, *event_shape)
        return tf.reshape(backward, [-1, latent_dim, event_size])
    # J^T u is linear in u: its derivative is J^T, by one pass per number of x.
    u = tf.zeros_like(code)
    with tf.GradientTape() as linear:
        linear.watch(u)
        with tf.GradientTape() as inner:
            inner.watch(x)
            code = encode(x)
        product = inner.gradient(code, x, output_gradients=u)  # (batch, *event_shape)
    forward = linear.batch_jacobian(product, u)  # (batch, *event_shape, *latent_shape)
    return tf.transpose(tf.reshape(forward, [-1, event_size, latent_dim]), [0, 2, 1])


def hutchinson(encode: Encode, x: Tensor, noise: Noise) -> Tensor:
    """An unbiased estimate (batch,): the squared norm of J^T v for a vector v of random signs.

    Reference:
        Hutchinson (1989), "A Stochastic Estimator of the Trace of the Influence Matrix for
        Laplacian Smoothing Splines".
    """
    with tf.GradientTape() as tape:
        tape.watch(x)
        code = encode(x)  # (batch, *latent_shape)
    signs = tf.sign(noise.uniform("jacobian", tuple(code.shape[1:])) - 0.5)
    product = tape.gradient(code, x, output_gradients=signs)  # (batch, *event_shape)
    return tf.reduce_sum(product**2, axis=list(range(1, x.shape.rank)))  # (batch,)
