"""Many training steps as one XLA program.

Called step by step, XLA copies every weight and every optimizer slot in and out; in one program
they stay where they are. Data in memory stay where they are too: a step gathers its rows itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_vae.noise import Tensor

if TYPE_CHECKING:
    from keras_vae.models.latent_model import LatentModel


class CompiledSteps:
    """What `fit` calls: takes up to `steps_per_execution` batches off an iterator.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: LatentModel) -> None:
        self._num_steps = model.steps_per_execution
        self._table: tuple[Tensor, ...] = ()

        @tf.function(jit_compile=True, autograph=False)
        def run(table: tuple[Tensor, ...], block: Any, count: Tensor) -> dict[str, Any]:
            """The first `count` steps of a block of batches (num_steps, batch, ...).

            With a table of arrays (num, ...), what stands in the block are numbers of its rows.
            """

            def step(index: Tensor) -> Tensor:
                batch = _each(lambda array: array[index], block)
                if table:
                    batch = tuple(_rows(array, batch) for array in table)
                model.train_step(batch)
                return index + 1

            tf.while_loop(lambda index: index < count, step, [0])
            return model.get_metrics_result()

        self._run = run

    @contextmanager
    def over(self, table: tuple[Tensor, ...]) -> Iterator[None]:
        """For one fit: the iterator gives the numbers of a table's rows, int32 (batch,)."""
        self._table = table
        try:
            yield
        finally:
            self._table = ()

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
        for _, group in groupby(batches, key=_shapes):  # a short last batch is a group of its own
            steps = list(group)
            # Filled up to `num_steps`, so that a short block needs no program of its own.
            filled = steps + [steps[0]] * (self._num_steps - len(steps))
            block = _each(lambda *arrays: tf.stack(arrays), *filled)
            logs = self._run(self._table, block, tf.constant(len(steps)))
        return logs


def _each(function: Callable[..., Tensor], *structures: Any) -> Any:
    """Applies a function to the tensors of structures; what is None in them stays so."""
    return keras.tree.map_structure(
        lambda *leaves: None if leaves[0] is None else function(*leaves), *structures
    )


def _rows(array: Tensor, numbers: Tensor) -> Tensor:
    """Rows (batch, ...) of an array (num, ...): XLA copies those of a matrix twice as fast."""
    matrix = tf.reshape(array, [array.shape[0], math.prod(array.shape[1:])])
    return tf.reshape(tf.gather(matrix, numbers), [-1, *array.shape[1:]])


def _value(leaf: Any) -> Any:
    """A tensor as it is; Keras sends what is missing as an empty optional."""
    return None if isinstance(leaf, tf.experimental.Optional) else leaf


def _shapes(batch: Any) -> list[tuple[int, ...]]:
    return [tuple(leaf.shape) for leaf in keras.tree.flatten(batch) if leaf is not None]
