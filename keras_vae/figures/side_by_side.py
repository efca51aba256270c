"""Figure of several models' reconstructions of the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.figures.examples import (
    check_positive,
    conditions_of,
    corrupted_values,
    limits,
    pick_rows,
    values,
)
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.suitability import check_suitable

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def side_by_side(
    models: Mapping[str, LatentModel],
    dataset: Dataset,
    *,
    corrupted: bool = False,
    num: int = 20,
    columns: int = 10,
    seed: int = 0,
) -> Figure:
    """Examples of the test set, and below them what each of several models makes of them.

    Args:
        models: name -> any model of these data.
        dataset: their data.
        corrupted: whether the models see what the first one's corruption leaves of the examples.
        num: examples; rounded down to whole rows of the figure.
        columns: examples side by side.
        seed: which examples, with integer labels every label in turn; and of the corruption.

    Returns:
        One axes for each row of examples.

    Raises:
        UserError: there is no model, or one that does not suit.
    """
    if not models:
        raise UserError("There is no model to draw: give at least one.")
    for model in models.values():
        check_suitable("reconstructions", model, dataset)
    check_positive(num=num, columns=columns)
    rows = pick_rows(dataset, num, seed)
    columns = min(columns, len(rows))
    rows = rows[: len(rows) // columns * columns]
    seen = values(dataset.x_test[rows])  # (rows, *event_shape)
    lines = {"original": seen}
    if corrupted:
        first = next(iter(models.values()))
        check_suitable("corruption", first, dataset)
        seen = lines["corrupted"] = corrupted_values(first, seen, seed)
    for name, model in models.items():
        lines[name] = model.reconstruct(seen, conditions_of(model, dataset, rows))
    panels = [
        Panel(
            np.stack([line[chosen] for line in lines.values()]),  # (lines, columns, *event_shape)
            row_labels=list(lines),
            behind=np.stack([lines["original"][chosen]] * len(lines)),
        )
        for chosen in np.arange(len(rows)).reshape(-1, columns)
    ]
    return draw_panels(
        panels,
        title=f"Side by side \N{MIDDLE DOT} {dataset.name}",
        subtitle="test set; mean of the likelihood at the mean of the posterior",
        limits=limits(dataset),
    )
