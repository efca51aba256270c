"""Weights of the KL term by training step; any Keras learning-rate schedule serves as one too."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import keras
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Tensor
from keras_vae.registry import resolve

Schedule = keras.optimizers.schedules.LearningRateSchedule


@keras.saving.register_keras_serializable("keras_vae")
class LinearWarmup(Schedule):  # type: ignore[misc, valid-type]
    """Rises linearly from 0 at step 0 to `beta` at step `steps`, then stays.

    Reference:
        Bowman et al. (2016), "Generating Sentences from a Continuous Space", section 3.1.
    """

    def __init__(self, steps: int, beta: float = 1.0) -> None:
        if not 1 <= steps < math.inf:
            raise UserError(f"A warm-up takes at least 1 step. Received steps={steps!r}.")
        _check_beta(beta)
        self.steps = steps
        self.beta = beta

    def __call__(self, step: Tensor) -> Tensor:
        """The weight at `step`, a float32 scalar."""
        return self.beta * tf.minimum(tf.cast(step, tf.float32) / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"steps": self.steps, "beta": self.beta}


@keras.saving.register_keras_serializable("keras_vae")
class CyclicalWarmup(Schedule):  # type: ignore[misc, valid-type]
    """Rises from 0 to `beta` over the first `ramp` of every `period` steps, then stays.

    Reference:
        Fu et al. (2019), "Cyclical Annealing Schedule: A Simple Approach to Mitigating KL
        Vanishing", equations 6 and 7.
    """

    def __init__(self, period: int, beta: float = 1.0, ramp: float = 0.5) -> None:
        _check_beta(beta)
        if not 1 <= period < math.inf or not 0 < ramp <= 1:
            raise UserError(
                f"A cycle takes at least 1 step and ramps over a share in (0, 1] of it. "
                f"Received period={period!r}, ramp={ramp!r}."
            )
        self.period = period
        self.beta = beta
        self.ramp = ramp

    def __call__(self, step: Tensor) -> Tensor:
        """The weight at `step`, a float32 scalar."""
        phase = tf.cast(tf.cast(step, tf.int64) % self.period, tf.float32) / self.period
        return self.beta * tf.minimum(phase / self.ramp, 1.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"period": self.period, "beta": self.beta, "ramp": self.ramp}


SCHEDULES: dict[str, type[Any]] = {"linear_warmup": LinearWarmup, "cyclical_warmup": CyclicalWarmup}


def get_schedule(spec: Any) -> float | Any:
    """A constant weight, or a schedule from its name, a table with `name`, or an object."""
    if isinstance(spec, Real):
        _check_beta(spec)
        return float(spec)
    return resolve("schedule", spec, SCHEDULES, Schedule)


def _check_beta(beta: Any) -> None:
    if not 0 <= beta < math.inf:
        raise UserError(f"beta must be a finite number, at least 0. Received {beta!r}.")
