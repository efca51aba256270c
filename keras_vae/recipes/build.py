"""From a recipe's tables to a compiled model."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from types import ModuleType
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from keras_vae import models, networks
from keras_vae.arrays import BATCH_SIZE, check_range
from keras_vae.datasets import TRANSFORMS, Dataset
from keras_vae.distributions.likelihoods import LIKELIHOODS
from keras_vae.distributions.posteriors import POSTERIORS
from keras_vae.distributions.priors import PRIORS
from keras_vae.errors import UserError, did_you_mean
from keras_vae.layers.corruption import CORRUPTIONS
from keras_vae.models import (
    Autoencoder,
    Classifier,
    CompletionCVAE,
    FittedModel,
    HierarchicalVAE,
    LatentModel,
    StackedAutoencoder,
)
from keras_vae.models.estimators import ESTIMATORS
from keras_vae.models.schedules import SCHEDULES
from keras_vae.models.sparsities import SPARSITIES
from keras_vae.recipes._check import check_table, parameter_types, required_parameters
from keras_vae.recipes.recipe import Recipe

T = TypeVar("T")

_FROM_DATA = ("event_shape", "condition_dim", "num_classes")
_FROM_MODEL = ("likelihood", "posterior")
_FROM_ELSEWHERE = ("encoder", "decoder", "stages", "network", "baseline", "given", "seed")
CHOICES: Mapping[str, Mapping[str, type]] = {
    "likelihood": LIKELIHOODS,
    "posterior": POSTERIORS,
    "prior": PRIORS,
    "estimator": ESTIMATORS,
    "beta": SCHEDULES,
    "corruption": CORRUPTIONS,
    "sparsity": SPARSITIES,
}
_OWN_NETWORKS: Mapping[type[FittedModel], str] = {
    StackedAutoencoder: "dense_layers",
    HierarchicalVAE: "dense_stages",
    Classifier: "convolutional_classifier",
    CompletionCVAE: "dense_completion",
}
"""The network of a model that is not made of one encoder and one decoder."""
_MOST = 100_000
"""The largest width of a network and number of samples; beyond, a slip fills the memory."""
_SIZES = (
    "num_samples",
    "num_components",
    "num_layers",
    "num_transitions",
    "num_leapfrog_steps",
    "hidden",
    "context_dim",
)
"""What is bounded by `_MOST` outside of `[network]`."""


def check(recipe: Recipe) -> None:
    """Raises a `UserError` for a name, key or type in the recipe that cannot be meant."""
    network = _network(recipe)
    network_types = parameter_types(network, leave_out=(*_FROM_DATA, *_FROM_MODEL))
    network_needs = [key for key in required_parameters(network) if key in network_types]
    check_table("network", _arguments(recipe.network), network_types, network_needs)
    widths = [key for key, kind in network_types.items() if kind is not float]
    _check_sizes("network", recipe.network, widths)
    if "transform" in recipe.data:
        transform = recipe.data["transform"]
        function = _choice("data.transform.name", transform.get("name"), TRANSFORMS)
        types = parameter_types(function, leave_out=("dataset",))
        check_table("data.transform", _arguments(transform), types, required=types)
    cls = _model_class(recipe)
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
        for key in _FROM_MODEL:
            if key in layer:
                raise UserError(
                    f"model.autoencoders.{key} is decided by the network: set model.{key}, or "
                    "network.activation."
                )
        _check_model("model.autoencoders", layer, _layer_class(layer))
    _check_optimizer("training", recipe.training["optimizer"])
    if _table(recipe.training["optimizer"]).get("use_ema") and recipe.training["keep"] == "best":
        raise UserError(
            'training.optimizer.use_ema ends a fit with averaged weights, and training.keep="best" '
            "with those of one epoch: leave out one of them."
        )
    if "optimizer" in recipe.pretraining:
        _check_optimizer("pretraining", recipe.pretraining["optimizer"])


def build(recipe: Recipe, dataset: Dataset) -> FittedModel:
    """Returns the compiled model; see `Recipe.build`."""
    check(recipe)
    cls, seed = _model_class(recipe), recipe.training["seed"]
    keras.utils.set_random_seed(seed)  # the initial weights
    model = _stack(recipe, dataset) if cls is StackedAutoencoder else _single(recipe, cls, dataset)
    compile_arguments = {
        key: recipe.training[key]
        for key in ("steps_per_execution", "jit_compile")
        if key in recipe.training
    }
    model.compile(optimizer(recipe.training, dataset), **compile_arguments)
    for name, rows in (("x_train", dataset.x_train), ("x_test", dataset.x_test)):
        check_range(f"{name} of {dataset.name!r}", rows, model.support)
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


def optimizer(settings: Mapping[str, Any], dataset: Dataset) -> keras.optimizers.Optimizer:
    """The optimizer of `[training]` or `[pretraining]`; its learning rate may be a schedule."""
    num_steps = settings["epochs"] * math.ceil(len(dataset.x_train) / settings["batch_size"])
    with _named("training.optimizer"):
        made = _optimizer(settings["optimizer"], num_steps)
        # A schedule reads its values when it is called.
        keras.ops.convert_to_numpy(made.learning_rate)
    return made


def _single(recipe: Recipe, cls: type[FittedModel], dataset: Dataset) -> FittedModel:
    """A model of one pair of networks, of stages, or of one network."""
    arguments = _model_arguments(recipe.model, cls)
    defaults = {key: default for key, (_, default) in _model_parameters(cls).items()}
    network = _network(recipe)
    densities = [key for key in _FROM_MODEL if key in inspect.signature(network).parameters]
    with _named("network"):
        made = network(
            dataset.event_shape,
            **{key: arguments.get(key, defaults[key]) for key in densities},
            **_condition_dim(recipe, cls, dataset),
            **_num_classes(recipe, dataset),
            **_arguments(recipe.network),
        )
    with _named("model"):
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
    cls = _layer_class(spec)
    arguments = _model_arguments(recipe.model, StackedAutoencoder)
    arguments.pop("autoencoders", None)
    with _named("network"):
        layers = networks.dense_layers(
            dataset.event_shape,
            **{key: arguments.pop(key) for key in _FROM_MODEL if key in arguments},
            **_arguments(recipe.network),
        )
    with _named("model"):
        autoencoders = [
            cls(**layer, seed=seed + number, **_model_arguments(spec, cls))
            for number, layer in enumerate(layers, start=1)
        ]
        return StackedAutoencoder(autoencoders, seed=seed, **arguments)


@contextmanager
def _named(table: str) -> Iterator[None]:
    """What Keras has to say of a value, with the table that it stands in."""
    try:
        yield
    except UserError:
        raise
    except (ValueError, TypeError, ArithmeticError, MemoryError, tf.errors.OpError) as error:
        message = re.sub(r"\x1b\[\d*m|\{\{.*?\}\} ?|\[Op:.*", "", str(error))
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        telling = (line for line in lines if not line.startswith("Exception encountered"))
        sentence = next(telling, type(error).__name__)
        raise UserError(f"[{table}] has a value that Keras refuses: {sentence}") from error


def _network(recipe: Recipe) -> Callable[..., Any]:
    choices = {name: getattr(networks, name) for name in networks.__all__}
    return _choice("network.name", recipe.network["name"], choices)


def _model_class(recipe: Recipe) -> type[FittedModel]:
    choices: dict[str, type[FittedModel]] = _subclasses(models, LatentModel)
    choices["Classifier"] = Classifier
    return _choice("model.name", recipe.model["name"], choices)


def _layer_class(spec: Mapping[str, Any]) -> type[Autoencoder]:
    """The class of each autoencoder in a stack."""
    choices: dict[str, type[Autoencoder]] = _subclasses(models, Autoencoder)
    choices["Autoencoder"] = Autoencoder
    del choices["StackedAutoencoder"]
    return _choice("model.autoencoders.name", spec.get("name", "Autoencoder"), choices)


def _check_model(where: str, spec: Mapping[str, Any], cls: type[FittedModel]) -> None:
    """Checks a table of the arguments of a model class."""
    types = {
        key: dict if key == "autoencoders" else kind
        for key, (kind, _) in _model_parameters(cls).items()
        if key not in _FROM_ELSEWHERE
    }
    check_table(where, _arguments(spec), types)
    for key, value in _model_arguments(spec, cls).items():
        if key in CHOICES and isinstance(value, (str, Mapping)):
            _check_named(f"{where}.{key}", value, CHOICES[key])


def _model_parameters(cls: type[FittedModel]) -> dict[str, tuple[Any, Any]]:
    """Type and default of each parameter; a variant passes on those that it does not name."""
    found: dict[str, tuple[Any, Any]] = {}
    for owner in takewhile(lambda owner: owner is not keras.Model, cls.__mro__):
        if "__init__" in vars(owner):
            defaults = inspect.signature(owner).parameters
            types = parameter_types(owner)
            found = {key: (types[key], defaults[key].default) for key in types} | found
    return found


def _model_arguments(spec: Mapping[str, Any], cls: type[FittedModel]) -> dict[str, Any]:
    """A table's arguments; a table without a name is one of the density that is the default."""
    parameters = _model_parameters(cls)
    arguments = _arguments(spec)
    for key, value in arguments.items():
        default = parameters[key][1] if key in parameters else None
        if isinstance(value, Mapping) and isinstance(default, str):
            arguments[key] = {"name": default, **value}
    return arguments


