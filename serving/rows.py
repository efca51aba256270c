"""A user's arrays -> rows as served models take them; `keras_vae.arrays` without TensorFlow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_vae.errors import UserError

if TYPE_CHECKING:
    from keras_vae.arrays import Array  # which imports TensorFlow


def as_data(x: Any) -> Array:
    """Data -> float32 of the same shape: uint8 as x / 255, floats as they are.

    Raises:
        UserError: For another dtype.
    """
    x = np.asarray(x)
    if x.dtype == np.uint8:
        return (x * (1.0 / 255.0)).astype(np.float32)  # in float64 first, as `keras_vae.arrays`
    if not np.issubdtype(x.dtype, np.floating):
        raise UserError(
            f"Received data of dtype {x.dtype}; expected uint8 (read as x / 255) or floats."
        )
    return x.astype(np.float32)


def as_labels(condition: Any, num: int, num_labels: int = 2**31) -> Array:
    """One label for all rows, or one each -> int32 (num,).

    Args:
        condition: A label, or labels (num,).
        num: Rows.
        num_labels: How many labels there are, where it is known.

    Raises:
        UserError: When they are no integers, out of range, or of another length.
    """
    values = np.asarray(condition)
    if not np.issubdtype(values.dtype, np.integer):
        raise UserError(
            f"Received a condition of dtype {values.dtype}; this model takes labels: integers, one "
            "for all rows, or one each."
        )
    labels = _each(values, num, ())  # (num,)
    if labels.min() < 0 or labels.max() >= num_labels:
        raise UserError(
            f"Received labels from {labels.min()} to {labels.max()}; "
            f"expected them from 0 to {num_labels - 1}."
        )
    return labels.astype(np.int32)


def as_condition(condition: Any, num: int, condition_dim: int) -> Array:
    """One condition for all rows, or one each -> float32 (num, condition_dim).

    Args:
        condition: Values (condition_dim,) or (num, condition_dim). Integers in place of them are
            labels, but for a condition of one number, which is that number.
        num: Rows.
        condition_dim: The width that the model takes.

    Raises:
        UserError: When they are of another shape, or a label is out of range.
    """
    values = np.asarray(condition)
    is_integer = np.issubdtype(values.dtype, np.integer)
    if is_integer and condition_dim > 1 and (values.ndim < 2 or values.shape[1:] == (1,)):
        labels = as_labels(values, num, num_labels=condition_dim)  # (num,)
        return np.eye(condition_dim, dtype=np.float32)[labels]  # (num, condition_dim)
    return _each(values, num, (condition_dim,)).astype(np.float32)  # (num, condition_dim)


def _each(values: Array, num: int, shape: tuple[int, ...]) -> Array:
    """One value of a shape for all rows, or one each -> (num, *shape)."""
    size = math.prod(shape)
    if values.ndim <= len(shape) and values.size == size:
        return np.broadcast_to(values.reshape(shape), (num, *shape))  # (num, *shape)
    if values.shape[:1] == (num,) and values.size == num * size:
        return values.reshape(num, *shape)  # (num, *shape)
    raise UserError(
        f"Received a condition of shape {values.shape} for {num} rows; "
        f"expected shape {shape} for all of them, or {(num, *shape)}."
    )
