"""Means of the loss terms, under the names that the variant gives them."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import tensorflow as tf

from keras_vae.noise import Tensor


class TermMeans(keras.metrics.Metric):
    """The weighted mean over all rows of each value of a dict, under its name.

    All means share two variables, since each variable costs time in every compiled step.
    """

    def __init__(self) -> None:
        super().__init__(name="terms")
        self._names: tuple[str, ...] = ()

    def track(self, names: Iterable[str]) -> None:
        """Says which values will come, before a graph or a replica needs the variables."""
        if self._names != tuple(names):
            self._names = tuple(names)
            self._totals = self.add_variable((len(self._names),), "zeros", name="totals")
            self._count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: dict[str, Tensor], sample_weight: Tensor) -> None:
        """Adds one batch: values (batch,) by name, and weights (batch,)."""
        stacked = tf.stack([values[name] for name in self._names])  # (names, batch)
        self._totals.assign_add(tf.reduce_sum(stacked * sample_weight, axis=1))
        self._count.assign_add(tf.reduce_sum(sample_weight))

    def result(self) -> dict[str, Tensor]:
        """The means by name, in nats."""
        means = tf.math.divide_no_nan(tf.convert_to_tensor(self._totals), self._count)  # (names,)
        return dict(zip(self._names, tf.unstack(means, len(self._names)), strict=True))
