"""Which run a fit makes or goes on with, and its data."""

from __future__ import annotations

import atexit
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from keras_vae import datasets, training
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.recipes._finishing import epochs_done, finish
from keras_vae.recipes.check import check
from keras_vae.recipes.recipe import Recipe, load
from keras_vae.recipes.runs import Run, latest_unfinished, runs


def fit(
    recipe: Recipe | str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    strategy: tf.distribute.Strategy | None = None,
    checkpoint_every: str = "1 epoch",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
) -> Run:
    """Trains a recipe's model in a new run folder, draws its figures and measures it.

    Several workers go on with their latest unfinished run of the same recipe and data, since a
    cluster begins again with the same command when one of them has died.

    Args:
        recipe: A recipe, its name, or the path of a `.toml` file.
        data: A folder of datasets, or the user's own data; see `keras_vae.datasets.load`.
        out: The folder of all runs. Of several workers, all but the first write elsewhere, and
            remove it when they end.
        strategy: The replicas that share each batch, as from `training.get_strategy`; None for one
            device.
        checkpoint_every: As in `training.Checkpoint`.
        callbacks: Keras callbacks besides those that every fit has.
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: For a recipe or data that cannot be used; nothing is written then. For a loss
            that is not finite; the run then keeps the model of the last checkpoint. For another
            worker that has ended.
        Interrupted: On Ctrl-C; the run then keeps the model of the last checkpoint.
    """
    training.parse_every(checkpoint_every)
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    check(recipe)
    recipe, dataset = with_data(recipe, data)
    with training.scope(strategy):
        model = recipe.build(dataset)
    out = _out(out, strategy)
    begun = _latest(out, recipe, finished=False) if training.is_multiworker(strategy) else None
    run = begun or Run.create(out, recipe)
    return finish(run, model, dataset, checkpoint_every, callbacks, verbose)


def _out(out: str | Path, strategy: tf.distribute.Strategy | None) -> Path:
    """Where this process writes: what workers make is the same in all, and kept once."""
    if training.is_chief(strategy):
        return Path(out)
    folder = tempfile.mkdtemp(prefix="keras-vae-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def fit_once(
    recipe: Recipe,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
) -> Run:
    """Returns a finished run of exactly this recipe and these data; makes one if there is none.

    A run of it that was stopped goes on, as if it had not: call this again after that, but not
    twice at a time.

    Args:
        recipe: A recipe.
        data: As in `fit`.
        out: The folder of all runs.
        callbacks: As in `fit`.
        verbose: As in `keras.Model.fit`.
    """
    resolved, dataset = with_data(recipe, data)
    finished = _latest(out, resolved, finished=True)
    if finished is not None:
        return finished
    begun = _latest(out, resolved, finished=False)
    if begun is None:
        return fit(recipe, data=data, out=out, callbacks=callbacks, verbose=verbose)
    return finish(begun, resolved.build(dataset), dataset, "1 epoch", callbacks, verbose)


def _latest(out: str | Path, recipe: Recipe, finished: bool) -> Run | None:
    """The latest run of exactly this recipe that is finished, or that is not."""
    for run in reversed(runs(out, recipe.name)):
        if run.finished == finished and run.recipe_file.exists() and run.recipe() == recipe:
            return run
    return None


def resume(
    recipe: str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    epochs: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
    checkpoint_every: str = "1 epoch",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
) -> Run:
    """Goes on with the recipe's latest unfinished run, exactly as if it had not stopped.

    Args:
        recipe: The recipe's name, or the path of its `.toml` file. What counts is the copy in the
            run's folder.
        data: Where the data are, if they have moved.
        out: The folder of all runs; of several workers, all read it and the first writes there.
        epochs: A new number of epochs in all.
        strategy: As in `fit`; it may be another than before.
        checkpoint_every: As in `training.Checkpoint`.
        callbacks: Keras callbacks besides those that every fit has.
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: If there is no unfinished run, or if its data cannot be had any more.
    """
    training.parse_every(checkpoint_every)
    name = recipe if runs(out, recipe) else load(recipe).name
    run = latest_unfinished(out, name)
    before = run.recipe()
    resolved, dataset = with_data(before, data)
    if dataset.name != before.data["name"]:
        raise UserError(
            f"{run.folder} was fitted to {before.data['name']!r}, and only {dataset.name!r} is "
            f"there now: give the same data with --data."
        )
    if resolved.data["checksum"] != before.data.get("checksum"):
        raise UserError(
            f"{run.folder} was fitted to other data of the name {dataset.name!r}, by their "
            "checksum: give the same with --data, or start a new fit, without --resume."
        )
    if epochs is not None:
        done = epochs_done(run)
        if epochs < done:
            raise UserError(
                f"{run.folder} has been trained for {done} epochs, more than {epochs}: "
                "leave out --epochs, or give more of them."
            )
        resolved = resolved.with_epochs(epochs)
    if not training.is_chief(strategy):
        own = _out(out, strategy) / run.folder.parent.name / run.folder.name
        run = Run(shutil.copytree(run.folder, own))
    run.write_recipe(resolved)
    if epochs is not None:
        run.write_command(f"{run.command()} --epochs {epochs}")  # the last one counts
    with training.scope(strategy):
        model = resolved.build(dataset)
    return finish(run, model, dataset, checkpoint_every, callbacks, verbose)


def with_data(recipe: Recipe, data: str | Path | None) -> tuple[Recipe, Dataset]:
    """The dataset, and the recipe that names what was loaded and where it stands."""
    path = data or recipe.data.get("path")
    dataset = datasets.load(recipe.data["name"], path)
    if path is None and dataset.name not in datasets.NAMES:
        path = os.environ["KERAS_VAE_DATA"]  # the user's own data
    table = {**recipe.data, "name": dataset.name, "checksum": dataset.checksum()}
    if path is not None:
        table["path"] = str(Path(path).expanduser().resolve())
    resolved = dataclasses.replace(recipe, data=table).for_rows(len(dataset.x_train))
    return resolved, datasets.transformed(dataset, table.get("transform"))
