"""Batches of arrays, in an order that a resumed fit can take up anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.models._tables import Resident, Streamed, Tables
from keras_vae.rows import is_mapped

PREFETCHED_BATCHES = 4


class ShuffledBatches(keras.callbacks.Callback):
    """Batches of arrays whose order is a function of (seed, epoch).

    `fit` of a model of this library takes them in place of arrays:

        batches = ShuffledBatches(x, y, batch_size=100, seed=0)
        model.fit(batches, initial_epoch=3, epochs=5)

    Elsewhere they are two things, the data and the callback that tells them the epoch:
    `fit(batches.dataset, callbacks=[batches])`.

    Args:
        *arrays: Arrays (num, ...) that are cut alike: x, or x and y. They stay as they are, uint8
            as uint8: in memory, or on the disk if one of them is an `np.memmap`, whose rows are
            read while the model computes.
        batch_size: Rows per batch; the last one may be shorter.
        seed: Of the order: an integer or several, none below 0. None keeps the arrays' own order.

    Raises:
        UserError: For a `batch_size` that is none.

    Attributes:
        numbers: A `tf.data.Dataset` of the numbers of one epoch's batches, int64 ().
        dataset: The same of the batches, tuples of rows of the arrays.
        tables: The arrays, which give rows for the numbers.
    """

    def __init__(self, *arrays: Any, batch_size: int, seed: int | Sequence[int] | None) -> None:
        super().__init__()
        if not isinstance(batch_size, (int, np.integer)):
            raise UserError(f"batch_size is an integer. Received {batch_size!r}.")
        if batch_size < 1:
            raise UserError(f"batch_size is at least 1. Received {batch_size!r}.")
        self._seed = seed
        self._num = len(arrays[0])
        self._batch_size = int(batch_size)
        kind: type[Resident | Streamed] = Streamed if any(map(is_mapped, arrays)) else Resident
        self.tables: Tables = kind(arrays, self._batch_size)
        self.on_epoch_begin(0)
        # TensorFlow's tuning of buffers holds up the end of an epoch for up to half a second.
        options = tf.data.Options()
        options.autotune.enabled = False
        num_batches = math.ceil(self._num / self._batch_size)
        self.numbers = tf.data.Dataset.range(num_batches).with_options(options)
        self.dataset = self.numbers.map(
            self.tables.batch, num_parallel_calls=2, deterministic=True
        ).prefetch(PREFETCHED_BATCHES)

    def size(self, number: int) -> int:
        """How many rows batch `number` has."""
        return min(self._batch_size, self._num - number * self._batch_size)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Puts the data into the order of this epoch."""
        if self._seed is not None:
            generator = np.random.default_rng((*np.atleast_1d(self._seed), epoch))
            self.tables.reorder(generator.permutation(self._num))
