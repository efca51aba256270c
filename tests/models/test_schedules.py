"""Weights of the KL term by step, and that a fit sees them change."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.errors import UserError
from keras_vae.models.schedules import CyclicalWarmup, LinearWarmup, get_schedule

LINEAR = {"name": "linear_warmup", "steps": 4, "beta": 2.0}
CYCLICAL = {"name": "cyclical_warmup", "period": 4, "beta": 2.0, "ramp": 0.5}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (LINEAR, [0.0, 0.5, 1.0, 1.5, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]),
        ({"name": "linear_warmup", "steps": 2}, [0.0, 0.5, 1.0, 1.0]),
        (CYCLICAL, [0.0, 1.0, 2.0, 2.0, 0.0, 1.0, 2.0, 2.0, 0.0, 1.0]),
        ({"name": "cyclical_warmup", "period": 4, "ramp": 1.0}, [0.0, 0.25, 0.5, 0.75, 0.0]),
        ({"name": "cyclical_warmup", "period": 8}, [0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 0, 0.25]),
    ],
)
def test_values_by_hand(spec, expected):
    schedule = get_schedule(spec)
    np.testing.assert_allclose([schedule(step) for step in range(len(expected))], expected)


def test_a_late_step_is_exact():
    """The step is an int64: after 2^24 of them, float32 would have lost the phase."""
    assert float(get_schedule(CYCLICAL)(2**40 + 1)) == 1.0


@pytest.mark.parametrize("value", [0, 1, 0.5, 4, np.float32(0.5), np.int64(4)])
def test_a_number_is_a_constant(value):
    beta = get_schedule(value)
    assert type(beta) is float
    assert beta == value


@pytest.mark.parametrize("spec", [LINEAR, CYCLICAL])
def test_config(spec):
    schedule = get_schedule(spec)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert get_schedule(schedule) is schedule
    assert type(copy) is type(schedule)
    assert copy.get_config() == {key: spec[key] for key in spec if key != "name"}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (-0.5, "beta must be a finite number, at least 0. Received -0.5"),
        ("linear_warmp", "Unknown schedule: 'linear_warmp'. Expected 'linear_warmup', or"),
        ({"name": "linear_warmup"}, r"needs \['steps'\]"),
        ({"name": "linear_warmup", "step": 3}, "Expected 'steps', or"),
        ({"name": "linear_warmup", "steps": 0}, "at least 1 step. Received steps=0"),
        ({"name": "linear_warmup", "steps": np.nan}, "at least 1 step. Received steps=nan"),
        ({"name": "linear_warmup", "steps": 5, "beta": -1.0}, "at least 0. Received -1.0"),
        ({"name": "cyclical_warmup", "period": 5, "beta": np.inf}, "at least 0. Received inf"),
        ({"name": "cyclical_warmup", "period": 0}, "Received period=0"),
        ({"name": "cyclical_warmup", "period": 5, "ramp": 0.0}, "ramp=0.0"),
        ({"name": "cyclical_warmup", "period": 5, "ramp": 1.5}, "ramp=1.5"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message) as error:
        get_schedule(spec)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("beta", "expected"),
    [
        (LinearWarmup(steps=3, beta=3.0), [0.0, 1.0, 2.0, 3.0, 3.0]),
        (CyclicalWarmup(period=2, beta=3.0), [0.0, 3.0, 0.0, 3.0, 0.0]),
        (
            keras.optimizers.schedules.PiecewiseConstantDecay([1, 3], [5.0, 1.0, 0.5]),
            [5, 5, 1, 1, 0.5],
        ),
    ],
    ids=["linear", "cyclical", "Keras"],
)
def test_it_is_not_frozen_in_the_trace(beta, expected):
    """One step per epoch, all in one fit with one trace: the loss shows the weight of each step."""
    model = keras_vae.VAE(*keras_vae.networks.dense((5,), 2, hidden=(4,)), beta=beta)
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    x = np.random.default_rng(0).integers(0, 2, (6, 5)).astype("float32")
    logs = model.fit(x, batch_size=6, epochs=5, verbose=0).history
    loss, reconstruction, kl, elbo = (
        np.array(logs[name]) for name in ("loss", "reconstruction", "kl", "elbo")
    )
    assert kl.min() > 0.01
    np.testing.assert_allclose((loss - reconstruction) / kl, expected, atol=1e-3)
    np.testing.assert_allclose(elbo, -(reconstruction + kl), rtol=1e-5)
    assert int(model.step) == 5
