"""How noisy the gradient of a model's loss is, for one batch and many draws of the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError, check_counts
from keras_vae.models import LatentModel
from keras_vae.noise import Noise, Tensor
from keras_vae.seeds import check_seed


class GradientNoise(NamedTuple):
    """Of the gradient of a batch's mean loss, over draws of the model's noise.

    Attributes:
        variance: Of one parameter, the mean over all parameters; squared nats for parameters
            without a unit.
        signal_to_noise: The norm of the mean gradient by the root of the summed variances. Below 1,
            a step is mostly noise.
    """

    variance: float
    signal_to_noise: float


def gradient_noise(
    model: LatentModel,
    x: Any,
    condition: Any = None,
    *,
    variables: Sequence[Any] | None = None,
    num_draws: int = 100,
    seed: int = 0,
) -> GradientNoise:
    """Variance and signal-to-noise ratio of the gradient that one training step would take.

    The batch stays the same, binarized once where the likelihood does so; what changes is the noise
    of the objective, such as the posterior's samples. It tells gradient estimators apart: models
    that share their networks and differ in an argument.

    Args:
        model: Any model; it is left as it is.
        x: One batch of data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        variables: Which trainable weights; None for the encoder's.
        num_draws: How many gradients, at least 2.
        seed: Of all noise.

    Raises:
        UserError: For fewer than two draws, and for data that the model cannot take.

    Reference:
        Rainforth et al. (2018), "Tighter Variational Bounds are Not Necessarily Better", section 3,
        for the signal-to-noise ratio, there of each parameter.
    """
    check_seed(seed)
    check_counts(num_draws=num_draws)
    if num_draws < 2:
        raise UserError(f"A variance takes at least 2 draws. Received num_draws={num_draws!r}.")
    rows, *conditions = model.data_arrays(x, condition)
    observed, given, _ = model.observation(seed, rows, conditions[0] if conditions else None)
    weights = [
        getattr(variable, "value", variable)
        for variable in (model.encoder.trainable_variables if variables is None else variables)
    ]
    before = [np.array(variable) for variable in model.non_trainable_variables]
    sums = _summed(model, observed, given, weights, num_draws, seed)
    for variable, value in zip(model.non_trainable_variables, before, strict=True):
        variable.assign(value)
    squared_mean, squared_deviations, size = (float(value) for value in sums)
    variance = squared_deviations / (num_draws - 1)  # of all parameters
    # The squared norm of a mean of draws has their noise in it.
    signal = max(squared_mean - variance / num_draws, 0.0)
    ratio = math.sqrt(signal / variance) if variance else math.inf
    return GradientNoise(variance / size, ratio)


def _summed(
    model: LatentModel,
    x: Tensor,
    condition: Tensor | None,
    weights: list[Tensor],
    num_draws: int,
    seed: int,
) -> tuple[Tensor, Tensor, int]:
    """The squared norm of the mean gradient, the summed squared deviations, and the parameters."""

    def gradient(draw: Tensor) -> list[Tensor]:
        noise = Noise.for_step(seed, draw, tf.range(tf.shape(x)[0]))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            terms = model.loss_terms(x, condition, noise, training=True)
            factors = model.loss_weights()
            losses = [factors.get(name, 1.0) * term for name, term in terms.items()]  # (num,) each
            loss = tf.reduce_mean(tf.add_n(losses))
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        return [tf.cast(gradient, tf.float32) for gradient in gradients]

    @tf.function(autograph=False)
    def run() -> tuple[Tensor, Tensor]:
        def add(draw: Tensor, means: list[Tensor], deviations: Tensor) -> tuple[Any, ...]:
            # Welford's updates: differences of large sums would leave nothing of a small variance.
            count = tf.cast(draw + 1, tf.float32)
            steps = [new - mean for new, mean in zip(gradient(draw), means, strict=True)]
            means = [mean + step / count for mean, step in zip(means, steps, strict=True)]
            squares = tf.add_n([tf.reduce_sum(step**2) for step in steps])
            return draw + 1, means, deviations + squares * (count - 1.0) / count

        zeros = [tf.zeros(weight.shape) for weight in weights]
        _, means, deviations = tf.while_loop(
            lambda draw, *_: draw < num_draws,
            add,
            (0, zeros, tf.zeros([])),
            parallel_iterations=1,
            maximum_iterations=num_draws,
        )
        return tf.add_n([tf.reduce_sum(mean**2) for mean in means]), deviations

    # One call of it: TensorFlow would warn of functions that are traced for each.
    found = run.get_concrete_function()()
    return (*found, sum(math.prod(weight.shape) for weight in weights))