def _num_classes(recipe: Recipe, dataset: Dataset) -> dict[str, int]:
    """The argument of the network that tells classes apart."""
    if "num_classes" not in inspect.signature(_network(recipe)).parameters:
        return {}
    if dataset.num_classes is None:
        raise UserError(
            f"Recipe {recipe.name!r} needs integer labels and {dataset.name!r} has none: give "
            "y_train and y_test."
        )
    if dataset.num_classes > _MOST:
        raise UserError(
            f"The largest label of {dataset.name!r} is {dataset.num_classes - 1}; expected at most "
            f"{_MOST - 1}: renumber the labels."
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
    if dataset.condition_dim > _MOST:
        raise UserError(
            f"The conditions of {dataset.name!r} are {dataset.condition_dim} wide, as many as its "
            f"largest label + 1 or its values; expected at most {_MOST}: renumber the labels."
        )
    if "condition_dim" not in inspect.signature(_network(recipe)).parameters:
        raise UserError(
            f"The network {recipe.network['name']!r} takes no condition, and a {cls.__name__} "
            'needs one: use "dense" or "convolutional".'
        )
    return {"condition_dim": dataset.condition_dim}


def _check_optimizer(where: str, spec: str | Mapping[str, Any]) -> None:
    table = _table(spec)
    rate = table.get("learning_rate")
    if isinstance(rate, Mapping):
        schedules = _rate_schedules()
        _check_named(f"{where}.optimizer.learning_rate", _with_decay(rate, 1), schedules)
        table["learning_rate"] = 1.0  # its place is right: what is in it was checked
    _check_named(f"{where}.optimizer", table, _optimizers())
    types = parameter_types(_optimizers()[table["name"]])
    untyped = {key: value for key, value in _arguments(table).items() if types[key] is Any}
    expected = {key: list[str] if key == "exclude_layers" else float for key in untyped}
    check_table(f"{where}.optimizer", untyped, expected)
    rate = table.get("learning_rate", 1.0)
    if isinstance(rate, (int, float)) and not 0 <= rate < math.inf:
        raise UserError(
            f"{where}.optimizer.learning_rate is {rate}; expected at least 0, and finite."
        )


def _optimizer(spec: str | Mapping[str, Any], num_steps: int) -> keras.optimizers.Optimizer:
    """The optimizer; its learning rate may be a table that names a Keras schedule."""
    table = _table(spec)
    rate = table.get("learning_rate")
    if isinstance(rate, Mapping):
        rate = _with_decay(rate, num_steps)
        table["learning_rate"] = _rate_schedules()[rate["name"]](**_arguments(rate))
    elif isinstance(rate, int):
        table["learning_rate"] = float(rate)
    return _optimizers()[table["name"]](**_arguments(table))


def _with_decay(rate: Mapping[str, Any], num_steps: int) -> Mapping[str, Any]:
    """A schedule that decays does so over all steps of the fit, unless it says otherwise."""
    cls = _rate_schedules().get(str(rate.get("name")))
    if cls is None or "decay_steps" not in inspect.signature(cls).parameters:
        return rate
    return {"decay_steps": num_steps, **rate}


def _optimizers() -> dict[str, type[keras.optimizers.Optimizer]]:
    return {
        name.lower(): cls
        for name, cls in _subclasses(keras.optimizers, keras.optimizers.Optimizer).items()
        if "learning_rate" in inspect.signature(cls).parameters
    }


def _rate_schedules() -> dict[str, type[Any]]:
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): cls
        for name, cls in _subclasses(
            keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule
        ).items()
    }


