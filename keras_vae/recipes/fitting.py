"""From a recipe to a finished run: load, build, train, draw, measure."""

from __future__ import annotations

import atexit
import dataclasses
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_vae import datasets, training
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.models import Generative, LatentModel, StackedAutoencoder
from keras_vae.recipes._history import EpochSeconds, HistoryFile
from keras_vae.recipes.build import check, optimizer
from keras_vae.recipes.opened import read_model
from keras_vae.recipes.pictures import draw_all
from keras_vae.recipes.recipe import Recipe, load
from keras_vae.recipes.results import conditions, evaluate, versions
from keras_vae.recipes.runs import Run, latest_unfinished, runs


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a fit; the message tells what is kept and how to go on."""


def fit(
    recipe: Recipe | str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    strategy: tf.distribute.Strategy | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = "auto",
) -> Run:
    """Trains a recipe's model in a new run folder, draws its figures and measures it.

    Args:
        recipe: A recipe, its name, or the path of a `.toml` file.
        data: A folder of datasets, or the user's own data; see `keras_vae.datasets.load`.
        out: The folder of all runs. Of several workers, all but the first write elsewhere, and
            remove it when they end.
        strategy: The replicas that share each batch, as from `training.get_strategy`; None for one
            device.
        callbacks: Keras callbacks besides those that every fit has.
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: For a recipe or data that cannot be used; nothing is written then. For a loss
            that is not finite; the run then keeps the model of the last whole epoch.
        Interrupted: On Ctrl-C; the run then keeps the model of the last whole epoch.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    check(recipe)
    recipe, dataset = _with_data(recipe, data)
    with training.scope(strategy):
        model = recipe.build(dataset)
    run = Run.create(_out(out, strategy), recipe)
    return _finish(run, model, dataset, callbacks, verbose)


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
    verbose: int | str = "auto",
) -> Run:
    """Returns a finished run of exactly this recipe and these data; makes one if there is none.

    Args:
        recipe: A recipe.
        data: As in `fit`.
        out: The folder of all runs.
        verbose: As in `keras.Model.fit`.
    """
    resolved, _ = _with_data(recipe, data)
    for run in reversed(runs(out, recipe.name)):
        if run.finished and run.recipe() == resolved:
            return run
    return fit(recipe, data=data, out=out, verbose=verbose)


