"""Why the ELBO is below log p(x): the family of q, and the encoder that chooses within it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.distributions import DiagonalNormal, MultivariateNormalTriL
from keras_vae.errors import UserError, check_counts
from keras_vae.evaluation.chains import batches
from keras_vae.evaluation.scores import estimated_likelihood
from keras_vae.models import VAE, MonteCarloKL
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array

_AIS: Mapping[str, Any] = MappingProxyType({"estimator": "ais"})
_LEARNING_RATE = 0.05
"""Of Adam at its first step; it falls to 0 in a straight line."""
_SAMPLES = 10
"""At a time, and in each step."""


class InferenceGaps(NamedTuple):
    """Of each example (num,), nats: log p(x), and the ELBO of its best q and of the encoder's.

    Attributes:
        log_likelihood: By an estimator.
        refined_elbo: Of the best q of the encoder's family for this example alone.
        elbo: Of the encoder's q.
    """

    log_likelihood: Array
    refined_elbo: Array
    elbo: Array

    @property
    def approximation(self) -> Array:
        """What the family of q costs, (num,) nats: KL(q || p(z|x)) of the best q."""
        return self.log_likelihood - self.refined_elbo

    @property
    def amortization(self) -> Array:
        """What one encoder for all examples costs beyond that, (num,) nats."""
        return self.refined_elbo - self.elbo


def inference_gaps(
    model: VAE,
    x: Any,
    condition: Any = None,
    *,
    likelihood: Mapping[str, Any] = _AIS,
    num_steps: int = 500,
    num_samples: int = 1000,
    seed: int = 0,
) -> InferenceGaps:
    """Splits log p(x) - ELBO = KL(q || p(z|x)) into an approximation and an amortization gap.

    For each example q is refined: its parameters, beginning with the encoder's, are moved by Adam
    to the largest ELBO. Both ELBOs are then estimated from the same new samples.

    Args:
        model: A VAE with the posterior "normal" or "multivariate_normal_tril".
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        likelihood: An estimator of log p(x) and its arguments, as `likelihood_scores` takes them,
            but "bdmc" and the seed.
        num_steps: Of Adam.
        num_samples: Of both ELBOs, rounded up to a multiple of 10.
        seed: Of all noise; of binarization as in `model.log_likelihood`.

    Returns:
        `log_likelihood`, `refined_elbo` and `elbo`, (num,) each, nats; `approximation` and
        `amortization` add up to `log_likelihood - elbo`.

    Raises:
        UserError: For another posterior, an unknown estimator, or a number below 1.

    Reference:
        Cremer, Li and Duvenaud (2018), "Inference Suboptimality in Variational Autoencoders",
        table 1.
    """
    check_counts(num_steps=num_steps, num_samples=num_samples)
    if not isinstance(model.posterior_layer, (DiagonalNormal, MultivariateNormalTriL)):
        raise UserError(
            "q is refined by its own mean and covariance, so it is to be Normal. Received "
            f'{type(model.posterior_layer).__name__}: fit a model with the posterior "normal" or '
            '"multivariate_normal_tril".'
        )
    log_likelihood = estimated_likelihood(
        model, x, condition, **likelihood, seed=seed
    ).log_likelihood
    jit_compile = model.supports_jit and bool(model.posterior_layer.supports_jit)
    program = model.program(_elbos, jit_compile=jit_compile)
    counts = tf.constant(num_steps), tf.constant(-(-num_samples // _SAMPLES))
    parts = [
        program(tf.constant(seed), *counts, *map(tf.constant, arrays)).numpy()
        for arrays in batches(*model.data_arrays(x, condition))
    ]
    elbo, refined = np.concatenate(parts, axis=1)[:, : len(x)]
    return InferenceGaps(log_likelihood, refined, elbo)


def _elbos(
    model: VAE,
    seed: Tensor,
    num_steps: Tensor,
    num_chunks: Tensor,
    x: Tensor,
    condition: Tensor | None = None,
) -> Tensor:
    """The ELBO of the encoder's q and of the refined one, (2, batch)."""
    x, condition, noise = model.observation(seed, x, condition)
    estimator, p = MonteCarloKL(_SAMPLES), model.prior(condition)

    def elbo(params: Tensor, noise: Noise) -> Tensor:
        q = model.posterior_layer.distribution(params)
        reconstruction, kl = estimator(
            q, p, lambda z: model.likelihood(z, condition).log_prob(x), noise
        )
        return -(reconstruction + kl[:, 0])  # (batch,)

    inputs = x if condition is None else [x, condition]
    params = tf.cast(model.encoder(inputs, training=False), tf.float32)  # (batch, *params_shape)
    refined = _maximized(lambda params, step: elbo(params, noise.fold(step)), params, num_steps)

    def add_chunk(chunk: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        of_chunk = noise.fold(num_steps + chunk)
        return chunk + 1, sums + tf.stack([elbo(q, of_chunk) for q in (params, refined)])

    _, sums = tf.while_loop(
        lambda chunk, _: chunk < num_chunks,
        add_chunk,
        (tf.constant(0), tf.zeros([2, tf.shape(x)[0]])),
        parallel_iterations=1,
    )
    return sums / tf.cast(num_chunks, tf.float32)


def _maximized(function: Any, params: Tensor, num_steps: Tensor) -> Tensor:
    """Params (batch, size) moved by Adam to where function(params, step) (batch,) is largest.

    Reference:
        Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", algorithm 1.
    """

    def take_step(step: Tensor, params: Tensor, mean: Tensor, square: Tensor) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            tape.watch(params)
            value = function(params, step)
        gradient = tape.gradient(value, params)  # (batch, size)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * tf.square(gradient)
        time = tf.cast(step, tf.float32)
        rate = _LEARNING_RATE * (1.0 - time / tf.cast(num_steps, tf.float32))
        first, second = mean / (1.0 - 0.9 ** (time + 1.0)), square / (1.0 - 0.999 ** (time + 1.0))
        return step + 1, params + rate * first / (tf.sqrt(second) + 1e-8), mean, square

    zeros = tf.zeros_like(params)
    _, params, *_ = tf.while_loop(
        lambda step, *_: step < num_steps,
        take_step,
        (tf.constant(0), params, zeros, zeros),
        parallel_iterations=1,
    )
    return params
