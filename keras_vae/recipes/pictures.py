"""Pictures of a fitted model, written to files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vae import figures
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError, did_you_mean
from keras_vae.models import CompletionCVAE, FittedModel, Generative, LatentModel
from keras_vae.recipes.opened import Opened
from keras_vae.recipes.runs import Run

_ON_REQUEST = ("posterior",)
"""Figures that take too long to be drawn after each fit."""


def draw_all(run: Run, model: FittedModel, dataset: Dataset) -> None:
    """Draws every quick figure that suits the model, and the history, into the run's folder."""
    run.figures.mkdir(exist_ok=True)
    for name in figures.suitable(model, dataset):
        if name in _ON_REQUEST:
            continue
        figures.FIGURES[name](model, dataset).savefig(run.figures / f"{name}.png")
    figures.history(run.history()).savefig(run.figures / "history.png")


def plot(
    opened: Opened,
    what: str,
    out: str | Path,
    *,
    other: Opened | None = None,
    data: str | Path | None = None,
    seed: int = 0,
    rows: Sequence[int] = (),
) -> None:
    """Draws one figure into a file.

    Args:
        opened: The model.
        what: A name in `keras_vae.figures.FIGURES`.
        out: The file; its ending is the format.
        other: The second model of `compare`.
        data: The data to show, if not those that the model was fitted to.
        seed: Of all randomness in the figure.
        rows: The test rows whose style `analogies` shows.

    Raises:
        UserError: If there is no such figure, or if it does not suit the model.
    """
    if what not in figures.FIGURES:
        raise UserError(
            f"Unknown figure {what!r}{did_you_mean(what, figures.FIGURES)} "
            f"Expected one of {', '.join(figures.FIGURES)}."
        )
    if rows and what != "analogies":
        raise UserError(f"Rows are chosen for 'analogies' alone: leave them out for {what!r}.")
    if (what == "compare") != (other is not None):
        raise UserError(
            f"'compare' shows two models, and no other figure does. Received {what!r} with "
            f"{'one' if other is None else 'two'}: write `keras-vae plot MODEL compare OTHER`."
        )
    if what == "history":
        if opened.run is None:
            raise UserError(
                "A history stands in the folder of a run, and an exported model has none: name a "
                "run, such as runs/mnist-vae/1."
            )
        figure = figures.history(opened.run.history())
    elif what == "analogies":
        dataset = opened.dataset(data)
        figure = figures.analogies(opened.latent_model, dataset, rows=rows or None, seed=seed)
    elif other is not None:
        figure = figures.compare(
            opened.latent_model,
            other.latent_model,
            opened.dataset(data),
            names=(opened.name, other.name),
            seed=seed,
        )
    else:
        figure = figures.FIGURES[what](opened.latent_model, opened.dataset(data), seed=seed)
    figure.savefig(out)


def sample(
    model: LatentModel,
    out: str | Path,
    num: int,
    *,
    condition: int | Sequence[float] | None = None,
    seed: int = 0,
    temperature: float = 1.0,
) -> None:
    """Draws samples into a sheet of tiles.

    Args:
        model: A generative model.
        out: A `.png` file.
        num: How many.
        condition: What to draw: a label, or as many numbers as the model's condition has. A
            conditional model needs it, and no other takes it.
        seed: The same seed, condition and temperature give the same picture.
        temperature: The prior's scale.

    Raises:
        UserError: If the model has no prior to sample from, or if the condition does not fit it.
    """
    name, width = type(model).__name__, model.condition_dim
    if not isinstance(model, Generative):
        raise UserError(f"{name} has no prior to sample from: choose a VAE or a CVAE.")
    if isinstance(model, CompletionCVAE) and not isinstance(condition, Sequence):
        raise UserError(
            f"{name} completes images of which a part is given, and takes no label: look at "
            "`keras-vae plot MODEL completions --out FILE`."
        )
    if width is None and condition is not None:
        raise UserError(f"{name} takes no label: leave out --label and --condition.")
    if width == 1 and not isinstance(condition, Sequence):
        raise UserError(f"This {name} takes a number for condition: give one, --condition 0.5.")
    if width is not None and condition is None:
        raise UserError(
            f"{name} needs a label: give --label 0 to {width - 1}, or --condition {width} times."
        )
    each = np.tile(condition, (num, 1)) if isinstance(condition, Sequence) else condition
    images = model.sample(num, condition=each, seed=seed, temperature=temperature)
    figures.save_images(out, images)
