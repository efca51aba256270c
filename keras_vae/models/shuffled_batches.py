"""Batches of arrays in memory, in an order that a resumed fit can take up anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Tensor

PREFETCHED_BATCHES = 4


class Table(NamedTuple):
    """Arrays in memory, cut into batches.

    Args:
        arrays: Tensors (num, ...).
        order: The order of their rows, a variable int32 (num,).
        batch_size: Rows per batch.
    """

    arrays: tuple[Tensor, ...]
    order: Tensor
    batch_size: int

    def size(self, number: int) -> int:
        """How many rows batch `number` has."""
        return int(min(self.batch_size, self.order.shape[0] - number * self.batch_size))

    def batch(self, number: Tensor, size: int) -> tuple[Tensor, ...]:
        """Batch `number`, of a size that a compiler knows: rows (size, ...) of every array."""
        start = tf.cast(number, tf.int32) * self.batch_size
        return self.take(tf.slice(self.order, [start], [size]))

    def take(self, rows: Tensor) -> tuple[Tensor, ...]:
        """Rows (batch, ...) of every array, by their numbers (batch,)."""
        return tuple(_rows(array, rows) for array in self.arrays)


def _rows(array: Tensor, numbers: Tensor) -> Tensor:
    """Rows (batch, ...) of an array (num, ...): XLA copies those of a matrix twice as fast."""
    matrix = tf.reshape(array, [array.shape[0], math.prod(array.shape[1:])])
    return tf.reshape(tf.gather(matrix, numbers), [-1, *array.shape[1:]])


class ShuffledBatches(keras.callbacks.Callback):
    """Batches of arrays in memory whose order is a function of (seed, epoch).

    `fit` of a model of this library takes them in place of arrays:

        batches = ShuffledBatches(x, y, batch_size=100, seed=0)
        model.fit(batches, initial_epoch=3, epochs=5)

    Elsewhere they are two things, the data and the callback that tells them the epoch:
    `fit(batches.dataset, callbacks=[batches])`.

    Args:
        *arrays: Arrays (num, ...) that are cut alike: x, or x and y. They stay as they are, uint8
            as uint8.
        batch_size: Rows per batch; the last one may be shorter.
        seed: Of the order: an integer or several, none below 0. None keeps the arrays' own order.

    Raises:
        UserError: For a `batch_size` that is none.

    Attributes:
        table: The arrays, and which rows of them are which batch.
        numbers: A `tf.data.Dataset` of the numbers of one epoch's batches, int64 ().
        dataset: The same of the batches, tuples of rows of the arrays.
    """

    def __init__(self, *arrays: Any, batch_size: int, seed: int | Sequence[int] | None) -> None:
        super().__init__()
        if not isinstance(batch_size, (int, np.integer)):
            raise UserError(f"batch_size is an integer. Received {batch_size!r}.")
        if batch_size < 1:
            raise UserError(f"batch_size is at least 1. Received {batch_size!r}.")
        num = len(arrays[0])
        self._seed = seed
        self._order = tf.Variable(tf.range(num), trainable=False)  # (num,)
        self.on_epoch_begin(0)
        self.table = Table(
            tuple(tf.constant(array) for array in arrays), self._order, int(batch_size)
        )

        def batch(number: Tensor) -> tuple[Tensor, ...]:
            start = tf.cast(number, tf.int32) * batch_size
            return self.table.take(self._order[start : start + batch_size])  # (rows, ...)

        # TensorFlow's tuning of buffers holds up the end of an epoch for up to half a second.
        options = tf.data.Options()
        options.autotune.enabled = False
        self.numbers = tf.data.Dataset.range(math.ceil(num / batch_size)).with_options(options)
        self.dataset = self.numbers.map(batch, num_parallel_calls=2, deterministic=True).prefetch(
            PREFETCHED_BATCHES
        )

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Puts the data into the order of this epoch."""
        if self._seed is not None:
            generator = np.random.default_rng((*np.atleast_1d(self._seed), epoch))
            self._order.assign(generator.permutation(self._order.shape[0]))
