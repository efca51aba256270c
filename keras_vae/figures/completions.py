"""Figure of what a model draws where a part of the data is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import check_positive, limits, pick_rows, title_of, values
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.suitability import check_suitable

if TYPE_CHECKING:
    from keras_vae.models import CompletionCVAE

_MISSING = 0.5
"""The grey of what is not given, as a share of the way from black to white."""


def completions(
    model: CompletionCVAE, dataset: Dataset, *, num: int = 10, columns: int = 8, seed: int = 0
) -> Figure:
    """Examples of the test set: what is given, the baseline's guess, and several completions.

    Args:
        model: a model that completes data.
        dataset: its data.
        num: examples, one in each row.
        columns: completions of each.
        seed: which examples, and of the completions.

    Returns:
        One axes: in each row the given values, the guess if the model has a baseline, completions,
        and the example itself.
    """
    check_suitable("completions", model, dataset)
    check_positive(num=num, columns=columns)
    rows = pick_rows(dataset, num, seed)
    original = values(dataset.x_test[rows])  # (rows, *event_shape)
    condition = np.asarray(dataset.y_test)[rows]  # (rows, condition_dim)
    low, high = limits(dataset)
    shown = np.full((len(rows), original[0].size), low + _MISSING * (high - low), np.float32)
    shown[:, model.given] = condition
    drawn = model.sample(len(rows) * columns, condition.repeat(columns, axis=0), seed=seed)
    tiles = [shown.reshape(len(rows), 1, *model.event_shape)]
    names = ["given"]
    if model.baseline is not None:
        tiles.append(model.guess(condition)[:, None])
        names.append("baseline")
    tiles += [drawn.reshape(len(rows), columns, *model.event_shape), original[:, None]]
    names += [*(str(number) for number in range(1, columns + 1)), "original"]
    return draw_panels(
        [Panel(np.concatenate(tiles, axis=1), column_labels=names)],
        title=title_of("completions", model, dataset),
        subtitle=f"test set; means of the likelihood for codes of the prior; seed {seed}",
        limits=(low, high),
    )
