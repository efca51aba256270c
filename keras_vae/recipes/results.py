"""What a fit or an evaluation reports about a model on the test rows."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from typing import Any

from keras_vae import __version__, evaluation
from keras_vae.datasets import Dataset
from keras_vae.distributions import Bernoulli
from keras_vae.models import LatentModel

_OTHER_UNITS = {"active_units": "units"}
_PACKAGES = ("keras", "tensorflow", "tensorflow-probability", "numpy")


def evaluate(
    model: LatentModel,
    dataset: Dataset,
    *,
    num_samples: int = 0,
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Measures a model on the test rows, and says under which protocol.

    Args:
        model: A compiled model.
        dataset: Where the test rows come from.
        num_samples: Importance samples per row for the negative log-likelihood, 0 for none.
        limit: Only the first so many test rows.
        seed: Of the importance samples.
        progress: Called with the number of rows just done.

    Returns:
        `metrics`, name -> number averaged over the rows; `units` of those, where "nats" are nats
        per example; and what they were measured on and how: `data`, `protocol`, `test_rows`, and
        for a likelihood `num_samples` and `seed`.
    """
    metrics = evaluation.evaluate(
        model,
        dataset.x_test[:limit],
        conditions(model, dataset.y_test, limit),
        num_samples=num_samples,
        seed=seed,
        progress=progress,
    )
    samples = {"num_samples": num_samples, "seed": seed} if "nll" in metrics else {}
    return {
        "data": dataset.name,
        "protocol": _protocol(model),
        "test_rows": len(dataset.x_test[:limit]),
        **samples,
        "metrics": metrics,
        "units": {name: _OTHER_UNITS.get(name, "nats") for name in metrics},
    }


def conditions(model: LatentModel, y: Any, limit: int | None = None) -> Any:
    """The labels that the model takes beside x: none, unless it is conditional."""
    return None if model.condition_dim is None or y is None else y[:limit]


def versions() -> dict[str, str]:
    """The versions of what the numbers depend on."""
    packages = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"keras-vae": __version__, **packages, "python": platform.python_version()}


def _protocol(model: LatentModel) -> str:
    """What the data were made into; likelihoods under different protocols do not compare."""
    likelihood = model.likelihood_layer
    if isinstance(likelihood, Bernoulli) and likelihood.binarization is not None:
        return f"{likelihood.binarization} binarization"
    return "no binarization"
