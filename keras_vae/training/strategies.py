"""The `tf.distribute` strategies by name, and which of several processes keeps what they make."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

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
        _workers()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored" or (name == "auto" and len(tf.config.list_logical_devices("GPU")) > 1):
        return tf.distribute.MirroredStrategy()
    return None


def scope(strategy: tf.distribute.Strategy | None) -> AbstractContextManager[Any]:
    """The scope in which a strategy's models are made; for None, any place will do."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this process is the one that writes files: the only one, or the first worker."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return True
    workers, task = _workers()
    return task.get("type") == "chief" or ("chief" not in workers and task.get("index") == 0)


def _workers() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The cluster and this process's task, as TF_CONFIG has them."""
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
        raise UserError(f"Several workers are told by TF_CONFIG. {received}: {mend}") from error
    return cluster, task
