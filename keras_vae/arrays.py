"""A user's arrays and tensors -> what models compute with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Tensor
from keras_vae.rows import Array, no_data

BATCH_SIZE = 1000
"""Rows per call when a whole data set is encoded, decoded or scored."""


def as_array(values: Any) -> Any:
    """Tensors, and tables and columns of pandas, as numpy's arrays; all else as it is."""
    if isinstance(values, tf.Tensor):
        return values.numpy()
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def as_data(x: Tensor, event_shape: tuple[int, ...]) -> Tensor:
    """Data -> float32 (batch, *event_shape): uint8 as x / 255, floats as they are.

    Raises:
        UserError: For another shape or dtype.
    """
    x = tf.convert_to_tensor(x)
    check_shape(x, event_shape)
    if x.dtype == tf.uint8:
        # In float64: a compiler turns the division into a product, which in float32 has other last
        # bits, and `Noise.for_rows` depends on all of them.
        return tf.cast(tf.cast(x, tf.float64) * (1.0 / 255.0), tf.float32)
    if not x.dtype.is_floating:
        raise no_data(x.dtype.name)
    return tf.cast(x, tf.float32)


def check_shape(x: Any, event_shape: tuple[int, ...]) -> None:
    """Raises a `UserError` for an array or a tensor that is not rows of that shape."""
    if tuple(x.shape) == event_shape:
        raise UserError(
            f"Received one example, of shape {event_shape}; expected rows of them: give x[None], "
            "or batch the dataset."
        )
    if tuple(x.shape[1:]) != event_shape:
        raise UserError(
            f"Received data of shape {tuple(x.shape)}; the encoder takes rows of {event_shape}. "
            "Reshape the data, or build the networks for their shape."
        )


def as_condition(y: Tensor, condition_dim: int) -> Tensor:
    """Labels (batch,), or values (batch, condition_dim) -> float32 (batch, condition_dim).

    Integers are labels, but for a condition of one number, which is that number. A label outside
    [0, condition_dim) gives a row of NaN: a graph cannot raise, and must not go on with a wrong
    class.
    """
    y = tf.convert_to_tensor(y)
    if y.dtype.is_integer and condition_dim > 1 and (y.shape.rank == 1 or y.shape[1:] == [1]):
        labels = tf.reshape(y, [-1])  # (batch,)
        valid = (labels >= 0) & (labels < condition_dim)  # (batch,)
        return tf.where(
            valid[:, tf.newaxis], tf.one_hot(labels, condition_dim), np.nan
        )  # (batch, condition_dim)
    if y.shape.rank == 1 and condition_dim == 1:
        y = y[:, tf.newaxis]  # (batch, 1)
    if tuple(y.shape[1:]) != (condition_dim,):
        raise UserError(
            f"Received conditions of shape {tuple(y.shape)} and dtype {y.dtype.name}; "
            "expected integer labels (batch,) "
            f"or values (batch, {condition_dim})."
        )
    return tf.cast(y, tf.float32)


def over_batches(
    function: Callable[..., Tensor], *arrays: Array, batch_size: int = BATCH_SIZE
) -> Array:
    """Applies a function of batches to whole arrays (num, ...), `batch_size` rows at a time."""
    starts = range(0, max(len(arrays[0]), 1), batch_size)
    parts = [
        function(*(tf.constant(array[start : start + batch_size]) for array in arrays))
        for start in starts
    ]
    return np.concatenate([np.asarray(part) for part in parts])
