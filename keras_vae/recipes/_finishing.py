"""From a run's latest checkpoint to its last figure: train, draw, measure."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_vae import training
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.models import FittedModel, Generative, StackedAutoencoder
from keras_vae.recipes._history import HistoryLines
from keras_vae.recipes.optimizers import optimizer
from keras_vae.recipes.pictures import draw_all
from keras_vae.recipes.recipe import Recipe
from keras_vae.recipes.results import condition_kind, conditions, evaluate, versions
from keras_vae.recipes.runs import Run
from keras_vae.rows import Array

_WATCHED = 1000
"""Test rows whose use of the latent space is measured after every epoch."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a fit; the message tells what is kept and how to go on."""


def finish(
    run: Run,
    model: FittedModel,
    dataset: Dataset,
    checkpoint_every: str,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: int | str,
) -> Run:
    """Trains from the run's latest checkpoint to its last epoch, then draws and measures."""
    with run.alone():
        recipe = run.recipe()
        best = _best(recipe)
        checkpoint = training.Checkpoint(run.checkpoints, checkpoint_every, [best] if best else [])
        try:
            with _telling_what_is_kept(run, model, checkpoint):
                if isinstance(model, StackedAutoencoder) and recipe.pretraining:
                    _pretrain(run, recipe, model, dataset, checkpoint_every, verbose)
                _train(run, recipe, model, dataset, callbacks, checkpoint, verbose)
            _save(model, run.model_file)
            draw_all(run, model, dataset)
            run.write_metrics(_report(run, recipe, model, dataset, best))
        except KeyboardInterrupt:
            raise Interrupted(
                f"Interrupted: {_kept(run, model, checkpoint)}. Go on with: {_resume_command(run)}"
            ) from None
    return run


@contextlib.contextmanager
def _telling_what_is_kept(
    run: Run, model: FittedModel, checkpoint: training.Checkpoint
) -> Iterator[None]:
    """Within it, what ends a training is a `UserError` that says how far the run has come."""
    try:
        yield
    except (UserError, OSError) as error:
        wrong = f"{error.filename}: {error.strerror}." if isinstance(error, OSError) else error
        raise UserError(f"{wrong} {_kept(run, model, checkpoint)}.") from error
    except tf.errors.ResourceExhaustedError as error:
        raise UserError(
            "The memory is not enough: take a smaller training.batch_size or network. "
            f"{_kept(run, model, checkpoint)}."
        ) from error
    except training.GONE as error:
        if not training.is_multiworker(model.distribute_strategy):
            raise
        raise UserError(
            "Another worker has ended or cannot be reached, so this one ends too. Start all "
            f"with the same commands: they go on from the last checkpoint of {run.folder}."
        ) from error


def _pretrain(
    run: Run,
    recipe: Recipe,
    model: StackedAutoencoder,
    dataset: Dataset,
    checkpoint_every: str,
    verbose: int | str,
) -> None:
    """Trains a stack layer by layer; what an earlier fit has trained is read."""
    shared = {key: recipe.training[key] for key in ("batch_size", "optimizer")}
    settings = {**shared, **recipe.pretraining}
    model.pretrain(
        dataset.x_train,
        optimizer=optimizer(settings, dataset),
        validation_data=dataset.x_test if recipe.training["validation"] else None,
        validation_batch_size=500,
        epochs=settings["epochs"],
        batch_size=settings["batch_size"],
        verbose=verbose,
        callbacks=lambda layer: [
            training.StopOnNaN(),
            HistoryLines(run.add_pretraining, before={"layer": layer}),
            training.Checkpoint(run.checkpoints / f"layer-{layer}", checkpoint_every),
        ],
    )


