"""What in a recipe cannot be meant: refused before any data are read."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import keras

from keras_vae.datasets import TRANSFORMS
from keras_vae.errors import UserError
from keras_vae.models import (
    Classifier,
    CompletionCVAE,
    FittedModel,
    HierarchicalVAE,
    LatentModel,
    StackedAutoencoder,
)
from keras_vae.recipes._choices import (
    CHOICES,
    FROM_MODEL,
    MOST,
    arguments_of,
    as_table,
    chosen,
    layer_class,
    model_arguments,
    model_class,
    model_parameters,
    network_function,
)
from keras_vae.recipes._tables import check_table, parameter_types, required_parameters
from keras_vae.recipes.optimizers import optimizers, rate_schedules, with_decay
from keras_vae.recipes.recipe import Recipe

_FROM_DATA = ("event_shape", "condition_dim", "num_classes")
_FROM_ELSEWHERE = ("encoder", "decoder", "stages", "network", "baseline", "given", "seed")
_OWN_NETWORKS: Mapping[type[FittedModel], str] = {
    StackedAutoencoder: "dense_layers",
    HierarchicalVAE: "dense_stages",
    Classifier: "convolutional_classifier",
    CompletionCVAE: "dense_completion",
}
"""The network of a model that is not made of one encoder and one decoder."""
_SIZES = (
    "num_samples",
    "num_components",
    "num_layers",
    "num_transitions",
    "num_leapfrog_steps",
    "hidden",
    "context_dim",
)
"""What is bounded by `MOST` outside of `[network]`."""


def check(recipe: Recipe) -> None:
    """Raises a `UserError` for a name, key or type in the recipe that cannot be meant."""
    network = network_function(recipe)
    network_types = parameter_types(network, leave_out=(*_FROM_DATA, *FROM_MODEL))
    network_needs = [key for key in required_parameters(network) if key in network_types]
    check_table("network", arguments_of(recipe.network), network_types, network_needs)
    widths = [key for key, kind in network_types.items() if kind is not float]
    _check_sizes("network", recipe.network, widths)
    if "transform" in recipe.data:
        transform = recipe.data["transform"]
        function = chosen("data.transform.name", transform.get("name"), TRANSFORMS)
        types = parameter_types(function, leave_out=("dataset",))
        check_table("data.transform", arguments_of(transform), types, required=types)
    cls = model_class(recipe)
    is_stack, name = cls is StackedAutoencoder, recipe.network["name"]
    if name in _OWN_NETWORKS.values() or cls in _OWN_NETWORKS:
        for model, layers in _OWN_NETWORKS.items():
            if (cls is model) != (name == layers):
                raise UserError(
                    f"model.name is {cls.__name__!r} and network.name is {name!r}: a "
                    f"{model.__name__} is made of {layers!r}, and no other model is."
                )
    if "start" in recipe.training and (is_stack or not issubclass(cls, LatentModel)):
        raise UserError(
            f"training.start is for a model of one decoder: leave it out for a {cls.__name__}."
        )
    if recipe.pretraining and not is_stack:
        raise UserError(
            f"[pretraining] is for a StackedAutoencoder: leave it out for a {cls.__name__}."
        )
    _check_model("model", recipe.model, cls)
    if is_stack:
        layer = recipe.model.get("autoencoders", {})
        for key in FROM_MODEL:
            if key in layer:
                raise UserError(
                    f"model.autoencoders.{key} is decided by the network: set model.{key}, or "
                    "network.activation."
                )
        _check_model("model.autoencoders", layer, layer_class(layer))
    _check_optimizer("training", recipe.training["optimizer"])
    if as_table(recipe.training["optimizer"]).get("use_ema") and recipe.training["keep"] == "best":
        raise UserError(
            'training.optimizer.use_ema ends a fit with averaged weights, and training.keep="best" '
            "with those of one epoch: leave out one of them."
        )
    if "optimizer" in recipe.pretraining:
        _check_optimizer("pretraining", recipe.pretraining["optimizer"])


def _check_model(where: str, spec: Mapping[str, Any], cls: type[FittedModel]) -> None:
    """Checks a table of the arguments of a model class."""
    types = {
        key: dict if key == "autoencoders" else kind
        for key, (kind, _) in model_parameters(cls).items()
        if key not in _FROM_ELSEWHERE
    }
    check_table(where, arguments_of(spec), types)
    for key, value in model_arguments(spec, cls).items():
        if key in CHOICES and isinstance(value, (str, Mapping)):
            _check_named(f"{where}.{key}", value, CHOICES[key])


def _check_optimizer(where: str, spec: str | Mapping[str, Any]) -> None:
    table = as_table(spec)
    rate = table.get("learning_rate")
    if isinstance(rate, Mapping):
        schedules = rate_schedules()
        _check_named(f"{where}.optimizer.learning_rate", with_decay(rate, 1), schedules)
        table["learning_rate"] = 1.0  # its place is right: what is in it was checked
    _check_named(f"{where}.optimizer", table, optimizers())
    types = parameter_types(optimizers()[table["name"]])
    untyped = {key: value for key, value in arguments_of(table).items() if types[key] is Any}
    expected = {key: list[str] if key == "exclude_layers" else float for key in untyped}
    check_table(f"{where}.optimizer", untyped, expected)
    rate = table.get("learning_rate", 1.0)
    if isinstance(rate, (int, float)) and not 0 <= rate < math.inf:
        raise UserError(
            f"{where}.optimizer.learning_rate is {rate}; expected at least 0, and finite."
        )


def _check_named(where: str, spec: Any, choices: Mapping[str, type]) -> None:
    """Checks a name, or a table with `name` and the constructor's arguments."""
    table = as_table(spec)
    if "name" not in table:
        raise UserError(f"[{where}] lacks its name: add {where}.name, one of {', '.join(choices)}.")
    cls = chosen(f"{where}.name", table["name"], choices)
    types = parameter_types(cls, leave_out=("name",))
    check_table(where, arguments_of(table), types, required_parameters(cls))
    _check_sizes(where, table, _SIZES)
    _check_activation(f"{where}.activation", table.get("activation"))


def _check_sizes(where: str, table: Mapping[str, Any], sizes: Collection[str]) -> None:
    """Raises a `UserError` for a size, or a list of sizes, beyond all memory."""
    for key in sizes:
        value = table.get(key)
        for size in keras.tree.flatten(value):
            if isinstance(size, (int, float)) and size > MOST:
                raise UserError(
                    f"{where}.{key} is {value!r}; expected numbers of at most {MOST}: correct it "
                    f"in the recipe or with --set {where}.{key}=..."
                )


def _check_activation(where: str, name: Any) -> None:
    """Raises a `UserError` for the name of an activation that Keras lacks."""
    try:
        keras.activations.get(name)
    except ValueError:
        raise UserError(
            f'{where} is {name!r}; expected one that Keras has, such as "relu": correct it in the '
            f"recipe or with --set {where}=..."
        ) from None
