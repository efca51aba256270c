"""The global batch, seen from one replica: which rows are here, and what is true of all."""

from __future__ import annotations

import tensorflow as tf

from keras_vae.noise import Tensor


def global_rows(num: Tensor) -> tuple[Tensor, Tensor]:
    """The global indices (num,) of this replica's `num` rows, and the number of all rows."""
    rows = tf.range(num)  # (num,)
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return rows, num
    replica = context.replica_id_in_sync_group
    mine = tf.one_hot(replica, context.num_replicas_in_sync, dtype=num.dtype) * num  # (replicas,)
    counts = context.all_reduce(tf.distribute.ReduceOp.SUM, mine)  # (replicas,)
    before = tf.reduce_sum(tf.where(tf.range(context.num_replicas_in_sync) < replica, counts, 0))
    return before + rows, tf.reduce_sum(counts)


def global_mean(values: Tensor) -> Tensor:
    """The mean over the rows of all replicas of values (batch, ...), differentiable."""
    total = tf.reduce_sum(values, axis=0)
    _, num = global_rows(tf.shape(values)[0])
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, total)
    return total / tf.cast(num, values.dtype)


def global_values(values: Tensor) -> Tensor:
    """The values (batch, ...) of all replicas, (global batch, ...)."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_gather(values, axis=0)
