"""A model's figures on held-out data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from keras_vae.errors import UserError
from keras_vae.evaluation.annealing import annealed_importance_sampling, bidirectional_monte_carlo
from keras_vae.evaluation.latent import active_units
from keras_vae.models import FittedModel, Generative

ESTIMATORS: Mapping[str, Callable[..., Any]] = {
    "is": Generative.importance_sampling,
    "ais": annealed_importance_sampling,
    "bdmc": bidirectional_monte_carlo,
}
FEW = 0.01
"""A share of the samples; where fewer count, importance sampling tells little."""


def evaluate(
    model: FittedModel,
    x: Any,
    condition: Any = None,
    *,
    likelihood: Mapping[str, Any] | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, float]:
    """The loss and its terms, in nats per example, and for a VAE its active units and likelihood.

    Args:
        model: A compiled model.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        likelihood: As `likelihood_scores` takes it, or None to leave it out.
        seed: Of the likelihood's samples and of the binarization that goes with them.
        progress: Called with the number of examples just done by the likelihood's estimator.

    Returns:
        Name -> mean over the examples.
    """
    scores = dict(model.evaluate(x, condition, batch_size=500, verbose=0, return_dict=True))
    if isinstance(model, Generative):
        scores["active_units"] = active_units(model, x, condition)
        if likelihood is not None:
            scores |= likelihood_scores(
                model, x, condition, **likelihood, seed=seed, progress=progress
            )
    return scores


def likelihood_scores(
    model: Generative,
    x: Any,
    condition: Any = None,
    *,
    estimator: str = "is",
    **arguments: Any,
) -> dict[str, float]:
    """The negative log-likelihood of data, by an estimator of `ESTIMATORS`.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        estimator: "is", importance sampling; "ais", annealed importance sampling; "bdmc", which
            brackets the likelihood of as many examples that the model draws itself.
        **arguments: Of `model.importance_sampling`, `annealed_importance_sampling` or
            `bidirectional_monte_carlo`.

    Returns:
        `nll` (nats), `nll_standard_error` of the mean over the examples, `effective_samples`, their
        median, and `rows_of_few_samples`, the percentage of examples of which less than 1 % of the
        samples count: an alarm, for their `nll` may be far too high. For "bdmc" `own_nll_upper`,
        `own_nll_lower` and their difference `own_nll_gap`.

    Raises:
        UserError: For an unknown estimator.
    """
    if estimator not in ESTIMATORS:
        raise UserError(
            f"Unknown estimator: {estimator!r}. Expected one of {', '.join(ESTIMATORS)}."
        )
    estimate = partial(ESTIMATORS[estimator], model, **arguments)
    if estimator == "bdmc":
        lower, upper = estimate(len(x), condition)
        gap = float(np.mean(upper - lower))
        return {
            "own_nll_upper": -float(np.mean(lower)),
            "own_nll_lower": -float(np.mean(upper)),
            "own_nll_gap": gap,
        }
    log_likelihood, _, effective_samples, num_samples = estimate(x, condition)
    return {
        "nll": -float(np.mean(log_likelihood)),
        "nll_standard_error": float(np.std(log_likelihood, ddof=1) / np.sqrt(len(log_likelihood))),
        "effective_samples": float(np.median(effective_samples)),
        "rows_of_few_samples": 100.0 * float(np.mean(effective_samples < FEW * num_samples)),
    }
