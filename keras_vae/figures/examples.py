"""What figures show: rows of the test set, their conditions, the limits of grey, their title."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def values(x: Array) -> Array:
    """What the models see: uint8 as x / 255, anything else as it is; float32 of the same shape."""
    return (x / 255.0 if x.dtype == np.uint8 else x).astype(np.float32)


def corrupted_values(model: LatentModel, x: Array, seed: int) -> Array:
    """What a model's corruption makes of values (rows, *event_shape), as in training."""
    import tensorflow as tf

    from keras_vae.noise import Noise

    noise = Noise.from_seeds(tf.constant(seed + np.arange(len(x))))
    return np.asarray(model.corrupted(tf.constant(x), noise, training=True))


def title_of(name: str, model: LatentModel, dataset: Dataset) -> str:
    """What stands above a figure: its name, the model's class and the data's name."""
    return f"{name.capitalize()} \N{MIDDLE DOT} {type(model).__name__} on {dataset.name}"


def limits(dataset: Dataset) -> tuple[float, float]:
    """Values shown black and white: 0 and 1, or the extremes of data that go beyond those."""
    if dataset.x_test.dtype == np.uint8:
        return 0.0, 1.0
    return min(0.0, float(dataset.x_test.min())), max(1.0, float(dataset.x_test.max()))


def pick_rows(dataset: Dataset, num: int, seed: int) -> Array:
    """Rows of the test set without repetition, at random.

    With integer labels the rows go through the labels in turn: 0, 1, ..., 9, 0, 1, ...

    Returns:
        int (min(num, test rows),).
    """
    order = np.random.default_rng(seed).permutation(len(dataset.x_test))
    if dataset.num_classes is None or dataset.y_test is None:
        return order[:num]
    labels = dataset.y_test[order]
    turn = np.empty(len(order), np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange(np.count_nonzero(labels == label))
    return order[np.lexsort((labels, turn))[:num]]


def check_positive(**counts: int) -> None:
    """UserError for the first of the named numbers that is less than 1."""
    for name, count in counts.items():
        if count < 1:
            raise UserError(f"Received {name}={count}, expected at least 1: give a larger number.")


def check_rows(rows: ArrayLike, dataset: Dataset) -> Array:
    """The rows that a user asked for, as an array; UserError where the test set has no such row."""
    chosen = np.asarray(rows, dtype=np.int64)
    num = len(dataset.x_test)
    if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= num:
        raise UserError(
            f"Received rows {chosen.tolist()}, but the test set of {dataset.name} has rows 0 to "
            f"{num - 1}: choose from those."
        )
    return chosen


def pick_pairs(dataset: Dataset, num: int, seed: int, same_label: bool) -> Array:
    """Pairs of rows of the test set, at random.

    Args:
        dataset: where the rows are.
        num: pairs, at most.
        seed: which.
        same_label: whether both of a pair have one label, if labels are integers; the pairs then go
            through the labels.

    Returns:
        int (pairs, 2).
    """
    if same_label and dataset.num_classes is not None and dataset.y_test is not None:
        rows = pick_rows(dataset, 2 * dataset.num_classes, seed)
        rows = rows[np.argsort(dataset.y_test[rows], kind="stable")]
    else:
        rows = pick_rows(dataset, 2 * num, seed)
    return rows[: len(rows) // 2 * 2].reshape(-1, 2)[:num]


def conditions_of(model: LatentModel, dataset: Dataset, rows: Array) -> Array | None:
    """Conditions of rows of the test set, labels as one-hot vectors.

    Returns:
        (rows, condition_dim); None for a model without a condition.
    """
    if model.condition_dim is None or dataset.y_test is None:
        return None
    y = dataset.y_test[rows]
    return y if dataset.num_classes is None else _one_hot(y, model.condition_dim)


def condition_values(
    model: LatentModel, dataset: Dataset, num: int, seed: int
) -> tuple[Array, list[str]]:
    """The conditions that a figure goes through, and their names.

    Returns:
        Every label as a one-hot vector, (condition_dim, condition_dim); or, where conditions are
        real numbers, those of `num` rows of the test set, (num, condition_dim).
    """
    if model.condition_dim is None or dataset.y_test is None:
        raise ValueError("Received a model or data without a condition; use a CVAE and labels.")
    if dataset.num_classes is not None:
        labels = np.arange(model.condition_dim)
        return _one_hot(labels, len(labels)), [str(label) for label in labels]
    rows = pick_rows(dataset, num, seed)
    conditions = dataset.y_test[rows]
    if conditions.shape[1] > 3:
        return conditions, [f"row {row}" for row in rows]
    return conditions, [", ".join(f"{value:.2g}" for value in c) for c in conditions]


def _one_hot(labels: Array, num_classes: int) -> Array:
    """Labels (rows,) -> float32 (rows, num_classes)."""
    return np.eye(num_classes, dtype=np.float32)[labels]
