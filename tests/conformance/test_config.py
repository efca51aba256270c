"""A model is its constructor's arguments: get_config and from_config lose nothing."""

import inspect
import json

import keras

import keras_vae
from conformance.cases import loss_terms
from conformance.compare import assert_same
from keras_vae.models import LatentModel


def arguments_of(cls: type[LatentModel]) -> set[str]:
    """Names of all arguments, those that **kwargs pass on to a base class included."""
    if cls is keras_vae.StackedAutoencoder:  # makes its networks and densities itself
        return {"autoencoders", "corruption", "seed"}
    refused = {
        keras_vae.IWAE: {"estimator", "free_bits"},
        keras_vae.HierarchicalVAE: {"estimator", "free_bits"},
        keras_vae.WakeSleep: {"estimator", "beta", "free_bits"},
        keras_vae.MonteCarloEM: {"beta", "free_bits"},
    }.get(cls, set())
    if cls is keras_vae.HierarchicalVAE:
        refused |= {"encoder", "decoder", "posterior"}
    names = set()
    for base in cls.__mro__[: cls.__mro__.index(LatentModel) + 1]:
        if "__init__" in vars(base):
            names |= set(inspect.signature(base.__init__).parameters)
    return names - {"self", "kwargs"} - refused


def test_config_holds_every_argument(case, fitted):
    config = fitted.model.get_config()
    assert arguments_of(case.cls) >= {"corruption", "seed", *case.arguments}
    assert arguments_of(case.cls) <= set(config)


def test_round_trip(case, fitted):
    config = fitted.model.get_config()
    text = json.dumps(config, sort_keys=True)
    copy = case.cls.from_config(json.loads(text))
    assert json.dumps(copy.get_config(), sort_keys=True) == text
    assert copy.seed == 7


def test_copy_computes_the_same(case, fitted):
    copy = case.cls.from_config(fitted.model.get_config())
    copy.set_weights(fitted.model.get_weights())
    terms, copied = (loss_terms(model, *case.data()) for model in (fitted.model, copy))
    assert list(copied) == list(terms)
    assert_same(copied.values(), terms.values())
    assert_same(*([*model.loss_weights().values(), 0.0] for model in (fitted.model, copy)))


def test_constructor_leaves_its_arguments_alone(case):
    before = json.dumps(case.arguments)
    case.build()
    assert json.dumps(case.arguments) == before


def test_class_is_registered(case):
    name = keras.saving.get_registered_name(case.cls)
    assert name == f"keras_vae>{case.cls.__name__}"
