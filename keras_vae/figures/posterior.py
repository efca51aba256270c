"""Figure of what an encoder approximates: q(z|x) and samples of p(z|x), and what each costs."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import check_positive, conditions_of, pick_rows, title_of
from keras_vae.figures.panels import ACCENT, DPI, FONT_SIZE, GREY
from keras_vae.figures.sheets import is_image
from keras_vae.figures.suitability import check_suitable
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import VAE

_ACROSS = 3
_SIDE = 3.1  # inches of a panel
_HEADER = 0.75  # inches above the panels
_GRID = 120  # points along each axis where q is evaluated
_MASSES = (0.99, 0.9, 0.5)  # of q, within its contours


def posterior(
    model: VAE,
    dataset: Dataset,
    *,
    num: int = 6,
    num_chains: int = 4,
    num_samples: int = 500,
    num_burnin: int = 200,
    seed: int = 0,
) -> Figure:
    """Samples of p(z|x) by the No-U-Turn sampler over contours of the encoder's q(z|x).

    It answers the question why there is an encoder: what it loses against Markov chains, and what
    time it saves. The times are measured anew for each figure, by the clock, on the same examples
    and without what TensorFlow takes to trace the two programs.

    Args:
        model: a generative model with `latent_dim` 2.
        dataset: its data.
        num: examples of the test set.
        num_chains: of each example.
        num_samples: of each chain.
        num_burnin: samples of each chain before those.
        seed: which examples, and of all noise; of binarization too.

    Returns:
        One axes for each example, and one within it for its image if it is one.
    """
    # Here: image sheets do without tensorflow.
    from keras_vae.evaluation import posterior_samples

    check_suitable("posterior", model, dataset)
    check_positive(num=num, num_chains=num_chains, num_burnin=num_burnin)
    rows = pick_rows(dataset, num, seed)
    condition = conditions_of(model, dataset, rows)
    observed, given, _ = model.observation(seed, dataset.x_test[rows], condition)
    x = observed.numpy()  # (rows, *event_shape)
    times = []
    for samples, burnin in ((4, 1), (num_samples, num_burnin)):  # the first time, to trace
        model.encode(x, condition)
        begin = perf_counter()
        model.encode(x, condition)
        middle = perf_counter()
        found = posterior_samples(
            model,
            x,
            condition,
            num_chains=num_chains,
            num_samples=samples,
            num_burnin=burnin,
            seed=seed,
        )
        times = [middle - begin, perf_counter() - middle]

    codes = np.moveaxis(found.z, 2, 0).reshape(len(rows), -1, 2)  # (rows, samples * chains, 2)
    q = model.posterior(x, given)
    grid = _grids(codes, np.asarray(q.mean()), np.asarray(q.stddev()))  # (_GRID, _GRID, rows, 2)
    log_density = np.asarray(q.log_prob(grid.reshape(-1, len(rows), 2)))  # (_GRID^2, rows)
    density = np.exp(log_density - log_density.max(axis=0)).reshape(_GRID, _GRID, -1)

    across = min(_ACROSS, len(rows))
    down = math.ceil(len(rows) / across)
    width, height = max(7.0, _SIDE * across), _SIDE * down + _HEADER
    below = 1.0 - _HEADER / height
    figure = Figure(
        figsize=(width, height),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(rect=(0, 0, 1, below), w_pad=0.08, h_pad=0.08),
    )
    labels = dataset.y_test if dataset.num_classes is not None else None
    for index, row in enumerate(rows):
        axes = figure.add_subplot(down, across, index + 1)
        _draw(axes, codes[index], grid[:, :, index], density[:, :, index])
        _show(axes, x[index])
        name = f"row {row}" if labels is None else f"row {row}, label {labels[row]}"
        title = f"{name}: R-hat {found.r_hat[index].max():.3f}"
        axes.set_title(title, loc="left", size=FONT_SIZE)
    encoder, chains = (_milliseconds(time / len(rows)) for time in times)
    title = title_of("posterior", model, dataset)
    subtitle = (
        f"encoder {encoder} per image; NUTS {chains} "
        f"({num_chains} chains of {num_burnin} + {num_samples}); R-hat at most "
        f"{found.r_hat.max():.3f}, acceptance {found.acceptance.mean():.2f}"
    )
    left = 0.15 / width
    figure.text(left, 1 - 0.12 / height, title, va="top", size=10.5, weight="bold")
    figure.text(left, 1 - 0.32 / height, subtitle, va="top", size=FONT_SIZE, color=GREY)
    figure.legend(
        handles=[
            Line2D([], [], color="tab:blue", label="q(z|x): 50, 90 and 99 % lie within"),
            Line2D([], [], color=ACCENT, marker=".", linestyle="", label="samples of p(z|x)"),
        ],
        loc="upper left",
        bbox_to_anchor=(left, 1 - 0.48 / height),
        borderpad=0.0,
        borderaxespad=0.0,
        frameon=False,
        ncols=2,
        fontsize=FONT_SIZE,
    )
    return figure


def _milliseconds(seconds: float) -> str:
    """With two digits that count: 0.083 ms, 1,200 ms."""
    milliseconds = float(f"{1000.0 * seconds:.2g}")
    return f"{milliseconds:,.0f} ms" if milliseconds >= 10 else f"{milliseconds:g} ms"


def _grids(codes: Array, mean: Array, stddev: Array) -> Array:
    """A square grid around codes (rows, num, 2) and q of each row, (_GRID, _GRID, rows, 2)."""
    low, high = np.quantile(codes, [0.002, 0.998], axis=1)  # (rows, 2)
    low, high = np.minimum(low, mean - 3.2 * stddev), np.maximum(high, mean + 3.2 * stddev)
    centre, half = (low + high) / 2, (high - low).max(axis=1, keepdims=True) / 2
    line = np.linspace(-1.05, 1.05, _GRID)
    square = np.stack(np.meshgrid(line, line), axis=-1)[:, :, np.newaxis]  # (_GRID, _GRID, 1, 2)
    return (centre + half * square).astype(np.float32)


def _draw(axes: Axes, codes: Array, grid: Array, density: Array) -> None:
    """Codes (num, 2), and contours of a density (_GRID, _GRID) that hold the masses."""
    descending = np.sort(density, axis=None)[::-1]
    share = np.cumsum(descending) / descending.sum()
    levels = descending[np.searchsorted(share, _MASSES)]
    axes.scatter(
        codes[:, 0], codes[:, 1], s=3, color=ACCENT, alpha=0.35, linewidths=0, rasterized=True
    )
    axes.contour(
        grid[..., 0], grid[..., 1], density, levels=levels, colors="tab:blue", linewidths=1
    )
    axes.set_xlim(grid[0, 0, 0], grid[0, -1, 0])
    axes.set_ylim(grid[0, 0, 1], grid[-1, 0, 1])
    axes.set_aspect("equal")
    axes.set_xlabel("$z_1$", labelpad=1)
    axes.set_ylabel("$z_2$", labelpad=1)
    axes.locator_params(nbins=4)
    axes.tick_params(color=GREY, labelcolor=GREY, labelsize=FONT_SIZE - 1)


def _show(axes: Axes, event: Array) -> None:
    """The example itself, in a corner, if it is an image."""
    if is_image(event.shape):
        image = np.clip(event, 0.0, 1.0)
        corner = axes.inset_axes((0.79, 0.79, 0.2, 0.2))
        corner.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        corner.set_xticks([])
        corner.set_yticks([])
