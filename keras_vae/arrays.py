"""A user's arrays and tensors -> what models compute with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Tensor

Array = np.ndarray[Any, Any]

BATCH_SIZE = 1000
"""Rows per call when a whole data set is encoded, decoded or scored."""


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
        raise UserError(
            f"Received data of dtype {x.dtype.name}; expected uint8 (read as x / 255) or floats."
        )
    return tf.cast(x, tf.float32)


def check_shape(x: Any, event_shape: tuple[int, ...]) -> None:
    """Raises a `UserError` for an array or a tensor that is not rows of that shape."""
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


def condition_array(condition: Any, condition_dim: int, num: int) -> Array:
    """One condition for all rows, or one each -> float32 (num, condition_dim), every label checked.

    Args:
        condition: A label, labels (num,), a vector (condition_dim,) of floats, or vectors (num,
            condition_dim).
        condition_dim: The width that the networks take.
        num: Rows.

    Raises:
        UserError: When it is missing, of another length, or a label is out of range.
    """
    if condition is None:
        raise UserError(
            f"This model needs a condition: a label below {condition_dim}, "
            f"or {condition_dim} values per row."
        )
    values = np.asarray(condition)
    if values.ndim == 0 or (
        values.ndim == 1 and condition_dim > 1 and not _are_labels(values, condition_dim)
    ):
        values = np.broadcast_to(values, (num, *values.shape))  # (num,) or (num, condition_dim)
    if len(values) != num:
        raise UserError(
            f"Received {len(values)} conditions for {num} rows; expected one for all, or one each."
        )
    check_labels(values, condition_dim)
    return np.asarray(as_condition(tf.constant(values), condition_dim))


def check_labels(y: Array, condition_dim: int) -> None:
    """Raises a `UserError` for labels out of range; any other condition passes."""
    if _are_labels(y, condition_dim) and y.size and not (y.min() >= 0 and y.max() < condition_dim):
        raise UserError(
            f"Received labels from {y.min()} to {y.max()}; "
            f"expected them from 0 to {condition_dim - 1}."
        )


def check_range(
    name: str,
    x: Array,
    support: tuple[float, float],
    *,
    taker: str = "likelihood",
    mend: str = 'scale it, store pixels as uint8, or use the likelihood "normal"',
) -> None:
    """Raises a `UserError` for floats outside of what the taker takes; NaN is outside too."""
    low, high = support
    if not np.issubdtype(x.dtype, np.floating) or not x.size or support == (-np.inf, np.inf):
        return
    if not (x.min() >= low and x.max() <= high):
        raise UserError(
            f"{name} ranges from {x.min():g} to {x.max():g}, and the {taker} takes {low:g} to "
            f"{high:g}: {mend}."
        )


def _are_labels(y: Array, condition_dim: int) -> bool:
    """Whether these are class labels: integers, where a condition has more than one number."""
    is_integer = np.issubdtype(y.dtype, np.integer)
    return is_integer and condition_dim > 1 and (y.ndim < 2 or y.shape[1:] == (1,))


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
