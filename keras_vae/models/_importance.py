"""log p(x) by importance sampling, in chunks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models.generative import Generative

_EXAMPLES = 100
_SAMPLES = 10
_VALUES = 4_000_000
"""The most that samples have together at a time, 16 MB: of large images fewer examples are taken. A
decoder's layers hold several times as many."""


class LikelihoodEstimate(NamedTuple):
    """Of each example (num,), from weights w whose mean is p(x).

    Attributes:
        log_likelihood: log of the mean weight, nats: below log p(x) on average, but above it where
            the weights' inverses have the mean 1 / p(x), as for `hmc_marginal_likelihood`.
        standard_error: Of that, nats, as far as the weights tell: where a few carry all of the sum,
            it is too small, as the estimate is.
        effective_sample_size: (sum w)^2 / sum w^2, at most `num_samples`; as if the samples were
            independent, which those of a chain are not.
        num_samples: How many weights each example has, a number.
    """

    log_likelihood: Array
    standard_error: Array
    effective_sample_size: Array
    num_samples: int

    @classmethod
    def of_log_sums(cls, log_sum: Array, log_sum_of_squares: Array, num: int) -> LikelihoodEstimate:
        """From the logarithms of sum w and of sum w^2, of `num` weights.

        The error is the delta method's: Var(mean w) / (mean w)^2 = 1 / ESS - 1 / num. One weight
        tells none: it is NaN then.
        """
        effective_sample_size = np.exp(2.0 * log_sum - log_sum_of_squares)
        relative_variance = np.maximum(1.0 / effective_sample_size - 1.0 / num, 0.0)
        error = np.sqrt(relative_variance) if num > 1 else np.full_like(relative_variance, np.nan)
        return cls(log_sum - np.log(num), error, effective_sample_size, num)

    @classmethod
    def of_log_weights(cls, log_weights: Array) -> LikelihoodEstimate:
        """From log w (samples, num)."""
        first, second = (np.logaddexp.reduce(k * log_weights, axis=0) for k in (1.0, 2.0))
        return cls.of_log_sums(first, second, len(log_weights))


def sums_of_batch(
    model: Generative,
    seed: Tensor,
    num_samples: Tensor,
    x: Tensor,
    condition: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`log_sums` of a batch as it is given: what `importance_sampling` applies."""
    x, condition, noise = model.observation(seed, x, condition)
    return log_sums(model, x, condition, noise, num_samples, _SAMPLES)


def importance_sampling(
    function: Callable[..., tuple[Tensor, Tensor]],
    x: Array,
    *conditions: Array,
    num_samples: int,
    seed: Tensor,
    progress: Callable[[int], object] | None,
) -> LikelihoodEstimate:
    """The estimates of all examples (num,), a few at a time."""
    if num_samples < 1 or num_samples != int(num_samples):
        raise UserError(
            f"Importance sampling takes a whole number of samples, at least 1. "
            f"Received num_samples={num_samples!r}."
        )
    constants = seed, tf.constant(int(num_samples))
    fitting = _VALUES // (_SAMPLES * math.prod(x.shape[1:]))
    examples = max(1, min(_EXAMPLES, fitting))
    parts = []
    for start in range(0, len(x), examples):
        batch = (tf.constant(array[start : start + examples]) for array in (x, *conditions))
        parts.append(np.asarray(function(*constants, *batch)))  # (2, examples)
        if progress is not None:
            progress(parts[-1].shape[1])
    log_sum, log_sum_of_squares = np.concatenate(parts, axis=1)
    return LikelihoodEstimate.of_log_sums(log_sum, log_sum_of_squares, int(num_samples))


def log_sums(
    model: Generative,
    x: Tensor,
    condition: Tensor | None,
    noise: Noise,
    num_samples: int | Tensor,
    samples_at_a_time: int,
) -> tuple[Tensor, Tensor]:
    """The logs of the sums of weights, and of their squares, of observed x: (batch,) each."""
    q, p = model.posterior(x, condition), model.prior(condition)

    def add_chunk(chunk: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        standard = noise.fold(chunk).normal(
            "importance", (samples_at_a_time, model.latent_dim)
        )  # (batch, samples, latent_dim)
        z = q.bijector.forward(tf.transpose(standard, [1, 0, 2]))  # (samples, batch, latent_dim)
        log_weights = (
            model.likelihood(z, condition).log_prob(x) + p.log_prob(z) - q.log_prob(z)
        )  # (samples, batch)
        index = chunk * samples_at_a_time + tf.range(samples_at_a_time)  # (samples,)
        log_weights = tf.where((index < num_samples)[:, tf.newaxis], log_weights, -np.inf)
        powers = tf.stack([log_weights, 2.0 * log_weights])  # (2, samples, batch)
        of_chunk = tf.reduce_logsumexp(powers, axis=1)  # (2, batch)
        return chunk + 1, tf.reduce_logsumexp(tf.stack([sums, of_chunk]), axis=0)

    _, sums = tf.while_loop(
        lambda chunk, _: chunk * samples_at_a_time < num_samples,
        add_chunk,
        (tf.constant(0), tf.fill([2, tf.shape(x)[0]], -np.inf)),
        parallel_iterations=1,
    )
    return sums[0], sums[1]
