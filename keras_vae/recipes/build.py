"""From a recipe's tables to a compiled model."""

from __future__ import annotations

import inspect
import math

import keras
import numpy as np

from keras_vae import models, networks
from keras_vae.arrays import BATCH_SIZE
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.models import FittedModel, LatentModel, StackedAutoencoder
from keras_vae.ranges import Range
from keras_vae.recipes._choices import (
    FROM_MODEL,
    MOST,
    arguments_of,
    layer_class,
    model_arguments,
    model_class,
    model_parameters,
    network_function,
)
from keras_vae.recipes._keras_errors import as_user_error
from keras_vae.recipes.check import check
from keras_vae.recipes.optimizers import optimizer
from keras_vae.recipes.recipe import Recipe


def build(recipe: Recipe, dataset: Dataset) -> FittedModel:
    """Returns the compiled model; see `Recipe.build`."""
    check(recipe)
    cls, seed = model_class(recipe), recipe.training["seed"]
    keras.utils.set_random_seed(seed)  # the initial weights
    model = _stack(recipe, dataset) if cls is StackedAutoencoder else _single(recipe, cls, dataset)
    compile_arguments = {
        key: recipe.training[key]
        for key in ("steps_per_execution", "jit_compile")
        if key in recipe.training
    }
    model.compile(optimizer(recipe.training, dataset), **compile_arguments)
    for name, rows in (("x_train", dataset.x_train), ("x_test", dataset.x_test)):
        Range(*model.support).check(f"{name} of {dataset.name!r}", rows)
    if "start" in recipe.training:
        _start_at_the_mean(model, dataset)
    return model


def _start_at_the_mean(model: LatentModel, dataset: Dataset) -> None:
    """Sets the decoder's last bias to the parameters of the mean of the training rows.

    Without it, the first epochs go by while the biases of pixels that are always black fall.
    """
    total = np.zeros(dataset.event_shape)
    for begin in range(0, len(dataset.x_train), BATCH_SIZE):
        total += dataset.x_train[begin : begin + BATCH_SIZE].sum(axis=0, dtype=np.float64)
    scale = 255.0 if dataset.x_train.dtype == np.uint8 else 1.0
    mean = total / (scale * len(dataset.x_train))  # (*event_shape,)
    layers = [layer for layer in model.decoder._flatten_layers() if layer.name == "params"]
    bias, likelihood = layers[-1].bias, model.likelihood_layer
    if math.prod(bias.shape) != math.prod(likelihood.params_shape(dataset.event_shape)):
        mean = mean.mean(axis=tuple(range(mean.ndim - 1)))  # (channels,): of a convolution
    bias.assign(likelihood.params_of_mean(mean).reshape(bias.shape))


def _single(recipe: Recipe, cls: type[FittedModel], dataset: Dataset) -> FittedModel:
    """A model of one pair of networks, of stages, or of one network."""
    arguments = model_arguments(recipe.model, cls)
    defaults = {key: default for key, (_, default) in model_parameters(cls).items()}
    network = network_function(recipe)
    densities = [key for key in FROM_MODEL if key in inspect.signature(network).parameters]
    with as_user_error("network"):
        made = network(
            dataset.event_shape,
            **{key: arguments.get(key, defaults[key]) for key in densities},
            **_condition_dim(recipe, cls, dataset),
            **_num_classes(recipe, dataset),
            **arguments_of(recipe.network),
        )
    with as_user_error("model"):
        if "seed" in defaults:
            arguments["seed"] = recipe.training["seed"]
        if "given" in defaults:
            arguments["given"] = _given(recipe, dataset)
        if isinstance(made, dict):
            return cls(**made, **arguments)
        return cls(*(made if isinstance(made, tuple) else (made,)), **arguments)


def _stack(recipe: Recipe, dataset: Dataset) -> StackedAutoencoder:
    """A stack of autoencoders of one class, each with a seed of its own."""
    spec, seed = recipe.model.get("autoencoders", {}), recipe.training["seed"]
    cls = layer_class(spec)
    arguments = model_arguments(recipe.model, StackedAutoencoder)
    arguments.pop("autoencoders", None)
    with as_user_error("network"):
        layers = networks.dense_layers(
            dataset.event_shape,
            **{key: arguments.pop(key) for key in FROM_MODEL if key in arguments},
            **arguments_of(recipe.network),
        )
    with as_user_error("model"):
        autoencoders = [
            cls(**layer, seed=seed + number, **model_arguments(spec, cls))
            for number, layer in enumerate(layers, start=1)
        ]
        return StackedAutoencoder(autoencoders, seed=seed, **arguments)


def _num_classes(recipe: Recipe, dataset: Dataset) -> dict[str, int]:
    """The argument of the network that tells classes apart."""
    if "num_classes" not in inspect.signature(network_function(recipe)).parameters:
        return {}
    if dataset.num_classes is None:
        raise UserError(
            f"Recipe {recipe.name!r} needs integer labels and {dataset.name!r} has none: give "
            "y_train and y_test."
        )
    if dataset.num_classes > MOST:
        raise UserError(
            f"The largest label of {dataset.name!r} is {dataset.num_classes - 1}; expected at most "
            f"{MOST - 1}: renumber the labels."
        )
    return {"num_classes": dataset.num_classes}


def _given(recipe: Recipe, dataset: Dataset) -> list[int]:
    """Which values of each row the condition holds."""
    if dataset.given is None:
        raise UserError(
            f"Recipe {recipe.name!r} completes data of which a part is given, and no part is: add "
            'data.transform, such as {name = "quadrants", given = 1}.'
        )
    return [int(place) for place in dataset.given]


def _condition_dim(recipe: Recipe, cls: type[FittedModel], dataset: Dataset) -> dict[str, int]:
    """The argument of the network that makes room for a condition, for a model that has one."""
    if not issubclass(cls, models.CVAE):
        return {}
    if dataset.condition_dim is None:
        raise UserError(
            f"Recipe {recipe.name!r} needs a label for every image and {dataset.name!r} has none: "
            f"give y_train and y_test, or choose a model without a condition, such as VAE."
        )
    if dataset.condition_dim > MOST:
        raise UserError(
            f"The conditions of {dataset.name!r} are {dataset.condition_dim} wide, as many as its "
            f"largest label + 1 or its values; expected at most {MOST}: renumber the labels."
        )
    if "condition_dim" not in inspect.signature(network_function(recipe)).parameters:
        raise UserError(
            f"The network {recipe.network['name']!r} takes no condition, and a {cls.__name__} "
            'needs one: use "dense" or "convolutional".'
        )
    return {"condition_dim": dataset.condition_dim}
