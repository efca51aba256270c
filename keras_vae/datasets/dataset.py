"""`Dataset`, and the checks that every array passes on its way into one."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array, is_mapped

_LEAST_TEST = 2
"""Rows: of fewer, nothing can be said."""

_ROWS = 10_000
"""Rows that are checked at a time."""

_SUMMED = 1_000
"""Rows of a checksum, at least, if there are so many."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test rows under a name.

    Attributes:
        name: "mnist", "mnist-sample", "fashion-mnist", "frey-faces", or the name of the user's
            file or folder.
        x_train: uint8 images (n, height, width, channels), which models read as x / 255, or float32
            (n, ...) as the user gave them; uint8 or float32 vectors (n, d) are fine too.
        x_test: The same for the test rows.
        y_train: int64 labels (n,), float32 conditions (n, d), or None when there are none.
        y_test: The same for the test rows.
        given: Where the values of y stand in a row of flat x, int64 (d,), for a model that is to
            complete x; None for any other y.
    """

    name: str
    x_train: Array
    x_test: Array
    y_train: Array | None = None
    y_test: Array | None = None
    given: Array | None = None

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one row, e.g. (28, 28, 1)."""
        return self.x_train.shape[1:]

    @property
    def num_classes(self) -> int | None:
        """Largest label + 1, None unless there are integer labels."""
        if self.y_train is None or self.y_test is None or self.y_train.ndim > 1:
            return None
        return int(max(self.y_train.max(), self.y_test.max())) + 1

    @property
    def condition_dim(self) -> int | None:
        """Width of a condition: the number of classes, or d of (n, d); None without labels."""
        if self.y_train is not None and self.y_train.ndim > 1:
            return int(self.y_train.shape[1])
        return self.num_classes

    def checksum(self) -> str:
        """Eight hexadecimal digits that tell other data apart: of shapes and a thousand rows."""
        crc = 0
        for rows in (self.x_train, self.x_test, self.y_train, self.y_test):
            if rows is not None:
                some = np.ascontiguousarray(rows[:: max(1, len(rows) // _SUMMED)])
                crc = zlib.crc32(f"{rows.shape} {rows.dtype}".encode(), crc)
                crc = zlib.crc32(some.data, crc)
        return f"{crc:08x}"


def from_arrays(
    name: str, source: Path, arrays: Mapping[str, Array], num_test: int | None = None
) -> Dataset:
    """Makes a `Dataset` of the arrays read from `source`.

    uint8 stays uint8, booleans become 0 and 255, floats float32; any other dtype is refused, for
    nobody can tell pixels from counts. Rows of rank 2 (height, width) get a channel axis.
    Integer labels (n,) or (n, 1) become int64 (n,); floats (n,) become conditions (n, 1).

    Without `x_test`, the last `num_test` rows (default: a tenth, at least two) are held out after
    a shuffle with a fixed seed.

    Args:
        name: Name of the data set.
        source: File or folder, for messages.
        arrays: `x_train`, optionally `y_train`, `x_test`, `y_test`.
        num_test: Rows to hold out when there is no `x_test`.

    Raises:
        UserError: The arrays are empty, not finite, of a wrong dtype or rank, or do not match.
    """
    expected = {"x_train", "x_test"} if "x_test" in arrays else {"x_train"}
    if {"y_train", "y_test"} & set(arrays):
        expected |= {key.replace("x", "y") for key in expected}
    if set(arrays) != expected:
        raise UserError(
            f"{source} holds {', '.join(sorted(arrays))}; expected {', '.join(sorted(expected))}: "
            "give labels for both the training and the test rows, or for neither."
        )
    checked: dict[str, Array] = {}
    for key in sorted(expected):  # x before y
        what = f"{key} of {source}"
        if key[0] == "x":
            checked[key] = _rows(arrays[key], what)
        else:
            checked[key] = _labels(arrays[key], len(checked[key.replace("y", "x")]), what)
    if "x_test" not in checked:
        checked = _hold_out(checked, source, num_test)
    if len(checked["x_test"]) < _LEAST_TEST:
        raise UserError(
            f"x_test of {source} has one row; expected {_LEAST_TEST} or more: figures have a "
            "standard error. Give more, or leave x_test out."
        )
    for train_key, test_key in [("x_train", "x_test"), ("y_train", "y_test")][: len(checked) // 2]:
        train, test = checked[train_key], checked[test_key]
        if (train.shape[1:], train.dtype.kind) != (test.shape[1:], test.dtype.kind):
            raise UserError(
                f"{source} has {train.dtype} rows of shape {train.shape[1:]} in {train_key} but "
                f"{test.dtype} rows of shape {test.shape[1:]} in {test_key}; make the two alike."
            )
    return Dataset(name, **checked)


def _rows(x: Array, what: str) -> Array:
    if x.ndim < 2 or x.size == 0:
        raise UserError(
            f"{what} has shape {x.shape}; expected at least one row: vectors (n, d) or images "
            "(n, height, width[, channels])."
        )
    if x.dtype == np.bool_:
        x = x.astype(np.uint8) * np.uint8(255)
    elif np.issubdtype(x.dtype, np.floating):
        x = _finite(x, what)
    elif x.dtype != np.uint8:
        raise UserError(
            f"{what} has dtype {x.dtype}; expected uint8 (pixels 0 to 255), floats or booleans: "
            "convert it with .astype('uint8') or .astype('float32')."
        )
    return x[..., np.newaxis] if x.ndim == 3 else x  # (n, height, width, 1)


def _labels(y: Array, num_rows: int, what: str) -> Array:
    if y.shape[:1] != (num_rows,):
        raise UserError(
            f"{what} has shape {y.shape}; expected {num_rows} labels, one for each row of x: "
            "images and labels do not belong together."
        )
    numeric = y.dtype == np.bool_ or np.issubdtype(y.dtype, np.integer)
    if numeric and y.size == num_rows:
        y = y.reshape(num_rows).astype(np.int64)
        if y.min() < 0:
            raise UserError(f"{what} holds the label {y.min()}; expected 0, 1, ...: renumber them.")
        return y
    if (numeric or np.issubdtype(y.dtype, np.floating)) and y.ndim <= 2 and y.size:
        return _finite(y.reshape(num_rows, -1), what)  # (n, d)
    raise UserError(
        f"{what} is {y.dtype} of shape {y.shape}; expected integer labels (n,) or real-valued "
        "conditions (n, d): convert it."
    )


def _finite(values: Array, what: str) -> Array:
    """Finite float32; what is on a disk stays there, of whatever dtype of floats."""
    if not is_mapped(values):
        values = values.astype(np.float32, copy=False)
    for start in range(0, len(values), _ROWS):
        finite = np.isfinite(values[start : start + _ROWS])
        if not finite.all():
            first, *rest = (int(i) for i in np.unravel_index(int(finite.argmin()), finite.shape))
            index = (start + first, *rest)
            raise UserError(
                f"{what} holds {values[index]} at index {index}; expected finite numbers: replace "
                "it or leave the row out."
            )
    return values


def _hold_out(arrays: Mapping[str, Array], source: Path, num_test: int | None) -> dict[str, Array]:
    num_rows = len(arrays["x_train"])
    if num_rows <= _LEAST_TEST:
        raise UserError(
            f"{source} has too few rows, {num_rows}; expected {_LEAST_TEST + 1} or more: "
            f"{_LEAST_TEST} are held out for testing."
        )
    if is_mapped(arrays["x_train"]):
        raise UserError(
            f"{source} has no x_test, and to hold a tenth out would copy x_train, which is too "
            "large for the memory: give x_test in the file."
        )
    train, test = held_out(num_rows, num_test)
    split = {key: rows[train] for key, rows in arrays.items()}
    return split | {key.replace("train", "test"): rows[test] for key, rows in arrays.items()}


def held_out(num_rows: int, num_test: int | None = None) -> tuple[Array, Array]:
    """Numbers of the rows to train on, and of those that are held out for testing."""
    order = np.random.RandomState(0).permutation(num_rows)  # this generator is frozen for good
    train, test = np.split(order, [num_rows - (num_test or max(_LEAST_TEST, num_rows // 10))])
    return train, test
