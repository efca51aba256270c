"""log p(x) by importance sampling, in chunks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

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
"""At a time: fewer examples where their samples have more values, as 16 MB of large images. A
decoder's layers hold several times as many."""


def compiled(model: Generative) -> Callable[..., Tensor]:
    """`log_likelihood` of one batch: a function of seed, number of samples, x and condition."""

    @tf.function(reduce_retracing=True, autograph=False, jit_compile=model.supports_jit)
    def batch_log_likelihood(
        seed: Tensor, num_samples: Tensor, x: Tensor, condition: Tensor | None = None
    ) -> Tensor:
        x, condition = model.as_inputs(x, condition)
        noise = Noise.for_rows(seed, x)
        x = model.likelihood_layer.observe(x, noise)
        return log_mean_weight(model, x, condition, noise, num_samples, _SAMPLES)

    return batch_log_likelihood


def log_likelihood(
    function: Callable[..., Tensor],
    x: Array,
    *conditions: Array,
    num_samples: int,
    seed: int,
    progress: Callable[[int], object] | None,
) -> Array:
    """The log of the mean importance weight of each example (num,), in nats."""
    if num_samples < 1 or num_samples != int(num_samples):
        raise UserError(
            f"log_likelihood takes a whole number of samples, at least 1. "
            f"Received num_samples={num_samples!r}."
        )
    constants = tf.constant(seed), tf.constant(int(num_samples))
    fitting = _VALUES // (_SAMPLES * math.prod(x.shape[1:]))
    examples = max(1, min(_EXAMPLES, fitting))
    parts = []
    for start in range(0, len(x), examples):
        batch = (tf.constant(array[start : start + examples]) for array in (x, *conditions))
        parts.append(np.asarray(function(*constants, *batch)))
        if progress is not None:
            progress(len(parts[-1]))
    return np.concatenate(parts)


def log_mean_weight(
    model: Generative,
    x: Tensor,
    condition: Tensor | None,
    noise: Noise,
    num_samples: int | Tensor,
    samples_at_a_time: int,
) -> Tensor:
    """The same for a batch of observed x, in a graph: (batch,)."""
    q, p = model.posterior(x, condition), model.prior(condition)

    def add_chunk(chunk: Tensor, log_sum: Tensor) -> tuple[Tensor, Tensor]:
        standard = noise.fold(chunk).normal(
            "importance", (samples_at_a_time, model.latent_dim)
        )  # (batch, samples, latent_dim)
        z = q.bijector.forward(tf.transpose(standard, [1, 0, 2]))  # (samples, batch, latent_dim)
        log_weights = (
            model.likelihood(z, condition).log_prob(x) + p.log_prob(z) - q.log_prob(z)
        )  # (samples, batch)
        index = chunk * samples_at_a_time + tf.range(samples_at_a_time)  # (samples,)
        log_weights = tf.where((index < num_samples)[:, tf.newaxis], log_weights, -np.inf)
        chunk_log_sum = tf.reduce_logsumexp(log_weights, axis=0)  # (batch,)
        return chunk + 1, tf.reduce_logsumexp(
            tf.stack([log_sum, chunk_log_sum]), axis=0
        )  # (batch,)

    _, log_sum = tf.while_loop(
        lambda chunk, _: chunk * samples_at_a_time < num_samples,
        add_chunk,
        (tf.constant(0), tf.fill([tf.shape(x)[0]], -np.inf)),
        parallel_iterations=1,
    )
    return log_sum - tf.math.log(tf.cast(num_samples, tf.float32))
