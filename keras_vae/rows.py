"""A user's arrays -> the rows that models and servers take, with numpy alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_vae.errors import UserError

Array = np.ndarray[Any, Any]

MOST_BYTES = 2**31
"""Of arrays that are read into memory, and copied to the device that trains; larger ones stay on
the disk."""


def is_mapped(array: Array) -> bool:
    """Whether an array is on a disk; numpy calls parts that it copies into memory so, too."""
    return isinstance(array, np.memmap) and array.filename is not None


def as_data(x: Any) -> Array:
    """Data -> float32 of the same shape: uint8 as x / 255, floats as they are.

    Raises:
        UserError: For another dtype.
    """
    x = np.asarray(x)
    if x.dtype == np.uint8:
        return (x * (1.0 / 255.0)).astype(np.float32)  # in float64 first, as `arrays.as_data`
    if not np.issubdtype(x.dtype, np.floating):
        raise no_data(x.dtype.name)
    return x.astype(np.float32)


def no_data(dtype: str) -> UserError:
    """The error of data of a dtype that is neither uint8 nor of floats."""
    return UserError(f"Received data of dtype {dtype}; expected uint8 (read as x / 255) or floats.")


def as_labels(condition: Any, num: int, num_labels: int = 2**31) -> Array:
    """One label for all rows, or one each -> int32 (num,).

    Args:
        condition: A label, or labels (num,) or (num, 1).
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
    if num and not (labels.min() >= 0 and labels.max() < num_labels):
        raise UserError(f"Received {_ranging(labels)}; expected them from 0 to {num_labels - 1}.")
    return labels.astype(np.int32)


def _ranging(labels: Array) -> str:
    least, most = labels.min(), labels.max()
    return f"the label {least}" if least == most else f"labels from {least} to {most}"


def as_condition(condition: Any, num: int, condition_dim: int) -> Array:
    """One condition for all rows, or one each -> float32 (num, condition_dim).

    Args:
        condition: Values (condition_dim,) or (num, condition_dim). Integers in place of them are
            labels, but for a condition of one number, which is that number.
        num: Rows.
        condition_dim: The width that the model takes.

    Raises:
        UserError: When it is missing or of another shape, or when a label is out of range.
    """
    if condition is None:
        raise UserError(
            f"This model needs a condition: a label below {condition_dim}, "
            f"or {condition_dim} values per row."
        )
    values = np.asarray(condition)
    is_integer = np.issubdtype(values.dtype, np.integer)
    if is_integer and condition_dim > 1 and (values.ndim < 2 or values.shape[1:] == (1,)):
        labels = as_labels(values, num, num_labels=condition_dim)  # (num,)
        return np.eye(condition_dim, dtype=np.float32)[labels]  # (num, condition_dim)
    if values.shape == (num,) == (condition_dim,) and _could_be_labels(values):
        check_each(values, num, condition_dim)  # rather than one for all
    values = _each(values, num, (condition_dim,)).astype(np.float32)  # (num, condition_dim)
    if not np.isfinite(values).all():
        raise UserError("The condition has NaN or infinite values.")
    return values


def _could_be_labels(values: Array) -> bool:
    """Whether floats are whole numbers, and no part of a one-hot or a binary vector."""
    is_floating = np.issubdtype(values.dtype, np.floating)
    return bool(is_floating and np.all(values % 1 == 0) and np.any(values > 1))


def check_each(condition: Any, num: int, condition_dim: int) -> None:
    """Raises a `UserError` for a vector of floats, which would be one condition for all rows.

    Beside rows of data it is rather meant as their labels, which are integers.
    """
    values = np.asarray(condition)
    if condition_dim > 1 and values.ndim == 1 and np.issubdtype(values.dtype, np.floating):
        raise UserError(
            f"Received a condition of shape {values.shape} and dtype {values.dtype} for {num} "
            f"rows; expected integer labels, or {condition_dim} values of each row, of "
            f"shape {(num, condition_dim)}."
        )


def _each(values: Array, num: int, shape: tuple[int, ...]) -> Array:
    """One value of a shape for all rows, or one each -> (num, *shape)."""
    size = math.prod(shape)
    if values.ndim <= len(shape) and values.size == size:
        return np.broadcast_to(values.reshape(shape), (num, *shape))  # (num, *shape)
    if values.shape == (num, *shape) or (size == 1 and values.shape in {(num,), (num, 1)}):
        return values.reshape(num, *shape)  # (num, *shape)
    labels = "integer labels, or " if size > 1 else ""
    raise UserError(
        f"Received a condition of shape {values.shape} and dtype {values.dtype} for {num} rows; "
        f"expected {labels}one for all, of shape {shape}, or one each, of shape {(num, *shape)}."
    )