def _train(
    run: Run,
    recipe: Recipe,
    model: FittedModel,
    dataset: Dataset,
    others: Sequence[keras.callbacks.Callback],
    checkpoint: training.Checkpoint,
    verbose: int | str,
) -> None:
    """Runs the epochs that are left, if any; what other callbacks log stands in the history."""
    settings = recipe.training
    y_test = conditions(model, dataset.y_test)
    monitor = _monitor(dataset.x_test, y_test) if isinstance(model, Generative) else None
    model.fit(
        training_batches(recipe, model, dataset),
        validation_data=(dataset.x_test, y_test) if settings["validation"] else None,
        validation_batch_size=500,
        epochs=settings["epochs"],
        verbose=verbose,
        callbacks=[
            training.StopOnNaN(),
            *([monitor] if monitor else []),
            *others,
            HistoryLines(run.add_history, monitor, after={"data": dataset.name}),
            checkpoint,
        ],
    )


def training_batches(
    recipe: Recipe, model: FittedModel, dataset: Dataset, limit: int | None = None
) -> training.ShuffledBatches:
    """The training rows, or the first so many of them, with the labels that the model takes."""
    x, y = dataset.x_train[:limit], conditions(model, dataset.y_train, limit)
    return training.ShuffledBatches(
        *((x,) if y is None else (x, y)),
        batch_size=recipe.training["batch_size"],
        seed=recipe.training["seed"],
    )


def _monitor(x: Array, condition: Array | None) -> training.LatentMonitor:
    """A watch on about 1,000 rows, spread over all, since data may be sorted by class.

    Where the mean of a code has no closed form, all rows of MNIST would take longer than an epoch.
    """
    some = slice(None, None, max(1, len(x) // _WATCHED))
    return training.LatentMonitor(x[some], None if condition is None else condition[some])


def _best(recipe: Recipe) -> keras.callbacks.EarlyStopping | None:
    """What knows the epoch with the lowest `val_loss`, if the recipe asks for it."""
    keep, patience = (recipe.training.get(key) for key in ("keep", "patience"))
    if keep != "best" and patience is None:
        return None
    return keras.callbacks.EarlyStopping(
        "val_loss",
        mode="min",
        patience=patience or recipe.training["epochs"],
        restore_best_weights=keep == "best",
    )


def epochs_done(run: Run) -> int:
    """The whole epochs that the run's latest checkpoint has seen."""
    latest = training.latest_snapshot(run.checkpoints)
    return training.read_snapshot(latest).epoch if latest else 0


def _report(
    run: Run,
    recipe: Recipe,
    model: FittedModel,
    dataset: Dataset,
    best: keras.callbacks.EarlyStopping | None,
) -> dict[str, Any]:
    """What `metrics.json` holds."""
    epochs = epochs_done(run)
    return {
        "recipe": recipe.name,
        "model": recipe.model["name"],
        **evaluate(model, dataset),
        **condition_kind(model, dataset),
        "train_rows": len(dataset.x_train),
        "epochs": epochs,
        "kept_epoch": best.best_epoch + 1 if best and best.restore_best_weights else epochs,
        "seed": recipe.training["seed"],
        "seconds": round(run.seconds(), 1),
        "command": run.command(),
        "versions": versions(),
    }


def _kept(run: Run, model: FittedModel, checkpoint: training.Checkpoint) -> str:
    """Makes the last checkpoint the run's model, and says what that is."""
    with contextlib.suppress(UserError):  # what is kept is older then
        checkpoint.wait()
    epochs = run.recipe().training["epochs"]
    latest = training.latest_snapshot(run.checkpoints)
    if latest is None:
        return f"{run.folder} holds no whole epoch of {epochs}"
    found = training.read_snapshot(latest)
    file = run.model_file
    try:
        found.put_into(model)
        _save(model, file)
    except (UserError, OSError):  # it is of another model, or the disk is full
        file = latest
    more = f" and {found.step} steps" if found.step else ""
    return f"{file} holds epoch {found.epoch}{more} of {epochs}"


def _save(model: FittedModel, file: Path) -> None:
    """Writes a `.keras` file, whole or not at all."""
    part = file.with_name("part.keras")
    try:
        model.save(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _resume_command(run: Run) -> str:
    out = run.folder.parents[1]
    where = [] if out == Path("runs") else ["--out", str(out)]
    return shlex.join(["keras-vae", "fit", run.folder.parent.name, "--resume", *where])