def _check_named(where: str, spec: Any, choices: Mapping[str, type]) -> None:
    """Checks a name, or a table with `name` and the constructor's arguments."""
    table = _table(spec)
    if "name" not in table:
        raise UserError(f"[{where}] lacks its name: add {where}.name, one of {', '.join(choices)}.")
    cls = _choice(f"{where}.name", table["name"], choices)
    types = parameter_types(cls, leave_out=("name",))
    check_table(where, _arguments(table), types, required_parameters(cls))
    _check_sizes(where, table, _SIZES)
    _check_activation(f"{where}.activation", table.get("activation"))


def _check_sizes(where: str, table: Mapping[str, Any], sizes: Collection[str]) -> None:
    """Raises a `UserError` for a size, or a list of sizes, beyond all memory."""
    for key in sizes:
        value = table.get(key)
        for size in keras.tree.flatten(value):
            if isinstance(size, (int, float)) and size > _MOST:
                raise UserError(
                    f"{where}.{key} is {value!r}; expected numbers of at most {_MOST}: correct it "
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


def _choice(where: str, name: Any, choices: Mapping[str, T]) -> T:
    if not isinstance(name, str) or name not in choices:
        raise UserError(
            f"{where} is {name!r}{did_you_mean(str(name), choices)} "
            f"Expected one of {', '.join(choices)}."
        )
    return choices[name]


def _subclasses(module: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The public classes of a module that derive from `base`, without `base` itself."""
    public = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: value
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    }


def _table(spec: Any) -> dict[str, Any]:
    return dict(spec) if isinstance(spec, Mapping) else {"name": spec}


def _arguments(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "name"}
