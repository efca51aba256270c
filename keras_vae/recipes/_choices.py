"""What the names in a recipe stand for: networks, models and densities, and their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import takewhile
from types import ModuleType
from typing import Any, TypeVar

import keras

from keras_vae import models, networks
from keras_vae.distributions.likelihoods import LIKELIHOODS
from keras_vae.distributions.posteriors import POSTERIORS
from keras_vae.distributions.priors import PRIORS
from keras_vae.errors import UserError, did_you_mean
from keras_vae.layers.corruption import CORRUPTIONS
from keras_vae.models import Autoencoder, Classifier, FittedModel, LatentModel
from keras_vae.models.estimators import ESTIMATORS
from keras_vae.models.schedules import SCHEDULES
from keras_vae.models.sparsities import SPARSITIES
from keras_vae.recipes._tables import parameter_types
from keras_vae.recipes.recipe import Recipe

T = TypeVar("T")
FROM_MODEL = ("likelihood", "posterior")
"""What a network is told of its model: how many parameters each density has."""
MOST = 100_000
"""The largest width of a network and number of samples; beyond, a slip fills the memory."""
CHOICES: Mapping[str, Mapping[str, type]] = {
    "likelihood": LIKELIHOODS,
    "posterior": POSTERIORS,
    "prior": PRIORS,
    "estimator": ESTIMATORS,
    "beta": SCHEDULES,
    "corruption": CORRUPTIONS,
    "sparsity": SPARSITIES,
}


def network_function(recipe: Recipe) -> Callable[..., Any]:
    """The function of `keras_vae.networks` that the recipe names."""
    choices = {name: getattr(networks, name) for name in networks.__all__}
    return chosen("network.name", recipe.network["name"], choices)


def model_class(recipe: Recipe) -> type[FittedModel]:
    """The class of the recipe's model."""
    choices: dict[str, type[FittedModel]] = public_subclasses(models, LatentModel)
    choices["Classifier"] = Classifier
    return chosen("model.name", recipe.model["name"], choices)


def layer_class(spec: Mapping[str, Any]) -> type[Autoencoder]:
    """The class of each autoencoder in a stack."""
    choices: dict[str, type[Autoencoder]] = public_subclasses(models, Autoencoder)
    choices["Autoencoder"] = Autoencoder
    del choices["StackedAutoencoder"]
    return chosen("model.autoencoders.name", spec.get("name", "Autoencoder"), choices)


def model_parameters(cls: type[FittedModel]) -> dict[str, tuple[Any, Any]]:
    """Type and default of each parameter; a variant passes on those that it does not name."""
    found: dict[str, tuple[Any, Any]] = {}
    for owner in takewhile(lambda owner: owner is not keras.Model, cls.__mro__):
        if "__init__" in vars(owner):
            defaults = inspect.signature(owner).parameters
            types = parameter_types(owner)
            found = {key: (types[key], defaults[key].default) for key in types} | found
    return found


def model_arguments(spec: Mapping[str, Any], cls: type[FittedModel]) -> dict[str, Any]:
    """A table's arguments; a table without a name is one of the density that is the default."""
    parameters = model_parameters(cls)
    arguments = arguments_of(spec)
    for key, value in arguments.items():
        default = parameters[key][1] if key in parameters else None
        if isinstance(value, Mapping) and isinstance(default, str):
            arguments[key] = {"name": default, **value}
    return arguments


def chosen(where: str, name: Any, choices: Mapping[str, T]) -> T:
    """The choice of that name, or a `UserError` that names them all."""
    if not isinstance(name, str) or name not in choices:
        raise UserError(
            f"{where} is {name!r}{did_you_mean(str(name), choices)} "
            f"Expected one of {', '.join(choices)}."
        )
    return choices[name]


def public_subclasses(module: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """The public classes of a module that derive from `base`, without `base` itself."""
    public = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {
        name: value
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    }


def as_table(spec: Any) -> dict[str, Any]:
    """A table as it is, and a name as a table that has nothing else."""
    return dict(spec) if isinstance(spec, Mapping) else {"name": spec}


def arguments_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """All of a table but its name."""
    return {key: value for key, value in table.items() if key != "name"}
