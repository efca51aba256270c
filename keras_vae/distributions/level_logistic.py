"""The density of a grey level: a mixture of logistic variables, rounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.noise import Tensor

tfd = tfp.distributions

_STEP = 1.0 / 255.0


class LevelLogistic(tfd.Distribution):  # type: ignore[name-defined]
    """The density of x = level / 255, level 0 to 255: what a mixture of logistics has around it.

        p(x) = sum_k w_k [F((x + h - loc_k) / scale_k) - F((x - h - loc_k) / scale_k)],  h = 1 / 510

    F is the logistic function; the first level has all below it, and the last all above. Between
    two levels x counts as the nearer one.

    Args:
        logits: Of the components' weights, (*batch, components), float32.
        loc: Their means, (*batch, components).
        log_scale: Logarithms of their scales, (*batch, components).
    """

    def __init__(self, logits: Tensor, loc: Tensor, log_scale: Tensor) -> None:
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
        )
        self._logits, self._loc, self._log_scale = logits, loc, log_scale

    def _batch_shape(self) -> Any:
        return self._loc.shape[:-1]

    def _batch_shape_tensor(self) -> Tensor:
        return tf.shape(self._loc)[:-1]

    def _event_shape(self) -> Any:
        return tf.TensorShape([])

    def _event_shape_tensor(self) -> Tensor:
        return tf.constant([], tf.int32)

    def _log_prob(self, x: Tensor) -> Tensor:
        level = tf.round(x / _STEP)[..., tf.newaxis]  # (*batch, 1)
        inverse = tf.exp(-self._log_scale)
        above = ((level + 0.5) * _STEP - self._loc) * inverse  # (*batch, components)
        width = _STEP * inverse
        below = above - width
        log_f, log_1_minus_f = -tf.nn.softplus(-above), -tf.nn.softplus(below)
        # F(above) - F(below) = F(above) (1 - F(below)) (1 - exp(below - above))
        between = log_f + log_1_minus_f + tfp.math.log1mexp(width)
        log_probs = tf.where(level < 0.5, log_f, tf.where(level > 254.5, log_1_minus_f, between))
        log_weights = tf.nn.log_softmax(self._logits)
        return tf.reduce_logsumexp(log_weights + log_probs, axis=-1)  # (*batch,)

    def _mean(self) -> Tensor:
        """The mean without the rounding: of logistics cut off at 0 and 1."""
        scale = tf.exp(self._log_scale)
        low, high = -self._loc / scale, (1.0 - self._loc) / scale
        means = scale * (tf.nn.softplus(-low) - tf.nn.softplus(-high))  # (*batch, components)
        return tf.reduce_sum(tf.nn.softmax(self._logits) * means, axis=-1)  # (*batch,)

    def _sample_n(self, n: int, seed: Any = None) -> Tensor:
        shape = tf.concat([[n], self._batch_shape_tensor()], axis=0)
        choice, uniform = (
            tf.random.stateless_uniform(shape, one, np.finfo(np.float32).tiny)
            for one in tfp.random.split_seed(seed)
        )
        return self.drawn(choice, uniform)  # (n, *batch)

    def drawn(self, choice: Tensor, uniform: Tensor) -> Tensor:
        """Levels / 255 (*batch,) by two uniform numbers each: of the component, and within it."""
        below = tf.cumsum(tf.nn.softmax(self._logits), axis=-1, exclusive=True)
        passed = tf.cast(choice[..., tf.newaxis] >= below, tf.float32)  # (*batch, components)
        chosen = passed - tf.concat([passed[..., 1:], tf.zeros_like(passed[..., :1])], axis=-1)
        standard = tf.math.log(uniform) - tf.math.log1p(-uniform)  # (*batch,)
        values = self._loc + tf.exp(self._log_scale) * standard[..., tf.newaxis]
        value = tf.reduce_sum(chosen * values, axis=-1)  # (*batch,)
        return tf.clip_by_value(tf.round(value / _STEP), 0.0, 255.0) * _STEP
