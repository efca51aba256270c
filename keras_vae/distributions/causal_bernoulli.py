"""The density of binary images each of whose pixels depends on those above it and left of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.joint_bernoulli import JointBernoulli
from keras_vae.noise import Tensor

tfd = tfp.distributions


class CausalBernoulli(tfd.Distribution):  # type: ignore[name-defined]
    """The density of binary images x, pixel after pixel in the order of rows.

        p(x) = prod_d Bernoulli(x_d; sigmoid(l_d)),  l_d = a_d + sum_m g_dm f_m(x_<d)

    x_<d is a window above d and left of it, row by row: the first half of a square around d.
    Outside the image x is 0.

    All pixels of a draw are found at once, by repetition: uniform numbers decide each by its
    probability given the pixels of the last round, until a round changes none. That is the draw of
    one pixel after the other, since after n rounds at least the first n pixels are what they will
    be; mostly a few dozen rounds are enough.

    Args:
        bias: a, (*batch, height, width, 1), float32.
        gates: g, (*batch, height, width, filters).
        filters: f, from (window, pixels) to (pixels, filters).
        window: How many pixels f sees, half of an odd square.

    Reference:
        Song et al. (2021), "Accelerating Feedforward Computation via Parallel Nonlinear Equation
        Solving", section 3, for the rounds.
    """

    def __init__(
        self, bias: Tensor, gates: Tensor, filters: Callable[[Tensor], Tensor], window: int
    ) -> None:
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
        )
        self._bias, self._gates = bias, gates
        self._filters, self._window = filters, window

    def _batch_shape(self) -> Any:
        return self._bias.shape[:-3]

    def _batch_shape_tensor(self) -> Tensor:
        return tf.shape(self._bias)[:-3]

    def _event_shape(self) -> Any:
        return self._bias.shape[-3:]

    def _event_shape_tensor(self) -> Tensor:
        return tf.shape(self._bias)[-3:]

    def _log_prob(self, x: Tensor) -> Tensor:
        return JointBernoulli(self._logits(x), 3).log_prob(x)  # (*batch,)

    def _mean(self) -> Tensor:
        """In place of the mean, a sum over all images: probabilities, given the likelier values."""
        return self.probs_of(tf.fill(tf.shape(self._bias), 0.5))

    def _sample_n(self, n: int, seed: Any = None) -> Tensor:
        shape = tf.concat([[n], tf.shape(self._bias)], axis=0)
        uniform = tf.random.stateless_uniform(shape, tfp.random.sanitize_seed(seed))
        return self.drawn(uniform)  # (n, *batch, height, width, 1)

    def drawn(self, uniform: Tensor) -> Tensor:
        """Binary images (*batch, height, width, 1) by a uniform number for each pixel."""
        return tf.cast(uniform < self.probs_of(uniform), tf.float32)

    def probs_of(self, uniform: Tensor) -> Tensor:
        """The probability of each pixel of `drawn` images to be 1, given those before it."""

        def next_round(_: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
            return x, tf.cast(uniform < tf.sigmoid(self._logits(x)), tf.float32)

        zeros = tf.zeros_like(uniform)
        _, x = tf.while_loop(
            lambda before, x: tf.reduce_any(before != x),
            next_round,
            next_round(zeros, zeros),
            maximum_iterations=math.prod(self._bias.shape[-3:]),
        )
        return tf.sigmoid(self._logits(x))

    def _logits(self, x: Tensor) -> Tensor:
        """The logits (*batch, height, width, 1) of all pixels of x (*batch, height, width, 1).

        By products of matrices: a convolution from one channel and a sum over a few filters take
        several times as long on CPUs.
        """
        window, num_filters = self._window, self._gates.shape[-1]
        height, width = x.shape[-3:-1]
        columns = math.isqrt(2 * window + 1)
        half = columns // 2
        margins = [[0, 0], [half, 0], [half, half]]
        images = tf.pad(tf.reshape(x, [-1, height, width]), margins)
        shifted = [
            images[:, row : row + height, column : column + width]
            for row, column in (divmod(place, columns) for place in range(window))
        ]
        pixels = tf.reshape(tf.stack(shifted), [window, -1])  # (window, pixels of all images)
        found = self._filters(pixels)  # (pixels, filters)
        found = tf.reshape(found, tf.concat([tf.shape(x)[:-1], [num_filters]], axis=0))
        weighed = self._gates * found  # (*batch, height, width, filters)
        total = tf.matmul(tf.reshape(weighed, [-1, num_filters]), tf.ones([num_filters, 1]))
        return self._bias + tf.reshape(total, tf.concat([tf.shape(weighed)[:-1], [1]], axis=0))
