"""Arrays cut into batches, where a compiled step can reach them: in memory, or read ahead.

Both kinds give a `Table` for some batches in a row. Of arrays in memory it is always the same one;
of arrays on a disk it holds those batches alone, and the next one is read while the model computes.
"""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from keras_vae.noise import Tensor
from keras_vae.rows import Array


class Table(NamedTuple):
    """Batches of arrays in memory.

    Args:
        arrays: Tensors (num, ...).
        order: The order of their rows, int32 (num,).
        first: The number of the first batch.
        batch_size: Rows per batch; the last one may be shorter.
    """

    arrays: tuple[Tensor, ...]
    order: Tensor
    first: Tensor
    batch_size: int

    def batch(self, number: Tensor, size: int) -> tuple[Tensor, ...]:
        """The first `size` rows of batch `number`, of every array (size, ...)."""
        start = tf.cast(number - self.first, tf.int32) * self.batch_size
        # Not a slice, whose beginning XLA takes for a constant: a program for every batch.
        rows = tf.gather(self.order, start + tf.range(size))  # (size,)
        return tuple(_rows(array, rows) for array in self.arrays)


class Tables(Protocol):
    """Arrays (num, ...) that are cut alike, in an order that can change."""

    def reorder(self, order: Array) -> None:
        """Puts the rows into another order (num,)."""

    def table(self, first: int, num_batches: int) -> Table:
        """A table with the batches first, first + 1, ..."""

    def batch(self, number: Tensor) -> tuple[Tensor, ...]:
        """Batch `number`, of every array (rows, ...); for the input pipelines of TensorFlow."""


class Resident:
    """Arrays in memory, which a device keeps."""

    def __init__(self, arrays: tuple[Array, ...], batch_size: int) -> None:
        self._order = tf.Variable(tf.range(len(arrays[0])), trainable=False)
        self._table = Table(
            tuple(tf.constant(array, _kept_dtype(array)) for array in arrays),
            self._order,
            tf.constant(0, tf.int64),
            batch_size,
        )

    def reorder(self, order: Array) -> None:
        """See `Tables`."""
        self._order.assign(order)

    def table(self, first: int, num_batches: int) -> Table:
        """See `Tables`."""
        return self._table

    def batch(self, number: Tensor) -> tuple[Tensor, ...]:
        """See `Tables`."""
        start = tf.cast(number, tf.int32) * self._table.batch_size
        rows = self._order[start : start + self._table.batch_size]  # (rows,)
        return tuple(_rows(array, rows) for array in self._table.arrays)


class Streamed:
    """Arrays of which one at least is on a disk."""

    def __init__(self, arrays: tuple[Array, ...], batch_size: int) -> None:
        self._arrays = [np.asarray(array) for array in arrays]  # views
        self._batch_size = batch_size
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self.reorder(np.arange(len(arrays[0])))

    def reorder(self, order: Array) -> None:
        """See `Tables`."""
        self._order = order
        self._ahead: tuple[int, int] | None = None
        self._reading: Future[tuple[Array, ...]]

    def table(self, first: int, num_batches: int) -> Table:
        """See `Tables`."""
        asked = (first, num_batches)
        arrays = self._reading.result() if self._ahead == asked else self._read(*asked)
        self._ahead = (first + num_batches, num_batches)
        self._reading = self._reader.submit(self._read, *self._ahead)
        return Table(
            tuple(tf.constant(array) for array in arrays),
            tf.range(num_batches * self._batch_size),
            tf.constant(first, tf.int64),
            self._batch_size,
        )

    def batch(self, number: Tensor) -> tuple[Tensor, ...]:
        """See `Tables`."""
        dtypes = [_kept_dtype(array) for array in self._arrays]
        batch = tf.numpy_function(
            lambda number: self._read(int(number), 1, whole=False), [number], dtypes
        )
        return tuple(
            tf.ensure_shape(rows, [None, *array.shape[1:]])
            for rows, array in zip(batch, self._arrays, strict=True)
        )

    def _read(self, first: int, num_batches: int, whole: bool = True) -> tuple[Array, ...]:
        """The rows of some batches (rows, ...); if `whole`, of one shape also where there are none.

        They are read in the order in which they stand, which spares a disk much of its work.
        """
        start, num = first * self._batch_size, num_batches * self._batch_size
        rows = self._order[start : start + num]
        places = np.argsort(rows)
        parts = []
        for array in self._arrays:
            part = np.empty((num if whole else len(rows), *array.shape[1:]), _kept_dtype(array))
            part[places] = array[rows[places]]
            parts.append(part)
        return tuple(parts)


def _kept_dtype(array: Array) -> np.dtype:
    """float32 in place of float64: models compute in it."""
    return np.dtype(np.float32) if array.dtype == np.float64 else array.dtype


def _rows(array: Tensor, numbers: Tensor) -> Tensor:
    """Rows (batch, ...) of an array (num, ...): XLA copies those of a matrix twice as fast."""
    matrix = tf.reshape(array, [array.shape[0], math.prod(array.shape[1:])])
    return tf.reshape(tf.gather(matrix, numbers), [-1, *array.shape[1:]])
