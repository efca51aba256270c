"""The `tf.distribute` strategies by name, and which of several processes keeps what they make."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError

NAMES = ("auto", "none", "mirrored", "multiworker")


def get_strategy(name: str = "auto") -> tf.distribute.Strategy | None:
    """Returns the strategy of a name, or None for one device.

    `multiworker` starts this process's server and waits for the others, so it comes before all that
    TensorFlow computes.

    Args:
        name: "mirrored", for all GPUs of this machine; "multiworker", for the machines that the
            variable TF_CONFIG names; "none"; or "auto", which is the second where TF_CONFIG is set,
            the first where there are several GPUs, and else the last.

    Raises:
        UserError: For another name, or a TF_CONFIG that says too little.
    """
    if name not in NAMES:
        raise UserError(f"A strategy is one of {', '.join(NAMES)}. Received {name!r}.")
    if name == "multiworker" or (name == "auto" and os.environ.get("TF_CONFIG")):
        _check_workers()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored" or (name == "auto" and len(tf.config.list_logical_devices("GPU")) > 1):
        return tf.distribute.MirroredStrategy()
    return None


def scope(strategy: tf.distribute.Strategy | None) -> AbstractContextManager[Any]:
    """The scope in which a strategy's models are made; for None, any place will do."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this process is the one that writes files: the only one, or the first worker."""
    if strategy is None or not is_multiworker(strategy):
        return True
    resolver = strategy.cluster_resolver
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return bool(resolver.task_type == first and resolver.task_id == 0)


def is_multiworker(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether several processes share the work."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


GONE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.DeadlineExceededError,
    tf.errors.CancelledError,
)
"""What TensorFlow raises in a worker when another one has ended or cannot be reached."""


def from_chief(strategy: tf.distribute.Strategy, values: Sequence[Any]) -> list[Any]:
    """What the first worker has in place of this one's values, of the same shapes and types.

    All workers must call it at the same point. With one process, these are the values themselves.
    """
    if not is_multiworker(strategy):
        return list(values)
    arrays = [np.asarray(value) for value in values]
    sent = [array if array.dtype.kind in "fV" else array.astype("int64") for array in arrays]
    found = strategy.run(_first_ones(strategy), (list(map(tf.constant, sent)),))
    local = strategy.experimental_local_results
    return [
        local(value)[0].numpy().astype(array.dtype)
        for value, array in zip(found, arrays, strict=True)
    ]


@functools.cache
def _first_ones(strategy: tf.distribute.Strategy) -> Callable[[list[Any]], list[Any]]:
    """What all replicas call together; made once, for it is traced for each list of shapes."""

    def first_ones(values: list[Any]) -> list[Any]:
        context = tf.distribute.get_replica_context()
        is_first = tf.equal(context.replica_id_in_sync_group, 0)
        return [
            context.all_reduce(tf.distribute.ReduceOp.SUM, value * tf.cast(is_first, value.dtype))
            for value in values
        ]

    return tf.function(first_ones, autograph=False)


def _check_workers() -> None:
    """Raises a `UserError` where TF_CONFIG names no cluster, or no place of this process in it."""
    text = os.environ.get("TF_CONFIG", "")
    mend = (
        "set TF_CONFIG to the addresses of all workers and to the place of this one, as in "
        '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", '
        '"index": 0}}.'
    )
    try:
        tables = json.loads(text or "null")
        cluster, task = tables["cluster"], tables["task"]
        cluster[task["type"]][task["index"]]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        received = f"Received {text!r}" if text else "It is not set"
        raise UserError(f"TF_CONFIG names the workers. {received}: {mend}") from error
