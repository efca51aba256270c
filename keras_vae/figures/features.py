"""Figures of what an encoder looks at: its first filters, and the directions its code follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import check_positive, pick_rows, title_of, values
from keras_vae.figures.kernels import first_kernel
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.sheets import default_columns
from keras_vae.figures.suitability import check_suitable
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def filters(model: LatentModel, dataset: Dataset, *, num: int = 100, seed: int = 0) -> Figure:
    """The weights of the encoder's first layer as images, one tile for each unit.

    Grey is 0, and each tile is scaled by its own largest weight.

    Args:
        model: a model of images whose encoder begins with a dense layer or a convolution.
        dataset: its data, for the name.
        num: units, at most.
        seed: which units, where there are more than `num`.

    Returns:
        One axes.
    """
    check_suitable("filters", model, dataset)
    check_positive(num=num)
    kernels = first_kernel(model)  # (units, *shape)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(kernels))[:num])
    tiles = _to_unit_scale(kernels[chosen])
    columns = default_columns(len(chosen))
    rows = len(chosen) // columns + (len(chosen) % columns > 0)
    grid = np.zeros((rows * columns, *tiles.shape[1:]), np.float32)
    grid[: len(tiles)] = tiles
    return draw_panels(
        [Panel(grid.reshape(rows, columns, *tiles.shape[1:]))],
        title=title_of("filters", model, dataset),
        subtitle=(
            f"{len(chosen)} of {len(kernels)} units of the first layer; grey is 0, each tile to "
            "its own scale"
        ),
        limits=(-1.0, 1.0),
    )


def tangents(
    model: LatentModel, dataset: Dataset, *, num: int = 10, columns: int = 8, seed: int = 0
) -> Figure:
    """Directions in the data that move the code most: leading singular vectors of dz/dx.

    They span the tangent space of the data's manifold, as the encoder sees it.

    Args:
        model: a model without a condition.
        dataset: its data.
        num: examples, at most.
        columns: singular vectors of each, largest singular value first.
        seed: which examples; with integer labels every label in turn.

    Returns:
        One axes: an example and its tangents in each row. Grey is 0 in a tangent.

    Reference:
        Rifai et al. (2011), "The Manifold Tangent Classifier", section 3.
    """
    import tensorflow as tf  # here: image sheets do without it

    from keras_vae.models.jacobian import jacobian

    check_suitable("tangents", model, dataset)
    check_positive(num=num, columns=columns)
    rows = pick_rows(dataset, num, seed)
    x = values(dataset.x_test[rows])  # (rows, *event_shape)
    columns = min(columns, model.latent_dim, int(np.prod(model.event_shape)))
    jacobians = np.asarray(
        jacobian(lambda values: model.posterior(values).mean(), tf.constant(x))
    )  # (rows, latent_dim, event_size)
    directions = np.linalg.svd(jacobians, full_matrices=False)[2][:, :columns]
    tiles = _to_unit_scale(directions.reshape(len(rows) * columns, *model.event_shape))
    tiles = tiles.reshape(len(rows), columns, *model.event_shape)
    low, high = float(x.min()), max(float(x.max()), float(x.min()) + 1e-12)
    shown = 2.0 * (x - low) / (high - low) - 1.0  # (rows, *event_shape), in [-1, 1] as tangents are
    return draw_panels(
        [
            Panel(
                np.concatenate([shown[:, np.newaxis], tiles], axis=1),
                column_labels=["given", *(str(i + 1) for i in range(columns))],
            )
        ],
        title=title_of("tangents", model, dataset),
        subtitle="singular vectors of the encoder's Jacobian, largest first; grey is 0",
        limits=(-1.0, 1.0),
    )


def _to_unit_scale(tiles: Array) -> Array:
    """Tiles (num, ...) in [-1, 1], each divided by its own largest magnitude."""
    axes = tuple(range(1, tiles.ndim))
    return tiles / np.maximum(np.abs(tiles).max(axis=axes, keepdims=True), 1e-12)
