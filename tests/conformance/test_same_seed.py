"""Noise is a function of seed, step and row: the same seed gives the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from conformance.cases import CASES, EVERY_PAIR, VARIANTS, loss_terms, named, slow
from conformance.compare import assert_close, assert_same

QUICK = [named("autoencoder dense"), named("vae convolutional"), named("cvae learned prior")]
MORE = [case for case in (*CASES, *VARIANTS) if case not in QUICK]


@pytest.mark.parametrize("case", [*QUICK, *slow(MORE)], ids=str)
def test_two_fits_agree_bit_for_bit(case, fitted_of):
    model = case.build()
    keras.utils.set_random_seed(1)  # A draw from a global generator would differ from now on.
    case.compile(model, keras.optimizers.Adam(0.01))
    case.fit(model, epochs=3)
    assert_same(model.get_weights(), fitted_of(case.name).model.get_weights())


def test_training_moves_the_weights(case, fitted):
    before, after = case.build().trainable_weights, fitted.model.trainable_weights
    moved = [np.abs(np.array(a) - np.array(b)).max() for a, b in zip(before, after, strict=True)]
    assert min(moved) > 0
    assert np.all(np.isfinite([*fitted.history["loss"], *moved]))


@pytest.mark.parametrize("case", EVERY_PAIR, ids=str)
def test_training_lowers_the_loss(case, fitted_of):
    losses = fitted_of(case.name).history["loss"]
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("name", ["vae dense", "vae dynamic binarization", "cvae dense"])
def test_another_seed_is_other_noise(name):
    case = named(name)
    model, other = case.build(), case.build(seed=8)
    assert_same(model.get_weights(), other.get_weights())
    one, two = (loss_terms(m, *case.data())["reconstruction"] for m in (model, other))
    assert np.min(np.abs(one - two)) > 1e-4


EXECUTIONS = {
    "one by one": {"steps_per_execution": 1, "jit_compile": False},
    "twenty": {"steps_per_execution": 20, "jit_compile": False},
    "jit, one by one": {"steps_per_execution": 1, "jit_compile": True},
    "default": {},
    "eager": {"run_eagerly": True},
}


@pytest.mark.parametrize(
    "name", ["vae dense", pytest.param("vae convolutional", marks=pytest.mark.slow)]
)
def test_execution_changes_nothing(name):
    """One or many steps per call, XLA or not, graph or not: the same but for rounding."""
    case, weights = named(name), {}
    for execution, arguments in EXECUTIONS.items():
        model = case.build()
        if arguments.get("jit_compile") and not model.supports_jit:
            continue
        model.compile(keras.optimizers.SGD(1e-3), **arguments)
        # A last batch of two rows.
        model.fit(*case.data(), batch_size=12, epochs=2, shuffle=False, verbose=0)
        weights[execution] = model.get_weights()
    assert len(weights) >= 4
    for execution in weights:
        assert_close(weights[execution], weights["one by one"])
    initial = case.build().get_weights()
    assert np.abs(initial[-1] - weights["one by one"][-1]).max() > 1e-3


def test_functions_that_run_eagerly_change_nothing():
    """As a user sets it to look for a mistake, whatever the model was compiled with."""
    case = named("autoencoder dense")
    compiled, watched = case.build(), case.build()
    compiled.compile(keras.optimizers.SGD(1e-3))
    case.fit(compiled)
    watched.compile(keras.optimizers.SGD(1e-3))
    tf.config.run_functions_eagerly(True)
    try:
        case.fit(watched)
    finally:
        tf.config.run_functions_eagerly(False)
    assert compiled.jit_compile
    assert_close(watched.get_weights(), compiled.get_weights())


@pytest.mark.filterwarnings("error::UserWarning")
def test_xla_is_the_default_where_it_can_be():
    found = {}
    for name in ("vae dense", "vae convolutional", "vae full covariance"):
        model = named(name).build()
        model.compile()
        found[name] = model.jit_compile
    assert found.pop("vae dense")
    assert not any(found.values())


def test_full_covariance_goes_without_xla():
    case = named("vae full covariance")
    model = case.build()
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile(jit_compile=True)
    history = model.fit(*case.data(), batch_size=12, verbose=0).history  # The last batch is short.
    assert np.isfinite(history["loss"][0])
