"""Keras' optimizers and learning-rate schedules, as the tables of a recipe name them."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any

import keras

from keras_vae.datasets import Dataset
from keras_vae.recipes._choices import arguments_of, as_table, public_subclasses
from keras_vae.recipes._keras_errors import as_user_error


def optimizer(settings: Mapping[str, Any], dataset: Dataset) -> keras.optimizers.Optimizer:
    """The optimizer of `[training]` or `[pretraining]`; its learning rate may be a schedule."""
    num_steps = settings["epochs"] * math.ceil(len(dataset.x_train) / settings["batch_size"])
    table = as_table(settings["optimizer"])
    rate = table.get("learning_rate")
    with as_user_error("training.optimizer"):
        if isinstance(rate, Mapping):
            rate = with_decay(rate, num_steps)
            table["learning_rate"] = rate_schedules()[rate["name"]](**arguments_of(rate))
        elif isinstance(rate, int):
            table["learning_rate"] = float(rate)
        made = optimizers()[table["name"]](**arguments_of(table))
        # A schedule reads its values when it is called.
        keras.ops.convert_to_numpy(made.learning_rate)
    return made


def with_decay(rate: Mapping[str, Any], num_steps: int) -> Mapping[str, Any]:
    """A schedule that decays does so over all steps of the fit, unless it says otherwise."""
    cls = rate_schedules().get(str(rate.get("name")))
    if cls is None or "decay_steps" not in inspect.signature(cls).parameters:
        return rate
    return {"decay_steps": num_steps, **rate}


def optimizers() -> dict[str, type[keras.optimizers.Optimizer]]:
    """Keras' optimizers by their names in a recipe, such as "adam"."""
    return {
        name.lower(): cls
        for name, cls in public_subclasses(keras.optimizers, keras.optimizers.Optimizer).items()
        if "learning_rate" in inspect.signature(cls).parameters
    }


def rate_schedules() -> dict[str, type[Any]]:
    """Keras' learning-rate schedules by their names in a recipe, such as "cosine_decay"."""
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): cls
        for name, cls in public_subclasses(
            keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule
        ).items()
    }
