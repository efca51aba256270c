"""Whether a model draws what it is asked for, by the word of a classifier."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keras_vae.errors import UserError
from keras_vae.models import Classifier, FittedModel, Generative, LatentModel


def judged_accuracy(
    model: FittedModel,
    judge: Classifier,
    *,
    num_per_class: int = 1000,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> float:
    """Draws samples of every label, and counts those that a judge calls by their label.

    The samples are the likelihood's means for codes of the prior, as of `model.sample`.

    Args:
        model: A generative model whose condition is a label: one of values, as many as there are
            classes, cannot be told from it.
        judge: A classifier of the same data.
        num_per_class: Samples of each label.
        seed: Of the samples.
        progress: Called with the number of samples just judged.

    Returns:
        Share of the samples that the judge calls by their label, in percent.

    Raises:
        UserError: For a model that is told no label, and for a judge of other data or classes.
    """
    name = type(model).__name__
    if not (
        isinstance(model, LatentModel)
        and isinstance(model, Generative)
        and model.condition_dim is not None
    ):
        raise UserError(
            f"A judge tells whether a sample shows the label that was asked for, and a {name} is "
            "asked for none: judge a CVAE."
        )
    if judge.event_shape != model.event_shape:
        raise UserError(
            f"The judge takes rows of shape {judge.event_shape}, and the {name} draws "
            f"{model.event_shape}: fit a judge to the data of the {name}."
        )
    if judge.num_classes != model.condition_dim:
        raise UserError(
            f"The judge tells {judge.num_classes} classes apart, and the {name} is told one of "
            f"{model.condition_dim}: fit a judge to the data of the {name}."
        )
    if num_per_class < 1:
        raise UserError(f"num_per_class is at least 1. Received {num_per_class!r}.")
    right = 0
    for label in range(judge.num_classes):
        # A seed is of one row, so each label has its own range of them.
        images = model.sample(num_per_class, condition=label, seed=seed + label * num_per_class)
        right += int(np.sum(judge.probabilities(images).argmax(axis=1) == label))
        if progress is not None:
            progress(num_per_class)
    return 100.0 * right / (num_per_class * judge.num_classes)
