"""Every public model class has a case for each kind of networks."""

import importlib
import inspect
import pkgutil

import pytest

import keras_vae
from conformance.cases import CASES, REFUSED, VARIANTS
from keras_vae.distributions.likelihoods import LIKELIHOODS
from keras_vae.distributions.posteriors import POSTERIORS
from keras_vae.distributions.priors import PRIORS
from keras_vae.errors import UserError
from keras_vae.models import LatentModel
from replicas.train import GROUPS, MODELS

KINDS = ("dense", "convolutional")
OF_SEVERAL_PAIRS = {keras_vae.HierarchicalVAE: ("dense_stages",)}


def public_models() -> set[type[LatentModel]]:
    """All subclasses of LatentModel that a module of the package shows under a public name."""
    found = set()
    modules = [keras_vae]
    for info in pkgutil.walk_packages(keras_vae.__path__, "keras_vae."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            modules.append(importlib.import_module(info.name))
    for module in modules:
        for name in dir(module):
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, LatentModel) and name[0] != "_":
                found.add(value)
    return found - {LatentModel}


def test_every_public_model_has_its_cases():
    models = public_models()
    assert len(models) >= 4
    wanted = {(cls, kind) for cls in models for kind in OF_SEVERAL_PAIRS.get(cls, KINDS)}
    found = {(case.cls, case.networks) for case in (*CASES, *VARIANTS)}
    assert wanted - REFUSED <= found
    assert not found & REFUSED


def test_every_public_model_stands_at_the_top():
    for cls in public_models():
        assert getattr(keras_vae, cls.__name__) is cls


@pytest.mark.parametrize(("cls", "kind"), REFUSED, ids=str)
def test_refused_is_refused(cls, kind):
    networks = getattr(keras_vae.networks, kind)
    with pytest.raises(UserError, match=cls.__name__):
        cls(*networks((8, 8, 1), 3, posterior="deterministic", likelihood="normal"))


def test_every_model_and_density_is_trained_on_replicas():
    models = [MODELS[case.model]() for group in GROUPS.values() for case in group]
    assert public_models() <= {type(model) for model in models}
    for kind, classes in (
        ("likelihood", LIKELIHOODS),
        ("posterior", POSTERIORS),
        ("prior", PRIORS),
    ):
        layers = {type(getattr(model, f"{kind}_layer", None)) for model in models}
        assert set(classes.values()) <= layers


def test_names_are_unique():
    names = [case.name for case in (*CASES, *VARIANTS)]
    assert len(set(names)) == len(names)
