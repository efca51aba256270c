"""Batches in an order that a resumed fit can take up anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.noise import Tensor


class ShuffledBatches(keras.callbacks.Callback):
    """Batches of arrays in memory whose order is a function of (seed, epoch).

    It is the data and the callback that tells them the epoch; `fit` needs both:

        batches = ShuffledBatches(x, y, batch_size=100, seed=0)
        model.fit(batches.dataset, callbacks=[batches], initial_epoch=3, epochs=5)

    Args:
        *arrays: Arrays (num, ...) that are cut alike: x, or x and y. They stay as they are, uint8
            as uint8.
        batch_size: Rows per batch; the last one may be shorter.
        seed: Of the order.

    Attributes:
        dataset: A `tf.data.Dataset` of tuples of one epoch's batches.
    """

    def __init__(self, *arrays: Any, batch_size: int, seed: int) -> None:
        super().__init__()
        num = len(arrays[0])
        self._seed = seed
        self._order = tf.Variable(tf.range(num), trainable=False)  # (num,)
        self.on_epoch_begin(0)
        tensors = [tf.constant(array) for array in arrays]

        def batch(index: Tensor) -> tuple[Tensor, ...]:
            start = tf.cast(index, tf.int32) * batch_size
            rows = self._order[start : start + batch_size]  # (rows,)
            return tuple(tf.gather(tensor, rows) for tensor in tensors)

        steps = tf.data.Dataset.range(math.ceil(num / batch_size))
        self.dataset = steps.map(batch, num_parallel_calls=2, deterministic=True).prefetch(
            tf.data.AUTOTUNE
        )

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Puts the data into the order of this epoch."""
        order = np.random.default_rng((self._seed, epoch)).permutation(self._order.shape[0])
        self._order.assign(order)
