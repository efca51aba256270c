"""A fitted model by any of its names: a run or exported folder, a `.keras` file, a recipe."""

from __future__ import annotations

import dataclasses
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_vae import model_folders
from keras_vae.datasets import Dataset, load, transformed
from keras_vae.errors import UserError, did_you_mean
from keras_vae.export import read_compact
from keras_vae.model_folders import CARD, CONFIG, LOCAL, MODEL
from keras_vae.models import Classifier, CompletionCVAE, FittedModel, LatentModel
from keras_vae.recipes.recipe import Recipe, from_tables, names
from keras_vae.recipes.runs import Run, latest_finished, runs
from keras_vae.training import latest_snapshot, read_snapshot


@dataclasses.dataclass(frozen=True)
class Opened:
    """A fitted model, and what is known of it.

    Attributes:
        model: Compiled.
        name: What it is called: its recipe's name, or its file's.
        recipe: What it was made by, if that is known.
        run: The fit that it comes from, if that is known.
        report: What was measured of it, as in a run's metrics.json; empty if that is not known.
    """

    model: FittedModel
    name: str
    recipe: Recipe | None = None
    run: Run | None = None
    report: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def latent_model(self) -> LatentModel:
        """The model, of which more is asked than a classifier has.

        Raises:
            UserError: For a classifier.
        """
        if not isinstance(self.model, LatentModel):
            raise UserError(
                f"{self.name!r} is a {type(self.model).__name__}, which has no code and draws "
                "nothing: name an autoencoder, and this one as its --judge."
            )
        return self.model

    @property
    def judge(self) -> Classifier:
        """The model as a judge of others.

        Raises:
            UserError: For a model that is no classifier.
        """
        if not isinstance(self.model, Classifier):
            raise UserError(
                f"{self.name!r} is a {type(self.model).__name__}, and a judge is a Classifier: "
                "make one with `keras-vae fit mnist-judge`."
            )
        return self.model

    def dataset(self, data: str | Path | None = None) -> Dataset:
        """Loads the data that the model was fitted to, or those at `data`.

        Raises:
            UserError: If no data are known, or if the model cannot take them.
        """
        table = self.recipe.data if self.recipe else {}
        path = data or table.get("path")
        if not table and path is None:
            raise UserError("A .keras file does not tell its data: give them with --data.")
        dataset = load(table.get("name", ""), path)
        if data is None and dataset.name != table["name"]:
            raise UserError(
                f"The model was fitted to {table['name']!r}, and only {dataset.name!r} is there "
                "now: give the same data with --data."
            )
        dataset = transformed(dataset, table.get("transform"))
        if dataset.event_shape != self.model.event_shape:
            raise UserError(
                f"{dataset.name!r} holds rows of shape {dataset.event_shape}, but the model takes "
                f"{self.model.event_shape}: give the data that it was fitted to."
            )
        if isinstance(self.model, CompletionCVAE) and dataset.given is None:
            raise UserError(
                f"{self.name!r} completes data of which a part is given, and its file does not "
                "tell which: name its run folder or its exported one."
            )
        if dataset.condition_dim is None and self.model.condition_dim is not None:
            raise UserError(
                f"{dataset.name!r} has no labels, and the model takes one with each row: give it "
                "y_train and y_test."
            )
        if not _conditions_fit(self.model.condition_dim, dataset):
            raise UserError(
                f"{dataset.name!r} has conditions of {dataset.condition_dim} numbers, but the "
                f"model takes {self.model.condition_dim}: give the data that it was fitted to."
            )
        if (
            isinstance(self.model, Classifier)
            and (dataset.num_classes or 0) > self.model.num_classes
        ):
            raise UserError(
                f"{dataset.name!r} has {dataset.num_classes} classes, but the classifier tells "
                f"{self.model.num_classes} apart: give the data that it was fitted to."
            )
        return dataset


def _conditions_fit(condition_dim: int | None, dataset: Dataset) -> bool:
    """Whether a model takes the conditions; labels may lack the highest classes."""
    if condition_dim is None or condition_dim == dataset.condition_dim:
        return True
    return dataset.num_classes is not None and dataset.num_classes < condition_dim


