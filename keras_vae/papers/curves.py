"""Curves of several runs, panel beside panel."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from keras_vae.figures.panels import DPI, GREY


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line of a panel.

    Attributes:
        label: What it is; curves of one label, in whatever panel, share an entry of the legend.
        x: (points,).
        y: (points,); where it is NaN, nothing was measured.
        colour: Of matplotlib.
        style: "-" or "--".
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    style: str = "-"


def draw_curves(
    panels: Mapping[str, Sequence[Curve]],
    *,
    x_label: str,
    y_label: str,
    x_scale: str = "linear",
    y_scale: str = "linear",
    y_limits: tuple[float, float] | None = None,
    across: int = 5,
) -> Figure:
    """One axes for each panel, and one legend.

    Args:
        panels: Title -> what stands in it.
        x_label: Of all panels.
        y_label: The same.
        x_scale: "linear" or "log".
        y_scale: The same.
        y_limits: The same; None for those of the curves.
        across: At most so many panels side by side.
    """
    across = min(across, len(panels))
    down = math.ceil(len(panels) / across)
    figure = Figure(
        figsize=(max(2.7 * across + 0.4, 6.0), 2.7 * down + 0.6),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08),  # inches
    )
    labelled: dict[str, Line2D] = {}
    for index, (title, curves) in enumerate(panels.items()):
        axes = figure.add_subplot(down, across, index + 1)
        axes.set_title(title, loc="left", size=10, weight="bold")
        axes.set(xscale=x_scale, yscale=y_scale)
        for curve in curves:
            x, y = np.asarray(curve.x, float), np.asarray(curve.y, float)
            seen = np.isfinite(y)
            (line,) = axes.plot(
                x[seen],
                y[seen],
                curve.style,
                color=curve.colour,
                linewidth=1.4,
                marker="o" if seen.sum() <= 20 else None,
                markersize=3,
            )
            labelled.setdefault(curve.label, line)
        if y_limits is not None:
            axes.set_ylim(y_limits)
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(which="both", color=GREY, labelcolor=GREY, labelsize=8)
        if index % across == 0:
            axes.set_ylabel(y_label)
        if index >= len(panels) - across:
            axes.set_xlabel(x_label)
    figure.legend(
        list(labelled.values()),
        list(labelled),
        loc="outside upper left",
        ncols=4,
        frameon=False,
        fontsize=9,
    )
    return figure
