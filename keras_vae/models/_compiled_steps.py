"""Many training steps as one XLA program.

Called step by step, XLA copies every weight and every optimizer slot in and out; in one program
they stay where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_vae.noise import Tensor

if TYPE_CHECKING:
    from keras_vae.models.latent_model import LatentModel


def compiled_steps(model: LatentModel) -> Callable[[Iterator[Any]], dict[str, Any]]:
    """The function that `fit` calls: takes up to `steps_per_execution` batches off an iterator."""
    num_steps = model.steps_per_execution

    @tf.function(jit_compile=True, autograph=False)
    def run(block: Any, count: Tensor) -> dict[str, Any]:
        """The first `count` steps of a block of batches (num_steps, batch, ...)."""

        def step(index: Tensor) -> Tensor:
            model.train_step(_each(lambda array: array[index], block))
            return index + 1

        tf.while_loop(lambda index: index < count, step, [0])
        return model.get_metrics_result()

    def train_function(iterator: Iterator[Any]) -> dict[str, Any]:
        batches = [keras.tree.map_structure(_value, batch) for batch in islice(iterator, num_steps)]
        if not batches:
            raise StopIteration
        for _, group in groupby(batches, key=_shapes):  # a short last batch is a group of its own
            steps = list(group)
            # Filled up to `num_steps`, so that a short block needs no program of its own.
            filled = steps + [steps[0]] * (num_steps - len(steps))
            block = _each(lambda *arrays: tf.stack(arrays), *filled)
            logs = run(block, tf.constant(len(steps)))
        return logs

    return train_function


def _each(function: Callable[..., Tensor], *structures: Any) -> Any:
    """Applies a function to the tensors of structures; what is None in them stays so."""
    return keras.tree.map_structure(
        lambda *leaves: None if leaves[0] is None else function(*leaves), *structures
    )


def _value(leaf: Any) -> Any:
    """A tensor as it is; Keras sends what is missing as an empty optional."""
    return None if isinstance(leaf, tf.experimental.Optional) else leaf


def _shapes(batch: Any) -> list[tuple[int, ...]]:
    return [tuple(leaf.shape) for leaf in keras.tree.flatten(batch) if leaf is not None]
