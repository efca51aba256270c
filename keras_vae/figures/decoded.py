"""Figures of what a decoder makes: reconstructions, samples, manifold, interpolate, analogies."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.figures.examples import (
    check_positive,
    check_rows,
    condition_values,
    conditions_of,
    limits,
    pick_pairs,
    pick_rows,
    title_of,
    values,
)
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.sheets import default_columns
from keras_vae.figures.suitability import check_suitable
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import VAE, LatentModel


def reconstructions(
    model: LatentModel, dataset: Dataset, *, num: int = 30, columns: int = 10, seed: int = 0
) -> Figure:
    """Examples of the test set, with the reconstruction of each below it.

    Args:
        model: any model.
        dataset: its data.
        num: examples; rounded down to whole rows of the figure.
        columns: examples side by side.
        seed: which examples; with integer labels every label in turn.

    Returns:
        One axes for each row of examples.
    """
    check_suitable("reconstructions", model, dataset)
    check_positive(num=num, columns=columns)
    rows = pick_rows(dataset, num, seed)
    columns = min(columns, len(rows))
    rows = rows[: len(rows) // columns * columns]
    original = values(dataset.x_test[rows])
    decoded = model.reconstruct(dataset.x_test[rows], conditions_of(model, dataset, rows))
    panels = [
        Panel(
            np.stack([original[chosen], decoded[chosen]]),  # (2, columns, *event_shape)
            row_labels=("original", "reconstruction"),
            behind=np.stack([original[chosen], original[chosen]]),
        )
        for chosen in np.arange(len(rows)).reshape(-1, columns)
    ]
    return draw_panels(
        panels,
        title=title_of("reconstructions", model, dataset),
        subtitle="test set; mean of the likelihood at the mean of the posterior",
        limits=limits(dataset),
    )


def samples(
    model: VAE,
    dataset: Dataset,
    *,
    num: int = 10,
    columns: int = 10,
    seed: int = 0,
    temperature: float = 1.0,
) -> Figure:
    """Samples of the prior, decoded; a model with a condition has one row for each condition.

    Args:
        model: a generative model.
        dataset: its data, for the name, the scale of grey, and conditions that are no labels.
        num: rows; a model with integer labels has one for every label instead.
        columns: samples in a row.
        seed: of the samples, and of the conditions that are no labels.
        temperature: factor on the prior's scale.

    Returns:
        One axes.
    """
    check_suitable("samples", model, dataset)
    check_positive(num=num, columns=columns)
    condition, names = None, list[str]()
    if model.condition_dim is not None:
        condition, names = condition_values(model, dataset, num, seed)
        num, condition = len(names), condition.repeat(columns, axis=0)
    decoded = model.sample(num * columns, condition, seed=seed, temperature=temperature)
    tiles = decoded.reshape(num, columns, *model.event_shape)
    return draw_panels(
        [Panel(tiles, row_labels=names)],
        title=title_of("samples", model, dataset),
        subtitle=f"mean of the likelihood; seed {seed}, temperature {temperature:g}",
        limits=limits(dataset),
    )


def manifold(model: VAE, dataset: Dataset, *, size: int | None = None, seed: int = 0) -> Figure:
    """What a two-dimensional latent space decodes to, as in Fig. 4 of Kingma and Welling (2013).

    The centres of the cells of a grid on the unit square go through the inverse distribution
    function of the prior, a Normal: z_1 rises from left to right, z_2 from the bottom to the top.

    Args:
        model: a generative model with `latent_dim` 2.
        dataset: its data.
        size: tiles along each side; by default 20, or 10 for a model with a condition.
        seed: which conditions, where they are not labels.

    Returns:
        One axes; one for each label for a model with a condition.
    """
    check_suitable("manifold", model, dataset)
    conditions, names = None, [""]
    if model.condition_dim is not None:
        conditions, texts = condition_values(model, dataset, 4, seed)
        kind = "condition" if dataset.num_classes is None else "label"
        names = [f"{kind} {text}" for text in texts]
    if size is None:
        size = 20 if conditions is None else 10
    check_positive(size=size)
    line = normal_quantiles(size)
    grid = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)  # (size * size, 2)
    panels = []
    for index, name in enumerate(names):
        condition = None if conditions is None else conditions[index : index + 1]
        prior = model.prior(condition)
        z = np.asarray(prior.mean()) + np.asarray(prior.stddev()) * grid  # (size * size, 2)
        if condition is not None:
            condition = condition.repeat(len(z), axis=0)  # (size * size, condition_dim)
        tiles = model.decode(z, condition)
        panels.append(Panel(tiles.reshape(size, size, *model.event_shape), title=name))
    return draw_panels(
        panels,
        title=title_of("manifold", model, dataset),
        subtitle=(
            "z\N{SUBSCRIPT ONE} \N{RIGHTWARDS ARROW}, z\N{SUBSCRIPT TWO} \N{UPWARDS ARROW}: "
            f"quantiles of the prior, \N{PLUS-MINUS SIGN}{line[-1]:.2f} standard deviations"
        ),
        limits=limits(dataset),
        across=default_columns(len(panels)),
        gap=0,
    )


def normal_quantiles(size: int) -> Array:
    """Quantiles of N(0, 1) at the centres of `size` equal cells of (0, 1): float32 (size,)."""
    quantile = NormalDist().inv_cdf
    return np.array([quantile((i + 0.5) / size) for i in range(size)], np.float32)


def interpolate(
    model: VAE,
    dataset: Dataset,
    *,
    pairs: Sequence[tuple[int, int]] | None = None,
    num: int = 10,
    steps: int = 11,
    path: Literal["spherical", "linear"] = "spherical",
    seed: int = 0,
) -> Figure:
    """Decoded paths between the codes of two examples, one pair in each row.

    The examples themselves stand at the two ends of a row. A condition goes linearly from that of
    the first to that of the second (labels as one-hot vectors).

    Args:
        model: a generative model.
        dataset: its data.
        pairs: rows of the test set; by default `num` pairs at random, for a model with integer
            labels as condition pairs of one label.
        num: number of pairs, where they are not given.
        steps: decoded codes, with those of both examples.
        path: "spherical" (keeps to the norms of the codes) or "linear".
        seed: which pairs, where they are not given.

    Returns:
        One axes.
    """
    check_suitable("interpolate", model, dataset)
    check_positive(num=num)
    if path not in ("spherical", "linear") or steps < 2:
        raise UserError(
            f"Received path='{path}' and steps={steps}; expected 'spherical' or 'linear', and at "
            "least 2 steps."
        )
    same_label = model.condition_dim is not None
    chosen = check_rows(
        pick_pairs(dataset, num, seed, same_label) if pairs is None else pairs, dataset
    )
    if chosen.ndim != 2 or chosen.shape[1] != 2:
        raise UserError(f"Received pairs of shape {chosen.shape}, expected (number of pairs, 2).")
    rows = chosen.T.ravel()  # (2 * pairs,): the first of all pairs, then the last of all
    weights = np.linspace(0.0, 1.0, steps, dtype=np.float32)
    condition = conditions_of(model, dataset, rows)
    codes = model.encode(dataset.x_test[rows], condition)
    between = spherical if path == "spherical" else linear
    start, end = np.split(codes, 2)  # (pairs, latent_dim)
    z = between(start, end, weights)  # (pairs, steps, latent_dim)
    if condition is not None:
        start, end = np.split(condition, 2)  # (pairs, condition_dim)
        condition = linear(start, end, weights)  # (pairs, steps, condition_dim)
        condition = condition.reshape(len(chosen) * steps, -1)
    decoded = model.decode(z.reshape(-1, model.latent_dim), condition)
    decoded = decoded.reshape(len(chosen), steps, *model.event_shape)
    first, last = np.split(values(dataset.x_test[rows])[:, None], 2)  # (pairs, 1, *event_shape)
    tiles = np.concatenate([first, decoded, last], axis=1)  # (pairs, steps + 2, *event_shape)
    return draw_panels(
        [Panel(tiles, column_labels=["from", *(f"{weight:.2g}" for weight in weights), "to"])],
        title=title_of("interpolation", model, dataset),
        subtitle=f"{path} path between the codes of two examples of the test set",
        limits=limits(dataset),
    )


def linear(start: Array, end: Array, weights: Array) -> Array:
    """Straight paths: (num, dim) twice and (steps,) -> (num, steps, dim)."""
    weights = weights[:, None]  # (steps, 1)
    return (1.0 - weights) * start[:, None] + weights * end[:, None]


def spherical(start: Array, end: Array, weights: Array) -> Array:
    """Paths at constant angular speed: (num, dim) twice and (steps,) -> (num, steps, dim).

    Shoemake (1985), "Animating rotation with quaternion curves". Straight where
    the two vectors are parallel or opposite, or one is zero.
    """
    norms = np.linalg.norm(start, axis=-1) * np.linalg.norm(end, axis=-1)
    cosine = np.sum(start * end, axis=-1) / np.maximum(norms, 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))[:, None, None]  # (num, 1, 1)
    straight = (np.sin(angle) < 1e-3) | (norms < 1e-12)[:, None, None]
    sine = np.where(straight, 1.0, np.sin(angle))
    weights = weights[:, None]  # (steps, 1)
    curved = (
        np.sin((1.0 - weights) * angle) * start[:, None] + np.sin(weights * angle) * end[:, None]
    ) / sine
    return np.where(straight, linear(start, end, weights[:, 0]), curved).astype(start.dtype)


def analogies(
    model: LatentModel,
    dataset: Dataset,
    *,
    rows: Sequence[int] | None = None,
    num: int = 10,
    seed: int = 0,
) -> Figure:
    """The style of given examples in every label: encode(x, its label), then decode(z, each label).

    Args:
        model: a model with integer labels as condition.
        dataset: its data.
        rows: rows of the test set; by default `num` at random, every label in turn.
        num: number of examples, where they are not given.
        seed: which examples, where they are not given.

    Returns:
        One axes: an example and its analogies in each row, its own label framed.
    """
    check_suitable("analogies", model, dataset)
    check_positive(num=num)
    chosen = pick_rows(dataset, num, seed) if rows is None else check_rows(rows, dataset)
    own = conditions_of(model, dataset, chosen)
    labels, names = condition_values(model, dataset, num, seed)
    z = model.encode(dataset.x_test[chosen], own)  # (rows, latent_dim)
    decoded = model.decode(z.repeat(len(labels), axis=0), np.tile(labels, (len(z), 1)))
    decoded = decoded.reshape(len(z), len(labels), *model.event_shape)
    given = values(dataset.x_test[chosen])[:, None]  # (rows, 1, *event_shape)
    tiles = np.concatenate([given, decoded], axis=1)  # (rows, 1 + labels, *event_shape)
    own_labels = [] if own is None else np.argmax(own, axis=1).tolist()
    framed = [(row, 1 + label) for row, label in enumerate(own_labels)]
    return draw_panels(
        [Panel(tiles, column_labels=["given", *names], framed=framed)],
        title=title_of("analogies", model, dataset),
        subtitle="the style of an example of the test set in every label; framed: its own",
        limits=limits(dataset),
    )