def open_model(name: str, out: str | Path = "runs", models: str | Path | None = None) -> Opened:
    """Opens a fitted model.

    Args:
        name: A run folder, the folder of an exported model or of one of its versions, a `.keras`
            file, or a recipe's name, which means its latest finished run, or else its latest
            exported version.
        out: The folder of the runs.
        models: The folder of exported models; without it ./saved_models, and then the models that
            come with the package.

    Raises:
        UserError: If nothing of that name is there, or if it is no model of this package.
    """
    path = Path(name)
    if path.is_dir():
        if version_folders(path):
            return _open_exported(version_folders(path)[-1])
        if (path / CARD).exists():
            return _open_exported(path)
        run = Run(path)
        if not run.model_file.exists() and latest_snapshot(run.checkpoints) is None:
            raise UserError(
                f"The folder {name!r} holds neither a model nor a checkpoint: expected that of a "
                "fit that has trained for one epoch or more, such as runs/mnist-vae/1, or of an "
                "exported model."
            )
        return _open_run(run)
    if path.suffix == ".keras":
        if not path.exists():
            raise UserError(f"There is no file {name!r}: check the path.")
        run = Run(path.parent)
        recipe = run.recipe() if run.recipe_file.exists() else None
        if path.name != run.model_file.name:  # another model that somebody has put there
            return Opened(read_model(path), path.stem, recipe)
        if recipe is not None:
            return _open_run(run)
        if (path.parent / CARD).exists():
            return _open_exported(path.parent)
        return Opened(read_model(path), path.stem)
    versions = _exported_versions(name, models)
    of_name = runs(out, name)
    if versions and not any(run.finished for run in of_name):
        if of_name:
            warnings.warn(
                f"No fit in {str(of_name[-1].folder.parent)!r} is finished, so this is "
                f"the model in {str(versions[-1])!r}.",
                stacklevel=2,
            )
        return _open_exported(versions[-1])
    if name not in names() and not of_name:
        raise UserError(
            f"There is no model {name!r}{did_you_mean(name, names())} "
            "Expected a run folder, an exported folder, a .keras file, or a name with a run under "
            f"{str(out)!r} or a version under {str(models or LOCAL)!r}; `keras-vae list` shows the "
            "recipes."
        )
    return _open_run(latest_finished(out, name))


def from_preset(name: str, models: str | Path | None = None) -> FittedModel:
    """Reads the latest exported version of a model.

    Args:
        name: Of the model, such as "mnist-cvae".
        models: The folder of exported models; without it ./saved_models, and then the models that
            come with the package.

    Raises:
        UserError: If there is none of that name.
    """
    versions = _exported_versions(name, models)
    if not versions:
        there = [path.name for folder in _folders(models) for path in model_folders.models(folder)]
        raise UserError(
            f"There is no exported model {name!r} under {str(models or LOCAL)!r}"
            f"{did_you_mean(name, there)} A preset is a name there, made by `keras-vae export`; a "
            "file is read by keras.saving.load_model."
        )
    return _read_version(versions[-1])


def _exported_versions(name: str, models: str | Path | None = None) -> list[Path]:
    """The versions of a model, oldest first, in the first folder of models that has any."""
    found = (version_folders(folder / name) for folder in _folders(models))
    return next(filter(None, found), [])


def _folders(models: str | Path | None) -> list[Path]:
    """Where exported models are looked for, if the folders are there."""
    folders = [LOCAL, model_folders.packaged()] if models is None else [Path(models)]
    return [folder for folder in folders if folder.is_dir()]


def version_folders(model: Path) -> list[Path]:
    """The versions of an exported model, `<models>/<name>/<version>/`, oldest first."""
    return [folder for folder in model_folders.versions(model).values() if (folder / CARD).exists()]


def _open_run(run: Run) -> Opened:
    recipe = run.recipe()
    report = run.metrics() if run.finished else {}
    return Opened(_model_of(run, recipe), recipe.name, recipe, run, report)


def _model_of(run: Run, recipe: Recipe) -> FittedModel:
    """What a finished fit has kept; of another, also one that goes on, what it saved last."""
    snapshot = latest_snapshot(run.checkpoints)
    file = run.model_file
    if (
        run.finished
        or snapshot is None
        or (file.exists() and file.stat().st_mtime >= snapshot.stat().st_mtime)
    ):
        return read_model(file)
    table = recipe.data
    dataset = transformed(load(table["name"], table.get("path")), table.get("transform"))
    model = recipe.build(dataset)
    read_snapshot(snapshot).put_into(model)
    return model


def _open_exported(folder: Path) -> Opened:
    file = folder / CARD
    name = folder.resolve().parent.name
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        recipe = from_tables(card.pop("recipe"), name) if "recipe" in card else None
        first = next(iter(card.pop("signatures").values()))  # all take what the model takes
        if "condition" in first["inputs"]:
            card["condition"] = "values"
    except (ValueError, TypeError, AttributeError, KeyError, StopIteration) as error:
        raise UserError(f"{str(file)!r} is damaged: export the model anew.") from error
    return Opened(_read_version(folder), name, recipe, report=card)


def _read_version(folder: Path) -> FittedModel:
    """Reads the model of an exported version, whole or compact."""
    if (folder / CONFIG).exists():
        return _read(folder / CONFIG, lambda file: read_compact(file.parent))
    return read_model(folder / MODEL)


def read_model(path: Path) -> FittedModel:
    """Reads a `.keras` file.

    Raises:
        UserError: If it is damaged, or if it is no model of this package.
    """
    if not zipfile.is_zipfile(path):
        raise UserError(f"{str(path)!r} is damaged, or no .keras file: make it anew.")
    return _read(path, keras.saving.load_model)


def _read(path: Path, read: Callable[[Path], Any]) -> FittedModel:
    try:
        model = read(path)
    except (ValueError, TypeError, KeyError, OSError, tf.errors.OpError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{str(path)!r} cannot be read as a model: {reason}") from error
    if not isinstance(model, FittedModel):
        raise UserError(
            f"{str(path)!r} holds a {type(model).__name__}: expected a model of keras-vae."
        )
    if not model.compiled:  # its terms are measured all the same
        model.compile()
    return model
