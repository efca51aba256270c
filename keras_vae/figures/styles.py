"""Figure of styles: each sample of the prior in every label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from keras_vae.datasets import Dataset
from keras_vae.figures.examples import check_positive, condition_values, limits, title_of
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.figures.suitability import check_suitable
from keras_vae.seeds import row_seeds

if TYPE_CHECKING:
    from keras_vae.models import VAE


def styles(
    model: VAE, dataset: Dataset, *, num: int = 10, seed: int = 0, temperature: float = 1.0
) -> Figure:
    """Codes of the prior, each decoded with every label: one style in each row.

    Args:
        model: a generative model with integer labels as condition.
        dataset: its data.
        num: codes.
        seed: of the codes.
        temperature: factor on the prior's scale.

    Returns:
        One axes: a code in each row, a label in each column.

    Reference:
        Kingma et al. (2014), "Semi-supervised Learning with Deep Generative Models", figure 1.
    """
    check_suitable("styles", model, dataset)
    check_positive(num=num)
    labels, names = condition_values(model, dataset, num, seed)
    seeds = row_seeds(num, seed, temperature).repeat(len(labels))  # (num * labels,)
    temperatures = np.full(len(seeds), temperature, np.float32)
    decoded = np.asarray(model.drawn(seeds, temperatures, np.tile(labels, (num, 1))))
    return draw_panels(
        [
            Panel(
                decoded.reshape(num, len(labels), *model.event_shape),
                column_labels=names,
            )
        ],
        title=title_of("styles", model, dataset),
        subtitle=f"one code of the prior in each row; seed {seed}, temperature {temperature:g}",
        limits=limits(dataset),
    )
