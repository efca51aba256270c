"""A model's figures on held-out data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_vae.evaluation.latent import active_units
from keras_vae.models import Generative, LatentModel


def evaluate(
    model: LatentModel,
    x: Any,
    condition: Any = None,
    *,
    num_samples: int = 0,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, float]:
    """The loss and its terms, in nats per example, and for a VAE its active units and likelihood.

    Args:
        model: A compiled model.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        num_samples: Importance samples per example for `nll`, the negative log-likelihood, and
            `nll_standard_error`, of its mean over the examples; 0 leaves both out.
        seed: Of the importance samples and of the binarization that goes with them.
        progress: Called with the number of examples just done by the importance sampling.

    Returns:
        Name -> mean over the examples.
    """
    scores = dict(model.evaluate(x, condition, batch_size=500, verbose=0, return_dict=True))
    if isinstance(model, Generative):
        scores["active_units"] = active_units(model, x, condition)
        if num_samples:
            log_likelihood = model.log_likelihood(
                x, condition, num_samples=num_samples, seed=seed, progress=progress
            )
            scores["nll"] = -float(np.mean(log_likelihood))
            scores["nll_standard_error"] = float(
                np.std(log_likelihood, ddof=1) / np.sqrt(len(log_likelihood))
            )
    return scores
