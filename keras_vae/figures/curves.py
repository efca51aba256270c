"""Figure of a fit: its history, one panel for each quantity."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from keras_vae.errors import UserError
from keras_vae.figures.panels import DPI, GREY
from keras_vae.rows import Array

TRAIN, VALIDATION = "tab:blue", "tab:orange"
NOT_IN_NATS = {"accuracy": "%", "active_units": "units", "beta": "", "learning_rate": ""}
_SPIKE = 10.0  # interquartile ranges


def history(history: Mapping[str, Sequence[float]]) -> Figure:
    """Curves of a fit by epoch: training and validation of each term in nats.

    Args:
        history: columns of a `history.csv` or `keras.callbacks.History.history`: name -> one number
            for each epoch. A column `val_<name>` joins the panel of `<name>`; a column `epoch`, if
            there is one, is the horizontal axis.

    Returns:
        One axes for each quantity: the loss, then the others in the order of the columns. Of more
        than 20 epochs the first ones, in which curves fall most, may be out of its bounds, and so
        may single ones that are far from all others.

    Raises:
        UserError: there is no column or no epoch.
    """
    columns = {name: np.asarray(column, np.float64) for name, column in history.items()}
    epochs = columns.pop("epoch", None)
    names = list(dict.fromkeys(name.removeprefix("val_") for name in columns))
    names.sort(key=lambda name: name != "loss")
    if not names or any(len(column) == 0 for column in columns.values()):
        raise UserError("The history has no epoch to draw: fit the model for at least one epoch.")
    down = math.ceil(len(names) / 4)
    across = math.ceil(len(names) / down)
    figure = Figure(
        figsize=(3.3 * across, 2.6 * down + 0.4),
        dpi=DPI,
        facecolor="white",
        layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1),  # inches
    )
    for index, name in enumerate(names):
        axes = figure.add_subplot(down, across, index + 1)
        shown = []
        for column, colour in ((name, TRAIN), (f"val_{name}", VALIDATION)):
            if column not in columns:
                continue
            y = columns[column]
            x = np.arange(1, len(y) + 1) if epochs is None else epochs
            x, y = x[~np.isnan(y)], y[~np.isnan(y)]  # NaN: not measured in this epoch
            shown.append(y[len(y) // 20 :])
            marker = "o" if len(y) <= 30 else None
            axes.plot(
                x, y, colour, marker=marker, markersize=3, linewidth=1.5, label=f"{y[-1]:.4g}"
            )
        late = _without_spikes(np.concatenate(shown))
        if late.size and (height := np.ptp(late)) > 0:
            axes.set_ylim(late.min() - 0.05 * height, late.max() + 0.05 * height)
        axes.set_title(name.replace("_", " "), loc="left", size=10, weight="bold")
        axes.set_ylabel(NOT_IN_NATS.get(name, "nats"))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(color=GREY, labelcolor=GREY, labelsize=8)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=2,
            frameon=False,
            fontsize=8,
            handlelength=1.0,
            columnspacing=1.0,
            borderpad=0.2,
        )
        if index >= len(names) - across:
            axes.set_xlabel("epoch")
    figure.legend(
        handles=[
            Line2D([], [], color=TRAIN, label="training"),
            Line2D([], [], color=VALIDATION, label="validation"),
        ],
        loc="outside upper left",
        ncols=2,
        frameon=False,
        title="right of each title: value at the last epoch",
        alignment="left",
    )
    return figure


def _without_spikes(values: Array) -> Array:
    """The finite ones of values (num,), without those far from most."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return values
    low, high = np.quantile(values, [0.25, 0.75])
    far = _SPIKE * (high - low)
    return values[(values >= low - far) & (values <= high + far)] if far > 0 else values