def resume(
    recipe: str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    epochs: int | None = None,
    strategy: tf.distribute.Strategy | None = None,
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
        callbacks: Keras callbacks besides those that every fit has.
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: If there is no unfinished run, or if its data cannot be had any more.
    """
    name = recipe if runs(out, recipe) else load(recipe).name
    run = latest_unfinished(out, name)
    before = run.recipe()
    resolved, dataset = _with_data(before, data)
    if dataset.name != before.data["name"]:
        raise UserError(
            f"{run.folder} was fitted to {before.data['name']!r}, and only {dataset.name!r} is "
            f"there now: give the same data with --data."
        )
    checkpoint = training.latest_checkpoint(run.checkpoints)
    if epochs is not None:
        if checkpoint and epochs < checkpoint[1]:
            raise UserError(
                f"{run.folder} has been trained for {checkpoint[1]} epochs, more than {epochs}: "
                "leave out --epochs, or give more of them."
            )
        resolved = resolved.with_epochs(epochs)
    if not training.is_chief(strategy):
        own = _out(out, strategy) / run.folder.parent.name / run.folder.name
        run = Run(shutil.copytree(run.folder, own))
    run.write_recipe(resolved)
    with training.scope(strategy):
        model = read_model(checkpoint[0]) if checkpoint else resolved.build(dataset)
    return _finish(run, model, dataset, callbacks, verbose)


def _with_data(recipe: Recipe, data: str | Path | None) -> tuple[Recipe, Dataset]:
    """The dataset, and the recipe that names what was loaded and where it stands."""
    path = data or recipe.data.get("path")
    dataset = datasets.load(recipe.data["name"], path)
    if path is None and dataset.name not in datasets.NAMES:
        path = os.environ["KERAS_VAE_DATA"]  # the user's own data
    table = {"name": dataset.name}
    if path is not None:
        table["path"] = str(Path(path).expanduser().resolve())
    return dataclasses.replace(recipe, data=table).for_rows(len(dataset.x_train)), dataset


def _finish(
    run: Run,
    model: LatentModel,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int | str,
) -> Run:
    """Trains from where the model stands to the recipe's last epoch, then draws and measures."""
    recipe = run.recipe()
    try:
        try:
            if isinstance(model, StackedAutoencoder) and _epochs_done(run) == 0:
                _pretrain(run, recipe, model, dataset, verbose)
            _train(run, recipe, model, dataset, callbacks, verbose)
        except UserError as error:
            raise UserError(f"{error} {_kept(run)}.") from error
        finally:
            _keep_model(run)
        draw_all(run, model, dataset)
        run.write_metrics(_report(run, recipe, model, dataset))
    except KeyboardInterrupt:
        raise Interrupted(
            f"Interrupted: {_kept(run)}. Go on with: {_resume_command(run)}"
        ) from None
    return run


def _pretrain(
    run: Run, recipe: Recipe, model: StackedAutoencoder, dataset: Dataset, verbose: int | str
) -> None:
    """Trains a stack layer by layer, if the recipe says so; a fit stopped here begins anew."""
    if not recipe.pretraining:
        return
    shared = {key: recipe.training[key] for key in ("batch_size", "optimizer")}
    settings = {**shared, **recipe.pretraining}
    clock = EpochSeconds()
    histories = model.pretrain(
        dataset.x_train,
        optimizer=optimizer(settings, dataset),
        validation_data=dataset.x_test if recipe.training["validation"] else None,
        validation_batch_size=500,
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        verbose=verbose,
        callbacks=[training.StopOnNaN(), clock],
    )
    run.write_pretraining([history.history for history in histories], clock.seconds)


def _train(
    run: Run,
    recipe: Recipe,
    model: LatentModel,
    dataset: Dataset,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int | str,
) -> None:
    """Runs the epochs that are left, if any."""
    settings = recipe.training
    done = _epochs_done(run)
    y_train, y_test = conditions(model, dataset.y_train), conditions(model, dataset.y_test)
    train = (dataset.x_train,) if y_train is None else (dataset.x_train, y_train)
    batches = training.ShuffledBatches(
        *train, batch_size=settings["batch_size"], seed=settings["seed"]
    )
    generative = isinstance(model, Generative)
    monitor = training.LatentMonitor(dataset.x_test, y_test) if generative else None
    model.fit(
        batches,
        validation_data=(dataset.x_test, y_test) if settings["validation"] else None,
        validation_batch_size=500,
        initial_epoch=done,
        epochs=settings["epochs"],
        verbose=verbose,
        callbacks=[
            training.StopOnNaN(),
            *([monitor] if monitor else []),
            HistoryFile(run, dataset.name, done, monitor),
            training.EpochCheckpoint(run.checkpoints),
            *callbacks,
        ],
    )


def _epochs_done(run: Run) -> int:
    checkpoint = training.latest_checkpoint(run.checkpoints)
    return checkpoint[1] if checkpoint else 0


def _keep_model(run: Run) -> None:
    """Makes the last whole epoch's checkpoint the run's model, however the training ended."""
    checkpoint = training.latest_checkpoint(run.checkpoints)
    if checkpoint:
        part = run.model_file.with_suffix(".part")
        shutil.copyfile(checkpoint[0], part)
        part.replace(run.model_file)


def _report(run: Run, recipe: Recipe, model: LatentModel, dataset: Dataset) -> dict[str, Any]:
    """What `metrics.json` holds."""
    labels = dataset.num_classes is not None
    return {
        "recipe": recipe.name,
        "model": recipe.model["name"],
        **evaluate(model, dataset),
        **({"condition": "label" if labels else "values"} if model.condition_dim else {}),
        "train_rows": len(dataset.x_train),
        "epochs": _epochs_done(run),
        "seed": recipe.training["seed"],
        "seconds": round(run.seconds(), 1),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": versions(),
    }


def _kept(run: Run) -> str:
    done, epochs = _epochs_done(run), run.recipe().training["epochs"]
    kept = f"{run.model_file} holds epoch {done}" if done else f"{run.folder} holds no whole epoch"
    return f"{kept} of {epochs}"


def _resume_command(run: Run) -> str:
    out = run.folder.parents[1]
    where = [] if out == Path("runs") else ["--out", str(out)]
    return shlex.join(["keras-vae", "fit", run.folder.parent.name, "--resume", *where])
