"""What a fit or an evaluation reports about a model on the test rows."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_vae import __version__, evaluation
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.models import FittedModel, Generative, LatentModel
from keras_vae.recipes.opened import Opened

_OTHER_UNITS = {
    "accuracy": "%",
    "judged_accuracy": "%",
    "active_units": "units",
    "squared_error": "per row",
    "pca_squared_error": "per row",
    "jacobian_norm": "",
    "saturated_units": "%",
    "effective_samples": "samples",
    "rows_of_few_samples": "%",
}
_PACKAGES = ("keras", "tensorflow", "tensorflow-probability", "numpy")


def evaluate(
    model: FittedModel,
    dataset: Dataset,
    *,
    likelihood: Mapping[str, Any] | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Measures a model on the test rows, and says under which protocol.

    Args:
        model: A compiled model.
        dataset: Where the test rows come from.
        likelihood: How to estimate the negative log-likelihood, as `evaluation.likelihood_scores`
            takes it, or None to leave it out.
        limit: Only the first so many test rows.
        seed: Of the likelihood's samples.
        progress: Called with the number of rows just done.

    Returns:
        `metrics`, name -> number averaged over the rows; `units` of those, where "nats" are nats
        per example; and what they were measured on and how: `data`, `protocol`, `test_rows`, and
        for a likelihood `likelihood`, with its seed.
    """
    metrics = evaluation.evaluate(
        model,
        dataset.x_test[:limit],
        conditions(model, dataset.y_test, limit),
        likelihood=likelihood,
        seed=seed,
        progress=progress,
    )
    how = {}
    if likelihood is not None and isinstance(model, Generative):
        how = {"likelihood": {**likelihood, "seed": seed}}
    return {
        "data": dataset.name,
        "protocol": model.protocol,
        "test_rows": len(dataset.x_test[:limit]),
        **how,
        "metrics": metrics,
        "units": _units(metrics),
    }


def probe(
    model: LatentModel,
    dataset: Dataset,
    *,
    num_labels: Sequence[int | None] = (100, 1000, None),
    limit: int | None = None,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Measures what a model's code is worth: classifiers trained on it, and what it keeps.

    Args:
        model: A model without a condition.
        dataset: Where the rows and their labels come from.
        num_labels: Of how many training rows the classifiers see the labels; None for all.
        limit: Only the first so many test rows.
        seed: Of the choice of labelled rows.
        progress: Called with 1 after each classifier.

    Returns:
        `metrics` and `units` of the code, and `probes`: name of the classifier -> number of labels
        -> share of the test rows that it gets wrong, in percent.

    Raises:
        UserError: For a conditional model, or data without integer labels.
    """
    if model.condition_dim is not None:
        raise UserError(
            f"This {type(model).__name__} is told the label, so its code says little of it: probe "
            "a model without a condition."
        )
    if dataset.num_classes is None or dataset.y_train is None or dataset.y_test is None:
        raise UserError(
            f"Probes need integer labels, and {dataset.name!r} has none: give y_train and y_test."
        )
    x_test = dataset.x_test[:limit]
    scores = evaluation.code_scores(model, dataset.x_train, x_test)
    probes = evaluation.probe_errors(
        evaluation.code_vectors(model, dataset.x_train),
        dataset.y_train,
        evaluation.code_vectors(model, x_test),
        dataset.y_test[:limit],
        num_labels=num_labels,
        seed=seed,
        progress=progress,
    )
    return {"metrics": scores, "units": _units(scores), "probes": probes}


def judge(
    opened: Opened,
    other: Opened,
    dataset: Dataset,
    *,
    num_per_class: int = 1000,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Any]:
    """Measures how many of a model's samples a classifier calls by the label that was asked for.

    Args:
        opened: A conditional model.
        other: The classifier.
        dataset: What the model was fitted to.
        num_per_class: Samples of each label.
        seed: Of the samples.
        progress: Called with the number of samples just judged.

    Returns:
        `metrics` and `units` of the samples, and what is known of the `judge`: its `model`, its own
        `accuracy` on the test rows in % or None, and the number of `samples` of the other.

    Raises:
        UserError: For a model that is told no label, or a judge of other data or classes.
    """
    fitted_to = [each.recipe.data["name"] for each in (opened, other) if each.recipe is not None]
    if len(set(fitted_to)) > 1:
        raise UserError(
            f"{opened.name!r} was fitted to {fitted_to[0]!r}, and its judge to {fitted_to[1]!r}: "
            "fit a judge to the same data."
        )
    if opened.model.takes_y and dataset.num_classes is None:
        raise UserError(
            f"The conditions of {dataset.name!r} are values, and a judge knows labels: judge a "
            "model whose condition is a label."
        )
    metrics = {
        "judged_accuracy": evaluation.judged_accuracy(
            opened.model, other.judge, num_per_class=num_per_class, seed=seed, progress=progress
        )
    }
    return {
        "metrics": metrics,
        "units": _units(metrics),
        "judge": {
            "model": other.name,
            "accuracy": other.report.get("metrics", {}).get("accuracy"),
            "samples": num_per_class * other.judge.num_classes,
        },
    }


def conditions(model: FittedModel, y: Any, limit: int | None = None) -> Any:
    """The labels that the model takes beside x: none, unless it needs them."""
    return y[:limit] if model.takes_y and y is not None else None


def condition_kind(model: FittedModel, dataset: Dataset) -> dict[str, str]:
    """`condition` of a conditional model's report: "label", or "values" where it is no label."""
    if not model.condition_dim:
        return {}
    return {"condition": "values" if dataset.num_classes is None else "label"}


def versions() -> dict[str, str]:
    """The versions of what the numbers depend on."""
    packages = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"keras-vae": __version__, **packages, "python": platform.python_version()}


def _units(metrics: Mapping[str, float]) -> dict[str, str]:
    return {name: _OTHER_UNITS.get(name, "nats") for name in metrics}
