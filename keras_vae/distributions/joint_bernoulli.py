"""The density of independent Bernoulli variables, with few logarithms."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.noise import Tensor

tfd = tfp.distributions

_HALVINGS = 6
"""Of a product of factors in (1, 2]: of 64 of them one logarithm is taken, and none overflows."""


class JointBernoulli(tfd.Independent):  # type: ignore[name-defined]
    """`tfd.Independent` of `tfd.Bernoulli` with finite logits, with a faster log density.

        log p(x) = sum_d x_d l_d - max(l_d, 0) - log(1 + exp(-|l_d|))

    Next to matrix products, logarithms are most of the work of a model of binary images. Here up to
    64 variables share one, which changes the sum by no more than float32 rounds it.

    Args:
        logits: Logits (*batch, *event_shape), float32.
        event_ndims: How many axes the event has.
    """

    def __init__(self, logits: Tensor, event_ndims: int) -> None:
        super().__init__(tfd.Bernoulli(logits=logits, dtype=tf.float32), event_ndims)

    def _log_prob(self, x: Tensor, **kwargs: Any) -> Tensor:
        logits = tf.convert_to_tensor(self.distribution.logits)
        event_ndims = self._static_reinterpreted_batch_ndims
        num = math.prod(logits.shape[logits.shape.rank - event_ndims :])
        shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(logits))
        flat = tf.concat([shape[: tf.size(shape) - event_ndims], [num]], axis=0)
        return _log_prob(
            *(
                tf.reshape(tf.broadcast_to(values, shape), flat)  # (*batch, num)
                for values in (logits, tf.cast(x, tf.float32))
            )
        )  # (*batch,)


@tf.custom_gradient
def _log_prob(logits: Tensor, x: Tensor) -> tuple[Tensor, Any]:
    """Log densities (*batch,) of x (*batch, num) with logits (*batch, num), and their gradients."""
    size = logits.shape[-1]
    terms = x * logits - tf.nn.relu(logits)  # (*batch, size)
    factors = 1.0 + tf.exp(-tf.abs(logits))  # (*batch, size)
    for _ in range(_HALVINGS):
        if size % 2:
            break
        size //= 2
        terms = tf.add(*tf.split(terms, 2, axis=-1))  # (*batch, size)
        factors = tf.multiply(*tf.split(factors, 2, axis=-1))  # (*batch, size)

    def gradients(upstream: Tensor) -> tuple[Tensor, Tensor]:
        upstream = upstream[..., tf.newaxis]  # (*batch, 1)
        return upstream * (x - tf.sigmoid(logits)), upstream * logits

    return tf.reduce_sum(terms - tf.math.log(factors), axis=-1), gradients
