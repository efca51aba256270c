"""log p(x) from samples of p(z|x) and a density that is fitted to them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_vae.errors import UserError, check_counts
from keras_vae.evaluation.chains import Progress, Start
from keras_vae.evaluation.nuts import posterior_samples
from keras_vae.models import Generative, LikelihoodEstimate
from keras_vae.rows import Array

WIDEST = 10
"""The most dimensions of a code that a density is fitted to samples of."""
_KERNELS = 1000
"""At most, of a kernel density."""


def hmc_marginal_likelihood(
    model: Generative,
    x: Any,
    condition: Any = None,
    *,
    start: Start = "posterior",
    num_chains: int = 16,
    num_samples: int = 5000,
    num_burnin: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> LikelihoodEstimate:
    """Log p(x) of each example by the estimator of the AEVB paper, for codes of few dimensions.

    A density q(z) is fitted to samples of p(z|x); then, with as many new samples of it,

        1 / p(x) = E_p(z|x)[q(z) / (p(z) p(x|z))]

    It owes nothing to the encoder but the place where chains begin. On average it is above log p(x)
    where importance sampling and annealing are below, so that the two bracket it, as far as the
    chains have met (`posterior_samples`). The density is one of Normal kernels, shrunk so that its
    mean and covariance are those of the samples.

    Args:
        model: A model with a prior, and a code of at most 10 dimensions; the paper's advice is less
            than 5.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        start: As in `posterior_samples`.
        num_chains: For each example.
        num_samples: Of each example in each of the two sets, of all its chains.
        num_burnin: As in `posterior_samples`.
        seed: The same.
        progress: The same.

    Returns:
        `log_likelihood` and `standard_error` (nats), the error from the spread of half-chains'
        means, and `effective_sample_size`, (num,) each, and `num_samples`, those of the second set.
        An example whose chains stand still has NaN.

    Raises:
        UserError: For a number below 1 or too few samples, an unknown start, or a wide code.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix D; West (1993),
        "Approximating Posterior Distributions by Mixtures", for the kernels.
    """
    check_counts(num_chains=num_chains, num_samples=num_samples)
    if model.latent_dim > WIDEST:
        raise UserError(
            f"No density fits samples of {model.latent_dim} dimensions well, and this estimator "
            f"takes codes of at most {WIDEST}: use annealed importance sampling, `ais`."
        )
    if num_samples <= model.latent_dim + 1 or num_samples < 2 * num_chains:
        raise UserError(
            f"A density of {model.latent_dim} dimensions is fitted to {model.latent_dim + 2} "
            f"samples or more, two of each chain at least. Received num_samples={num_samples!r} "
            f"for num_chains={num_chains!r}: take more."
        )
    half = math.ceil(num_samples / num_chains)
    found = posterior_samples(
        model,
        x,
        condition,
        start=start,
        num_chains=num_chains,
        num_samples=2 * half,
        num_burnin=num_burnin,
        seed=seed,
        progress=progress,
    )
    log_weights = np.stack(
        [
            found.log_joint[half:, :, row] - _log_density(z[:half], z[half:])
            for row, z in enumerate(np.moveaxis(found.z.astype(np.float64), 2, 0))
        ],
        axis=2,
    )  # (half, num_chains, num)
    return _inverted(log_weights)


def _inverted(log_weights: Array) -> LikelihoodEstimate:
    """From log w (samples, chains, num), of which the mean of 1 / w is 1 / p(x)."""
    inverse = LikelihoodEstimate.of_log_weights(
        -log_weights.reshape(-1, log_weights.shape[2])
    )  # of 1 / p(x)
    relative = np.exp(-log_weights - inverse.log_likelihood)  # 1 / w over their mean
    halves = np.array_split(relative, 2)
    means = np.concatenate([part.mean(axis=0) for part in halves])  # (2 * chains, num)
    return inverse._replace(
        log_likelihood=-inverse.log_likelihood,
        standard_error=means.std(axis=0, ddof=1) / math.sqrt(len(means)),
    )


def _log_density(samples: Array, z: Array) -> Array:
    """Log q(z) of z (*batch, latent_dim), of kernels at samples (samples, chains, latent_dim).

    In coordinates where the samples have covariance I, kernels of width h stand at sqrt(1 - h^2)
    times each sample, so that the density's covariance is I too; h is the normal reference rule's.
    Of many samples every n-th of each chain has a kernel.
    """
    samples = np.swapaxes(samples, 0, 1).reshape(-1, samples.shape[-1])  # (num, latent_dim)
    num, dim = samples.shape
    mean, covariance = samples.mean(axis=0), np.atleast_2d(np.cov(samples.T))
    try:
        triangle = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:  # chains that stand still have no density
        return np.full(z.shape[:-1], np.nan)
    to_unit = np.linalg.inv(triangle).T
    kernels = ((samples - mean) @ to_unit)[:: math.ceil(num / _KERNELS)]  # (kernels, latent_dim)
    width = min(1.0, (4.0 / ((dim + 2) * len(kernels))) ** (1.0 / (dim + 4)))
    points = (z.reshape(-1, dim) - mean) @ to_unit / width  # (points, latent_dim)
    centres = math.sqrt(1.0 - width**2) * kernels / width
    distances = (
        np.square(points).sum(axis=1)[:, np.newaxis]
        + np.square(centres).sum(axis=1)
        - 2.0 * points @ centres.T
    )  # (points, kernels)
    nearest = distances.min(axis=1, keepdims=True)
    log_sums = np.log(np.exp((nearest - distances) / 2.0).sum(axis=1)) - nearest[:, 0] / 2.0
    log_volume = dim * math.log(math.sqrt(2.0 * math.pi) * width) + np.log(np.diag(triangle)).sum()
    return (log_sums - math.log(len(kernels)) - log_volume).reshape(z.shape[:-1])
