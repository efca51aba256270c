"""Samples of the exact posterior p(z|x), by the No-U-Turn sampler."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.errors import UserError, check_counts
from keras_vae.evaluation.chains import (
    Progress,
    Start,
    check_start,
    key,
    observed_batches,
    start_chains,
)
from keras_vae.models import Generative
from keras_vae.noise import Tensor
from keras_vae.rows import Array

_ACCEPTANCE = 0.8
"""Of proposals: what step sizes are tuned to."""
_MAX_TREE_DEPTH = 8
"""At most 2^8 - 1 leapfrog steps from one sample to the next."""


class PosteriorSamples(NamedTuple):
    """Samples of p(z|x), and what says whether they are any.

    Attributes:
        z: (num_samples, num_chains, num, latent_dim).
        log_joint: Of each, log p(x, z), nats, (num_samples, num_chains, num).
        r_hat: The potential scale reduction of each example and dimension (num, latent_dim), of
            half-chains: near 1 where chains agree, above 1.05 or so where they do not yet.
        acceptance: The mean probability that proposals are accepted, of each example (num,).
    """

    z: Array
    log_joint: Array
    r_hat: Array
    acceptance: Array


def posterior_samples(
    model: Generative,
    x: Any,
    condition: Any = None,
    *,
    start: Start = "posterior",
    num_chains: int = 4,
    num_samples: int = 500,
    num_burnin: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> PosteriorSamples:
    """Draws codes from p(z|x), or p(z|x,c), of each example: what the encoder approximates.

    Each example has its own step size, as long in each dimension as the encoder's posterior is
    wide, times a factor that dual averaging tunes to an acceptance of 0.8 while the chains burn in.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        start: Where chains begin, at samples of: "posterior", the encoder's, or "prior".
        num_chains: For each example.
        num_samples: Of each chain, after `num_burnin`; at least 4.
        num_burnin: Samples of each chain that are thrown away, and tune the step size before.
        seed: Of all noise; of binarization as in `model.log_likelihood`.
        progress: Called with the number of examples just done.

    Returns:
        `z`, `log_joint`, `r_hat` and `acceptance`.

    Raises:
        UserError: For a number too small, or an unknown start.

    Reference:
        Hoffman and Gelman (2014), "The No-U-Turn Sampler", algorithm 6; Brooks and Gelman (1998),
        "General Methods for Monitoring Convergence of Iterative Simulations", for `r_hat`.
    """
    check_counts(num_chains=num_chains, num_burnin=num_burnin)
    check_start(start)
    if num_samples < 4:
        raise UserError(
            f"R-hat compares halves of chains of at least 4 samples. Received {num_samples=}: take "
            "more."
        )
    # Without XLA, which takes as long for a step and far longer to compile one.
    program = model.program(_chains, jit_compile=False)
    lengths = tf.constant(num_burnin), tf.constant(num_samples)
    parts = []
    for number, (observed, given, noise) in enumerate(
        observed_batches(model, x, condition, seed, progress)
    ):
        z = start_chains(model, start, num_chains, observed, given, noise)
        chains = program(*lengths, observed, given, z, tf.constant(key(seed, number)))
        parts.append([tensor.numpy() for tensor in chains])
    z, log_joint, acceptance = (
        np.concatenate(tensors, axis=2)[:, :, : len(x)] for tensors in zip(*parts, strict=True)
    )
    # TensorFlow Probability's is of variances; R-hat is of standard deviations.
    ratio = tfp.mcmc.potential_scale_reduction(z, independent_chain_ndims=1, split_chains=True)
    return PosteriorSamples(z, log_joint, np.sqrt(ratio), acceptance.mean(axis=(0, 1)))


def _chains(
    model: Generative,
    num_burnin: Tensor,
    num_samples: Tensor,
    x: Tensor,
    condition: Tensor | None,
    z: Tensor,
    seed: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """From z (chains, batch, latent_dim): z, log p(x, z) and acceptance, (samples, *) each."""
    p = model.prior(condition)

    def log_joint(z: Tensor) -> Tensor:
        return model.likelihood(z, condition).log_prob(x) + p.log_prob(z)  # (chains, batch)

    widths = model.posterior(x, condition).stddev()  # (batch, latent_dim)
    kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
        tfp.mcmc.NoUTurnSampler(log_joint, 0.5 * widths, _MAX_TREE_DEPTH),
        num_adaptation_steps=num_burnin * 4 // 5,
        target_accept_prob=_ACCEPTANCE,
    )
    z, (log_joints, log_acceptance) = tfp.mcmc.sample_chain(
        num_samples,
        z,
        kernel=kernel,
        num_burnin_steps=num_burnin,
        trace_fn=lambda _, results: (
            results.inner_results.target_log_prob,
            results.inner_results.log_accept_ratio,
        ),
        seed=seed,
    )
    return z, log_joints, tf.exp(tf.minimum(log_acceptance, 0.0))
