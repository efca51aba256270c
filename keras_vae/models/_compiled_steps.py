"""Many training steps as one XLA program.

Called step by step, XLA copies every weight and every optimizer slot in and out; in one program
they stay where they are. Data in memory stay where they are too: a step gathers its rows itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_vae.models._tables import Table
from keras_vae.models.shuffled_batches import ShuffledBatches
from keras_vae.noise import Tensor

if TYPE_CHECKING:
    from keras_vae.models.trainable import Trainable


class CompiledSteps:
    """What `fit` calls: takes up to `steps_per_execution` batches off an iterator.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: Trainable) -> None:
        self._num_steps = model.steps_per_execution
        self._batches: ShuffledBatches | None = None

        @tf.function(jit_compile=True, autograph=False)
        def run(block: Any, count: Tensor, table: Table | None, size: int) -> dict[str, Any]:
            """The first `count` steps of a block of batches (num_steps, batch, ...).

            With a table, the block are numbers of its batches (num_steps,), each of `size` rows.
            """

            def step(index: Tensor) -> list[Tensor]:
                batch = _each(lambda array: array[index], block)
                model.train_step(batch if table is None else table.batch(batch, size))
                return [index + 1]

            tf.while_loop(lambda index: index < count, step, [0])
            return model.get_metrics_result()

        self._run = run

    @contextmanager
    def over(self, batches: ShuffledBatches) -> Iterator[None]:
        """For one fit: the iterator gives numbers of these batches, int64 ()."""
        self._batches = batches
        try:
            yield
        finally:
            self._batches = None

    def __call__(self, iterator: Iterator[Any]) -> dict[str, Any]:
        """Runs the steps and returns the metrics so far.

        Raises:
            StopIteration: When no batch is left.
        """
        batches = [
            keras.tree.map_structure(_value, batch) for batch in islice(iterator, self._num_steps)
        ]
        if not batches:
            raise StopIteration
        table = self._batches and self._batches.tables.table(int(batches[0]), self._num_steps)
        for size, group in groupby(batches, key=self._size):  # a short last batch is alone
            steps = list(group)
            # Filled up to `num_steps`, so that a short block needs no program of its own.
            filled = steps + [steps[0]] * (self._num_steps - len(steps))
            block = _each(lambda *arrays: tf.stack(arrays), *filled)
            logs = self._run(block, tf.constant(len(steps)), table, size)
        return logs

    def _size(self, batch: Any) -> Any:
        """What tells batches of one program from others: their shapes, or how many rows."""
        if self._batches is not None:
            return self._batches.size(int(batch))
        return tuple(tuple(leaf.shape) for leaf in keras.tree.flatten(batch) if leaf is not None)


def _each(function: Callable[..., Tensor], *structures: Any) -> Any:
    """Applies a function to the tensors of structures; what is None in them stays so."""
    return keras.tree.map_structure(
        lambda *leaves: None if leaves[0] is None else function(*leaves), *structures
    )


def _value(leaf: Any) -> Any:
    """A tensor as it is; Keras sends what is missing as an empty optional."""
    return None if isinstance(leaf, tf.experimental.Optional) else leaf
