"""A fitted model by any of its names: a run folder, a `.keras` file, a recipe."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import keras

from keras_vae.datasets import Dataset, load
from keras_vae.errors import UserError
from keras_vae.models import LatentModel
from keras_vae.recipes.recipe import names
from keras_vae.recipes.runs import Run, latest_finished, runs


@dataclasses.dataclass(frozen=True)
class Opened:
    """A fitted model, and the run that it comes from, if one is known."""

    model: LatentModel
    run: Run | None

    def dataset(self, data: str | Path | None = None) -> Dataset:
        """Loads the data that the model was fitted to, or those at `data`.

        Raises:
            UserError: If no data are known, or if the model cannot take them.
        """
        table = self.run.recipe().data if self.run else {}
        path = data or table.get("path")
        if not table and path is None:
            raise UserError("A .keras file does not tell its data: give them with --data.")
        dataset = load(table.get("name", ""), path)
        if data is None and dataset.name != table["name"]:
            raise UserError(
                f"The model was fitted to {table['name']!r}, and only {dataset.name!r} is there "
                "now: give the same data with --data."
            )
        if dataset.event_shape != self.model.event_shape:
            raise UserError(
                f"{dataset.name!r} holds rows of shape {dataset.event_shape}, but the model takes "
                f"{self.model.event_shape}: give the data that it was fitted to."
            )
        if not _conditions_fit(self.model.condition_dim, dataset):
            raise UserError(
                f"{dataset.name!r} has conditions of {dataset.condition_dim} numbers, but the "
                f"model takes {self.model.condition_dim}: give the data that it was fitted to."
            )
        return dataset


def _conditions_fit(condition_dim: int | None, dataset: Dataset) -> bool:
    """Whether a model takes the conditions; labels may lack the highest classes."""
    if condition_dim is None or condition_dim == dataset.condition_dim:
        return True
    return dataset.num_classes is not None and dataset.num_classes < condition_dim


def open_model(name: str, out: str | Path = "runs") -> Opened:
    """Opens a fitted model.

    Args:
        name: A run folder, a `.keras` file, or a recipe's name for its latest finished run.
        out: The folder of the runs.

    Raises:
        UserError: If nothing of that name is there, or if it is no model of this package.
    """
    path = Path(name)
    if path.is_dir():
        run = Run(path)
        if not run.model_file.exists():
            raise UserError(
                f"The folder {name!r} holds no model.keras: expected that of a fit that has "
                f"trained for one epoch or more, such as runs/mnist-vae/1."
            )
        return Opened(read_model(run.model_file), run)
    if path.suffix == ".keras":
        if not path.exists():
            raise UserError(f"There is no file {name!r}: check the path.")
        run = Run(path.parent)
        return Opened(read_model(path), run if run.recipe_file.exists() else None)
    if name not in names() and not runs(out, name):
        raise UserError(
            f"There is no model {name!r}: expected a run folder, a .keras file, or the name of a "
            f"recipe with a run under {str(out)!r}; `keras-vae list` shows the recipes."
        )
    run = latest_finished(out, name)
    return Opened(read_model(run.model_file), run)


def read_model(path: Path) -> LatentModel:
    """Reads a `.keras` file.

    Raises:
        UserError: If it is damaged, or if it is no model of this package.
    """
    if not zipfile.is_zipfile(path):
        raise UserError(f"{str(path)!r} is damaged, or no .keras file: make it anew.")
    try:
        model = keras.saving.load_model(path)
    except (ValueError, TypeError, KeyError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{str(path)!r} cannot be read as a model: {reason}") from error
    if not isinstance(model, LatentModel):
        raise UserError(
            f"{str(path)!r} holds a {type(model).__name__}: expected a model of keras-vae."
        )
    if not model.compiled:  # its terms are measured all the same
        model.compile()
    return model
