"""Figure of what a model restores from corrupted data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import (
    check_positive,
    conditions_of,
    corrupted_values,
    limits,
    pick_rows,
    title_of,
    values,
)
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.suitability import check_suitable

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def corruption(
    model: LatentModel, dataset: Dataset, *, num: int = 30, columns: int = 10, seed: int = 0
) -> Figure:
    """Examples of the test set: clean, corrupted as in training, and restored from that.

    Args:
        model: a model with a corruption.
        dataset: its data.
        num: examples; rounded down to whole rows of the figure.
        columns: examples side by side.
        seed: which examples, and of the corruption.

    Returns:
        One axes for each row of examples.
    """
    check_suitable("corruption", model, dataset)
    check_positive(num=num, columns=columns)
    rows = pick_rows(dataset, num, seed)
    columns = min(columns, len(rows))
    rows = rows[: len(rows) // columns * columns]
    clean = values(dataset.x_test[rows])  # (rows, *event_shape)
    corrupted = corrupted_values(model, clean, seed)
    restored = model.reconstruct(corrupted, conditions_of(model, dataset, rows))
    panels = [
        Panel(
            np.stack([clean[chosen], corrupted[chosen], restored[chosen]]),
            row_labels=("clean", "corrupted", "restored"),
            behind=np.stack([clean[chosen]] * 3),
        )
        for chosen in np.arange(len(rows)).reshape(-1, columns)
    ]
    return draw_panels(
        panels,
        title=title_of("corruption", model, dataset),
        subtitle="test set; restored: the mean of the likelihood, given the corrupted example",
        limits=limits(dataset),
    )
