"""From a fitted model to a folder that is servable, reloadable and documented."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from keras_vae.errors import UserError
from keras_vae.recipes.opened import MODELS, Opened
from keras_vae.recipes.results import versions


def export(opened: Opened, models: str | Path = MODELS) -> Path:
    """Exports a fitted model for TensorFlow Serving, under its name and the next free version.

    Args:
        opened: The model, with what is known of it.
        models: The folder of all models.

    Returns:
        The version's folder, with a `card.json` that holds the model's recipe and its metrics.

    Raises:
        UserError: For a name that is a number, and as in `LatentModel.export`.
    """
    if opened.name.isdecimal():
        raise UserError(
            f"A model's name is no number, which would be a version. Received {opened.name!r}: "
            "rename its file or recipe."
        )
    card: dict[str, Any] = {"versions": versions(), **opened.report}
    if opened.recipe is not None:
        tables = dataclasses.asdict(opened.recipe)
        # Where the data stood on the machine that trained is of no use elsewhere.
        tables["data"].pop("path", None)
        card["recipe"] = tables
    labels = opened.model.condition_dim != 1 and card.get("condition") != "values"
    return opened.model.export(Path(models) / opened.name, labels=labels, card=card)
