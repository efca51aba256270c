"""The global batch, seen from one replica: which rows are here, and what is true of all."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from keras_vae.noise import Tensor


def global_rows(num: Tensor) -> tuple[Tensor, Tensor]:
    """The global indices (num,) of this replica's `num` rows, and the number of all rows."""
    before, total = _over_replicas(num)
    return before + tf.range(num), total


def global_mean(values: Tensor) -> Tensor:
    """The mean over the rows of all replicas of values (batch, ...), differentiable."""
    _, num = global_rows(tf.shape(values)[0])
    return _sum(tf.reduce_sum(values, axis=0)) / tf.cast(num, values.dtype)


def global_largest(values: Tensor, num: Tensor) -> tuple[Tensor, Tensor]:
    """Which of float32 values (batch, units) are of the `num` largest of their unit, bool.

    Of the rows of all replicas; of equal values the first. With them the least of these (units,).
    Replicas exchange counts, not values: what they exchange must have one shape, and batches have
    several.
    """
    keys = tf.cast(_ordered(tf.bitcast(values + 0.0, tf.int32)), tf.int64)  # -0 is 0
    least = tf.fill(tf.shape(keys)[1:], tf.constant(-(2**31), tf.int64))  # (units,)
    for bit in reversed(range(32)):
        higher = least + 2**bit
        enough = _sum(tf.reduce_sum(tf.cast(keys >= higher, tf.int32), axis=0)) >= num  # (units,)
        least = tf.where(enough, higher, least)
    num_above = _sum(tf.reduce_sum(tf.cast(keys > least, tf.int32), axis=0))  # (units,)
    equal = tf.cast(keys == least, tf.int32)  # (batch, units)
    before, _ = _over_replicas(tf.reduce_sum(equal, axis=0))  # (units,)
    place = before + tf.cumsum(equal, axis=0, exclusive=True)  # (batch, units), among equals
    wins = tf.logical_or(keys > least, tf.logical_and(keys == least, place < num - num_above))
    return wins, tf.bitcast(_ordered(tf.cast(least, tf.int32)), tf.float32)


def _ordered(bits: Tensor) -> Tensor:
    """Integers in the order of the float32 numbers of these bits, and from such integers back."""
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, 2**31 - 1), bits)


def _sum(value: Tensor) -> Tensor:
    """The sum of what all replicas have."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def _over_replicas(value: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over the replicas before this one, and the sum over all."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return tf.zeros_like(value), value
    replicas, own = context.num_replicas_in_sync, context.replica_id_in_sync_group
    mine = tf.one_hot(own, replicas, dtype=value.dtype)  # (replicas,)
    shares = _sum(tf.tensordot(mine, value, axes=0))  # (replicas, ...)
    earlier = tf.cast(tf.range(replicas) < own, value.dtype)  # (replicas,)
    return tf.tensordot(earlier, shares, axes=1), tf.reduce_sum(shares, axis=0)


def global_gradients(gradients: list[Tensor], optimizer: Any) -> list[Tensor]:
    """What a replica hands to a Keras optimizer, which clips first and sums over replicas then.

    With clipping, the sum over the replicas is clipped here, and each hands on its equal share: too
    little for the optimizer to clip again. Where a loss is scaled for float16, so are the bounds.
    """
    context = tf.distribute.get_replica_context()
    scale = getattr(optimizer, "dynamic_scale", 1.0)
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    clips = optimizer.clipnorm or optimizer.global_clipnorm or optimizer.clipvalue
    if not clips or context is None or context.num_replicas_in_sync == 1:
        return gradients
    gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    if optimizer.clipnorm:
        gradients = [
            tf.clip_by_norm(gradient, scale * optimizer.clipnorm) for gradient in gradients
        ]
    elif optimizer.global_clipnorm:
        gradients, _ = tf.clip_by_global_norm(gradients, scale * optimizer.global_clipnorm)
    else:
        low, high = -scale * optimizer.clipvalue, scale * optimizer.clipvalue
        gradients = [tf.clip_by_value(gradient, low, high) for gradient in gradients]
    return [gradient / context.num_replicas_in_sync for gradient in gradients]
