"""Likelihoods: binarization, names, configs and mistakes; their densities are in golden/."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import Bernoulli, ContinuousBernoulli, Normal, get_likelihood
from keras_vae.errors import UserError
from keras_vae.noise import Noise


@pytest.fixture(scope="module")
def grey():
    return np.random.default_rng(0).random((20, 8, 8, 1), "float32")


def observe(binarization, x, step=0):
    noise = Noise.for_step(0, tf.constant(step), tf.range(len(x)))
    return np.asarray(Bernoulli(binarization).observe(tf.constant(x), noise))


def test_no_binarization_leaves_the_data(grey):
    np.testing.assert_array_equal(observe(None, grey), grey)


@pytest.mark.parametrize("binarization", ["dynamic", "static"])
def test_binarization_has_the_grey_values_as_probabilities(binarization):
    rates = np.linspace(0, 1, 40, dtype="float32")
    # No two rows are equal: equal rows would share one static binarization.
    x = np.tile(rates, (3000, 1)) * (1 + np.linspace(-1e-3, 1e-3, 3000)[:, np.newaxis])
    binary = observe(binarization, x.clip(0, 1).astype("float32"))
    assert set(np.unique(binary)) == {0.0, 1.0}
    deviation = (binary.mean(axis=0) - rates) / np.sqrt(rates * (1 - rates) / 3000 + 1e-6)
    assert np.abs(deviation).max() < 4.5


@pytest.mark.parametrize("binarization", ["dynamic", "static"])
def test_binary_data_stay_as_they_are(grey, binarization):
    np.testing.assert_array_equal(observe(binarization, grey.round()), grey.round())


def test_static_binarization_is_fixed(grey):
    """By the image alone: not the step, nor its place, nor its neighbours."""
    first = observe("static", grey)
    order = np.random.default_rng(1).permutation(20)
    np.testing.assert_array_equal(observe("static", grey, step=9), first)
    np.testing.assert_array_equal(observe("static", grey[order]), first[order])
    np.testing.assert_array_equal(observe("static", grey[3:4]), first[3:4])


def test_dynamic_binarization_changes_with_the_step(grey):
    first, second = observe("dynamic", grey), observe("dynamic", grey, step=1)
    # Two independent draws at probability p differ with probability 2 p (1 - p): 1/3 on average.
    assert 0.25 < np.mean(first != second) < 0.42
    np.testing.assert_array_equal(observe("dynamic", grey), first)


def test_others_observe_the_data_themselves(grey):
    noise = Noise.for_rows(0, tf.constant(grey))
    for layer in (ContinuousBernoulli(), Normal()):
        np.testing.assert_array_equal(layer.observe(tf.constant(grey), noise), grey)


@pytest.mark.parametrize(
    ("spec", "kind", "arguments"),
    [
        ("bernoulli", Bernoulli, {"binarization": None}),
        ({"name": "bernoulli", "binarization": "static"}, Bernoulli, {"binarization": "static"}),
        ("continuous_bernoulli", ContinuousBernoulli, {}),
        ("normal", Normal, {"scale": 1.0, "activation": None, "min_scale": 1e-3}),
        ({"name": "normal", "scale": 0.1}, Normal, {"scale": 0.1}),
        (
            {"name": "normal", "scale": "learned", "activation": "sigmoid", "min_scale": 0.5},
            Normal,
            {"scale": "learned", "activation": "sigmoid", "min_scale": 0.5},
        ),
        ({"name": "normal", "scale": "shared"}, Normal, {"scale": "shared"}),
    ],
)
def test_specs_and_configs(spec, kind, arguments):
    layer = get_likelihood(spec)
    assert get_likelihood(layer) is layer
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    for one in (layer, copy):
        assert type(one) is kind
        for name, value in arguments.items():
            assert getattr(one, name) == value
    assert copy.get_config() == layer.get_config()
    assert copy.params_shape((4, 3)) == layer.params_shape((4, 3))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Bernoulli(), (8, 6, 3)),
        (ContinuousBernoulli(), (8, 6, 3)),
        (Normal(0.1), (8, 6, 3)),
        (Normal("shared"), (8, 6, 3)),
        (Normal("learned"), (8, 6, 6)),
    ],
)
def test_params_shape(layer, shape):
    assert layer.params_shape((8, 6, 3)) == shape


@pytest.mark.parametrize(
    "arguments", [{"min_scale": -1.0}, {"scale": np.inf}, {"activation": "sigmod"}]
)
def test_mistakes_in_a_normal(arguments):
    with pytest.raises((UserError, ValueError), match=r"min_scale|finite|sigmod"):
        Normal(**{"scale": "learned", **arguments})


def test_only_a_shared_scale_is_trained():
    assert len(Normal("shared").trainable_variables) == 1
    for scale in (0.5, "learned"):
        assert not Normal(scale).variables


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("nromal", "Unknown likelihood: 'nromal'. Expected 'normal', or"),
        ({"name": "bernoulli", "binarisation": "static"}, "Expected 'binarization', or"),
        ({"name": "bernoulli", "binarization": "dynamik"}, "'dynamik'. Expected \"dynamic\""),
        ({"name": "normal", "scale": 0}, "positive and finite. Received 0;"),
        ({"name": "normal", "scale": -1.0}, "positive and finite. Received -1.0;"),
        ({"name": "normal", "scale": float("nan")}, "positive and finite. Received nan;"),
        ({"name": "normal", "scale": "learnt"}, "Unknown scale: 'learnt'"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message) as error:
        get_likelihood(spec)
    assert "\n" not in str(error.value)
