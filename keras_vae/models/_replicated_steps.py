"""Steps on all replicas of a `tf.distribute` strategy, in one or in several machines.

Keras' own function hands structures to `strategy.reduce` and takes means of means; with several
workers it fails (keras-team/keras issue 20585). Here one graph holds a whole execution, and what it
returns are the metrics of all replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_vae.noise import Tensor

if TYPE_CHECKING:
    from keras_vae.models.trainable import Trainable


def replicated_steps(
    model: Trainable, step: Callable[[Any], Any]
) -> Callable[[Iterator[Any]], dict[str, Any]]:
    """What `fit` or `evaluate` calls: up to `steps_per_execution` steps, then the metrics so far.

    Args:
        model: A compiled model that was made in its strategy's scope.
        step: Of one replica on its part of a batch.
    """
    strategy = model.distribute_strategy
    num_steps = model.steps_per_execution

    def run(iterator: Any) -> Tensor:
        """How many batches there were."""

        def one(done: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
            batch = iterator.get_next_as_optional()

            def take() -> Tensor:
                strategy.run(step, args=(batch.get_value(),))
                return done + 1

            return tf.cond(batch.has_value(), take, lambda: done), batch.has_value()

        done, _ = tf.while_loop(
            lambda done, more: tf.logical_and(more, done < num_steps),
            one,
            [tf.constant(0), tf.constant(True)],
        )
        return done

    if not model.run_eagerly:
        run = tf.function(run, autograph=False, reduce_retracing=True)

    def function(iterator: Any) -> dict[str, Any]:
        if not isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            iterator = _distributed(iterator, strategy)
        if int(run(iterator)) == 0:
            raise StopIteration
        return model.get_metrics_result()

    return function


def _distributed(batches: Iterator[Any], strategy: tf.distribute.Strategy) -> Any:
    """The one batch (x, y, sample_weight) of `train_on_batch` or `test_on_batch`, cut up."""
    batch = keras.utils.pack_x_y_sample_weight(*next(batches))
    return iter(strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensors(batch)))
