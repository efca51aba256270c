"""Figures of what an encoder makes: the codes of examples, in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import check_positive, conditions_of
from keras_vae.figures.panels import DPI, FONT_SIZE, GREY
from keras_vae.figures.suitability import check_suitable
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def latent(model: LatentModel, dataset: Dataset, *, num: int = 5000, seed: int = 0) -> Figure:
    """Scatter of the codes of test examples, in the colours of their labels.

    Codes of more than two dimensions are projected onto their first two principal components,
    feature maps after pooling (`keras_vae.evaluation.code_vectors`).

    Args:
        model: any model with at least two latent dimensions.
        dataset: its data. Integer labels give a legend, a single real number a colour bar.
        num: examples, at most.
        seed: which examples.

    Returns:
        One axes with one scatter, and the axes of a colour bar where there is one.
    """
    return _scatters(
        [("", model)], dataset, f"Latent codes \N{MIDDLE DOT} {type(model).__name__}", num, seed
    )


def compare(
    model: LatentModel,
    other: LatentModel,
    dataset: Dataset,
    *,
    names: tuple[str, str] | None = None,
    num: int = 5000,
    seed: int = 0,
) -> Figure:
    """The codes of two models side by side, of the same test examples, as `latent` draws them.

    Args:
        model: any model with at least two latent dimensions.
        other: another one of the same data.
        dataset: their data.
        names: what the two are called; None for their classes.
        num: examples, at most.
        seed: which examples.

    Returns:
        One axes for each model.
    """
    first, second = names or (type(model).__name__, type(other).__name__)
    title = f"Latent codes \N{MIDDLE DOT} {first} and {second}"
    return _scatters([(f"{first}: ", model), (f"{second}: ", other)], dataset, title, num, seed)


def _scatters(
    models: Sequence[tuple[str, LatentModel]], dataset: Dataset, title: str, num: int, seed: int
) -> Figure:
    """One scatter for each model, side by side, headed by what stands before it."""
    check_positive(num=num)
    for _, model in models:
        check_suitable("latent", model, dataset)
    rows = np.random.default_rng(seed).permutation(len(dataset.x_test))[:num]
    y = None if dataset.y_test is None else dataset.y_test[rows]
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12)  # inches
    size = (5.8 * len(models) + 1.0, 6.0)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout=layout)
    for column, (heading, model) in enumerate(models, start=1):
        axes = figure.add_subplot(1, len(models), column)
        codes, names = _plane(model, dataset, rows)
        _scatter(axes, codes, y)
        if y is not None and y.ndim == 1 and model.condition_dim is None:
            _name_clusters(axes, codes, y)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(color=GREY, labelcolor=GREY)
        axes.set_title(
            f"{heading}{len(rows):,} examples of the test set",
            loc="left",
            size=FONT_SIZE,
            color=GREY,
        )
    _explain_colours(figure, y)
    figure.suptitle(f"{title} on {dataset.name}", x=0.02, ha="left", size=10.5, weight="bold")
    return figure


def _plane(model: LatentModel, dataset: Dataset, rows: Array) -> tuple[Array, list[str]]:
    """Codes of rows of the test set in two dimensions (rows, 2), and what those are called."""
    from keras_vae.evaluation import code_vectors  # here: image sheets do without tensorflow

    codes = code_vectors(model, dataset.x_test[rows], conditions_of(model, dataset, rows))
    if codes.shape[1] == 2:
        return codes, ["$z_1$", "$z_2$"]
    codes, explained = principal_components(codes, 2)
    return codes, [
        f"principal component {i + 1} ({100 * share:.1f} % of the variance)"
        for i, share in enumerate(explained)
    ]


def principal_components(codes: Array, num: int) -> tuple[Array, Array]:
    """Projects onto the directions of largest variance, by singular value decomposition.

    Args:
        codes: (rows, latent_dim).
        num: components, at most min(rows, latent_dim).

    Returns:
        Projections (rows, num), and each component's share of the total variance (num,). The
        largest entry of every direction is positive, so that the figure does not flip by chance.
    """
    centred = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    variance = singular**2
    return centred @ directions[:num].T, variance[:num] / max(variance.sum(), 1e-12)


def _scatter(axes: Axes, codes: Array, y: Array | None) -> None:
    """Points, in colours where `y` is labels (rows,) or numbers (rows, 1)."""
    size = float(np.clip(30000 / len(codes), 5.0, 30.0))
    style: dict[str, Any] = {"s": size, "alpha": 0.7, "linewidths": 0, "rasterized": True}
    horizontal, vertical = codes.T
    if y is not None and y.ndim == 1:
        num_classes = int(y.max()) + 1
        colours = _class_colours(num_classes)
        axes.scatter(
            horizontal, vertical, c=y, cmap=colours, vmin=-0.5, vmax=num_classes - 0.5, **style
        )
    elif y is not None and y.shape[1] == 1:
        axes.scatter(horizontal, vertical, c=y.ravel(), cmap="viridis", **style)
    else:
        axes.scatter(horizontal, vertical, color="tab:blue", **style)


def _explain_colours(figure: Figure, y: Array | None) -> None:
    """A legend of labels, or a colour bar of numbers, right of all axes."""
    if y is not None and y.ndim == 1:
        colours = _class_colours(int(y.max()) + 1)
        handles = [
            Line2D([], [], marker="o", linestyle="", color=colours(int(label)), label=str(label))
            for label in np.unique(y)
        ]
        figure.legend(
            handles=handles,
            loc="outside right upper",
            frameon=False,
            title="label",
            ncols=1 + len(handles) // 21,
            handletextpad=0.1,
        )
    elif y is not None and y.shape[1] == 1:
        points = figure.axes[-1].collections[0]
        figure.colorbar(points, ax=figure.axes, label="condition", shrink=0.8)


def _name_clusters(axes: Axes, codes: Array, labels: Array) -> None:
    """Each label, written at the median of its points."""
    colours = _class_colours(int(labels.max()) + 1)
    for label in np.unique(labels):
        x, y = np.median(codes[labels == label], axis=0)
        axes.text(
            float(x),
            float(y),
            str(label),
            ha="center",
            va="center",
            weight="bold",
            size=13,
            color=colours(int(label)),
            path_effects=[withStroke(linewidth=3.5, foreground="white")],
        )


def _class_colours(num_classes: int) -> ListedColormap:
    """One colour for each class: tab10, tab20, or steps of a rainbow where those do not suffice."""
    for name, size in (("tab10", 10), ("tab20", 20)):
        if num_classes <= size:
            return ListedColormap(colormaps[name](np.arange(num_classes)))
    return ListedColormap(colormaps["turbo"](np.linspace(0.0, 1.0, num_classes)))
