"""Figure of how much each latent unit depends on the data."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from keras_vae.errors import UserError
from keras_vae.figures.panels import DPI, FONT_SIZE, GREY
from keras_vae.rows import Array

_LEAST = 1e-6


def activity(variances: Mapping[str, Array], *, threshold: float = 0.01) -> Figure:
    """The variance over the data of each unit's posterior mean, from the most active to the least.

    Args:
        variances: name of a model -> those of its units (latent_dim,), such as
            `keras_vae.evaluation.unit_variances` gives.
        threshold: drawn as a line; units above it are called active.

    Returns:
        One axes with one line for each model; variances below 1e-6 are drawn there.

    Raises:
        UserError: there is no model.
    """
    if not variances:
        raise UserError("There are no variances to draw: give those of at least one model.")
    figure = Figure(
        figsize=(7.5, 4.2),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1),  # inches
    )
    axes = figure.add_subplot()
    for name, each in variances.items():
        falling = np.maximum(np.sort(each)[::-1], _LEAST)
        active = np.count_nonzero(falling > threshold)
        units = np.arange(1, len(falling) + 1)
        axes.plot(
            units, falling, marker=".", markersize=5, linewidth=1.2, label=f"{name}: {active}"
        )
    axes.axhline(threshold, color=GREY, linewidth=1.0, linestyle="--")
    axes.set_yscale("log")
    axes.set_xlabel("unit, from the most active to the least")
    axes.set_ylabel("variance of its posterior mean")
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(color=GREY, labelcolor=GREY)
    axes.set_title("Activity of the latent units", loc="left", size=10.5, weight="bold")
    figure.legend(
        loc="outside right upper",
        frameon=False,
        fontsize=FONT_SIZE,
        title=f"above {threshold:g}",
        alignment="left",
    )
    return figure
