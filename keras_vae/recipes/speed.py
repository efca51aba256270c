"""How fast a recipe trains on this machine."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_vae import training
from keras_vae.recipes._finishing import training_batches
from keras_vae.recipes.check import check
from keras_vae.recipes.fitting import with_data
from keras_vae.recipes.recipe import Recipe, load
from keras_vae.recipes.results import versions

ROUNDS = 4
"""How often the same steps are taken; the first time compiles them."""


def measure_speed(
    recipe: Recipe | str,
    *,
    data: str | Path | None = None,
    strategy: tf.distribute.Strategy | None = None,
    num_steps: int = 120,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Trains a recipe's model for some steps, `ROUNDS` times over, and writes nothing.

    Validation, figures and checkpoints of a fit take their time beside these steps, and so does a
    stack's pretraining.

    Args:
        recipe: A recipe, its name, or the path of a `.toml` file.
        data: A folder of datasets, or the user's own data; see `keras_vae.datasets.load`.
        strategy: The replicas that share each batch, as from `training.get_strategy`; None for one
            device.
        num_steps: Steps of each round, at most an epoch.
        progress: Called with 1 after each round.

    Returns:
        What was trained: `recipe`, `data`, `train_rows`, `batch_size`, `replicas`, `versions`; and
        seconds: of the first round, which compiles (`first_seconds`, of `steps` steps), and by the
        median of the others of one step (`step_seconds`), of an epoch (`epoch_seconds`) and of the
        recipe's `epochs` (`fit_seconds`); and `rows_per_second`.

    Raises:
        UserError: For a recipe or data that cannot be used.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load(recipe)
    check(recipe)
    recipe, dataset = with_data(recipe, data)
    batch_size, epochs = recipe.training["batch_size"], recipe.training["epochs"]
    with training.scope(strategy):
        model = recipe.build(dataset)
    rows = min(num_steps * batch_size, len(dataset.x_train))
    steps = math.ceil(rows / batch_size)
    clock = _Clock(progress)
    batches = training_batches(recipe, model, dataset, rows)
    model.fit(batches, epochs=ROUNDS, verbose=0, callbacks=[clock])
    first, *others = clock.seconds
    seconds = statistics.median(others)
    epoch_seconds = seconds / rows * len(dataset.x_train)
    return {
        "recipe": recipe.name,
        "data": dataset.name,
        "train_rows": len(dataset.x_train),
        "batch_size": batch_size,
        "replicas": model.distribute_strategy.num_replicas_in_sync,
        "steps": steps,
        "first_seconds": first,
        "step_seconds": seconds / steps,
        "rows_per_second": rows / seconds,
        "epoch_seconds": epoch_seconds,
        "epochs": epochs,
        "fit_seconds": epoch_seconds * epochs,
        "versions": versions(),
    }


class _Clock(keras.callbacks.Callback):
    """The seconds of each epoch."""

    def __init__(self, progress: Callable[[int], object] | None) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._progress = progress
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)
        if self._progress is not None:
            self._progress(1)
