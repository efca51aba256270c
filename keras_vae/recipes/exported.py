"""From a fitted model to a folder that is servable, reloadable and documented."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from keras_vae import figures
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.export import halve
from keras_vae.model_folders import LOCAL
from keras_vae.models import FittedModel
from keras_vae.recipes.opened import Opened
from keras_vae.recipes.results import condition_kind, evaluate, versions

SLICE = 500
"""The first test rows, on which a compact version is measured once more, to be checked soon."""

_SHEETS = ("completions", "corruption", "samples", "reconstructions")
"""Pictures of what a model makes."""


def export(
    opened: Opened,
    models: str | Path = LOCAL,
    *,
    compact: bool = False,
    data: str | Path | None = None,
    num_samples: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Exports a fitted model for TensorFlow Serving, under its name and the next free version.

    Args:
        opened: The model, with what is known of it.
        models: The folder of all models.
        compact: Whether to write the weights once, in half precision. They are rounded in the model
            too, which is then measured anew, on all test rows and on the first `SLICE` of them, and
            drawn.
        data: Where the data of a compact model are; see `keras_vae.datasets.load`.
        num_samples: Of a compact model's negative log-likelihood; 0 leaves it out.
        progress: Called with the number of rows just done by it.

    Returns:
        The version's folder, with a `card.json` that holds the model's recipe and its metrics.

    Raises:
        UserError: For a name that is a number, and as in `LatentModel.export`; for a compact model
            whose data cannot be had.
    """
    if opened.name.isdecimal():
        raise UserError(
            f"A model's name is no number, which would be a version. Received {opened.name!r}: "
            "rename its file or recipe."
        )
    card: dict[str, Any] = {"versions": versions(), **opened.report}
    files: dict[str, bytes] = {}
    if compact:
        dataset = opened.dataset(data)
        halve(opened.model)
        likelihood = {"estimator": "is", "num_samples": num_samples} if num_samples else None
        card.pop("likelihood", None)  # is measured anew, or left out
        card |= evaluate(opened.model, dataset, likelihood=likelihood, progress=progress)
        card["slice"] = evaluate(opened.model, dataset, limit=SLICE)
        files = _sheet(opened.model, dataset)
    if opened.recipe is not None:
        tables = dataclasses.asdict(opened.recipe)
        # Where the data stood on the machine that trained is of no use elsewhere.
        tables["data"].pop("path", None)
        card["recipe"] = tables
    if opened.model.condition_dim and opened.recipe and "condition" not in card:
        card |= condition_kind(opened.model, opened.dataset(data))  # the fit is not finished
    labels = opened.model.condition_dim != 1 and card.get("condition") != "values"
    return opened.model.export(
        Path(models) / opened.name, labels=labels, card=card, files=files, compact=compact
    )


def _sheet(model: FittedModel, dataset: Dataset) -> dict[str, bytes]:
    """The first picture of `_SHEETS` that suits the model, as a file; none where none does.

    It has 64 colours, which takes half of the bytes and is not seen.
    """
    for name in _SHEETS:
        if name in figures.suitable(model, dataset):
            drawn, file = io.BytesIO(), io.BytesIO()
            figures.FIGURES[name](model, dataset).savefig(drawn, format="png")
            Image.open(drawn).convert("RGB").quantize(64).save(file, "PNG", optimize=True)
            return {"sheet.png": file.getvalue()}
    return {}
