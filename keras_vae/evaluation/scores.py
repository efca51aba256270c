"""A model's figures on held-out data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_vae.errors import UserError
from keras_vae.evaluation.annealing import annealed_importance_sampling, bidirectional_monte_carlo
from keras_vae.evaluation.latent import active_units
from keras_vae.evaluation.marginal_likelihood import hmc_marginal_likelihood
from keras_vae.models import FittedModel, Generative, LikelihoodEstimate

ESTIMATORS: Mapping[str, Callable[..., Any]] = {
    "is": Generative.importance_sampling,
    "ais": annealed_importance_sampling,
    "bdmc": bidirectional_monte_carlo,
    "hmc": hmc_marginal_likelihood,
}
FEW = 0.01
"""A share of the samples; where fewer count, or less than two, an estimate tells little."""


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
        likelihood: What `likelihood_scores` takes beside, but the seed, or None to leave it out.
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
            brackets the likelihood of as many examples that the model draws itself; "hmc", samples
            of p(z|x) and a density fitted to them, for codes of few dimensions.
        **arguments: Of `model.importance_sampling`, `annealed_importance_sampling`,
            `bidirectional_monte_carlo` or `hmc_marginal_likelihood`.

    Returns:
        `nll` (nats), `nll_standard_error` of the mean over several examples, `effective_samples`,
        their median, and `rows_of_few_samples`, the percentage of examples of which less than 1 %
        of the samples count, or less than two: an alarm, for their `nll` may be far off. It is an
        upper bound on average, and of "hmc" a lower one. For "bdmc" `own_nll_upper`,
        `own_nll_lower` and their difference `own_nll_gap`.

    Raises:
        UserError: For an unknown estimator, or a model that it does not serve.
    """
    if estimator == "bdmc":
        _check_generative(model)
        lower, upper = bidirectional_monte_carlo(model, len(x), condition, **arguments)
        gap = float(np.mean(upper - lower))
        return {
            "own_nll_upper": -float(np.mean(lower)),
            "own_nll_lower": -float(np.mean(upper)),
            "own_nll_gap": gap,
        }
    log_likelihood, _, effective_samples, num_samples = estimated_likelihood(
        model, x, condition, estimator=estimator, **arguments
    )
    scores = {"nll": -float(np.mean(log_likelihood))}
    if (num := len(log_likelihood)) > 1:
        scores["nll_standard_error"] = float(np.std(log_likelihood, ddof=1) / np.sqrt(num))
    are_few = ~(effective_samples >= max(FEW * num_samples, 2.0))  # (num,); NaN is none
    return {
        **scores,
        "effective_samples": float(np.median(effective_samples)),
        "rows_of_few_samples": 100.0 * float(np.mean(are_few)),
    }


def estimated_likelihood(
    model: Generative,
    x: Any,
    condition: Any = None,
    *,
    estimator: str = "is",
    **arguments: Any,
) -> LikelihoodEstimate:
    """Log p(x) of each example by an estimator of `ESTIMATORS` but "bdmc".

    Args:
        model: As in `likelihood_scores`, like all that follow.
        x: The same.
        condition: The same.
        estimator: The same.
        **arguments: The same.

    Raises:
        UserError: For another estimator, or a model that it does not serve.
    """
    if estimator not in ESTIMATORS:
        raise UserError(
            f"Unknown estimator: {estimator!r}. Expected one of {', '.join(ESTIMATORS)}."
        )
    if estimator == "bdmc":
        raise UserError(
            "'bdmc' brackets the likelihood of what the model draws itself, not of given data: "
            "choose another estimator, such as 'ais'."
        )
    _check_generative(model)
    estimate: LikelihoodEstimate = ESTIMATORS[estimator](model, x, condition, **arguments)
    return estimate


def _check_generative(model: Any) -> None:
    if not isinstance(model, Generative):
        raise UserError(f"This {type(model).__name__} has no likelihood of data: give a VAE.")
