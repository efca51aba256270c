"""Panels of tiles drawn to the pixel: the layout that every figure of decoded events shares.

A tile is one event: an image is shown in whole pixels, anything else as a line over its entries.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_vae.figures.sheets import as_pixels, as_rgb, image_sheet, is_image, pixel_scale
from keras_vae.rows import Array

DPI = 150
GREY = "0.45"
ACCENT = "tab:orange"
MAX_WIDTH = 1800  # pixels: sheets wider than this are enlarged less
MARGIN = 18  # pixels around the figure and between panels
_ROUNDING = 1e-6  # pixels; older matplotlib rounds an axes that ends on a pixel up to the next
LINE_TILE = (63, 96)  # pixels (height, width) of a tile that is not an image
TEXT_HEIGHT = 27  # pixels of a line of text of FONT_SIZE
TEXT_WIDTH = 11.5  # pixels of an average character of FONT_SIZE
FONT_SIZE = 9.0  # points


@dataclass(frozen=True)
class Panel:
    """A grid of events with its labels.

    Attributes:
        tiles: float (rows, columns, *event_shape).
        title: text above the panel.
        row_labels: one text for each row, or none.
        column_labels: one text for each column, or none.
        behind: events of the shape of `tiles`, drawn in grey behind those that are lines.
        framed: (row, column) of tiles to frame.
    """

    tiles: Array
    title: str = ""
    row_labels: Sequence[str] = ()
    column_labels: Sequence[str] = ()
    behind: Array | None = None
    framed: Sequence[tuple[int, int]] = ()


def draw_panels(
    panels: Sequence[Panel],
    *,
    title: str,
    subtitle: str,
    limits: tuple[float, float],
    across: int = 1,
    gap: int = 2,
) -> Figure:
    """Draws panels of equal shape on a grid, every one in an own axes, in their order.

    Args:
        panels: at least one; all have tiles of one shape.
        title: bold text at the top left.
        subtitle: grey text below it.
        limits: values that are black and white in images; lines are scaled to what is drawn.
        across: panels side by side.
        gap: white pixels between tiles.
    """
    rows, columns, *event_shape = panels[0].tiles.shape
    scale, (height, width) = _tile_size(event_shape, columns * across)
    sheet_height = rows * (height + gap) - gap
    sheet_width = columns * (width + gap) - gap
    drawn = [p.tiles for p in panels] + [p.behind for p in panels if p.behind is not None]
    extremes = min(float(x.min()) for x in drawn), max(float(x.max()) for x in drawn)
    if not is_image(event_shape):
        subtitle += f"; lines from {extremes[0]:.3g} to {extremes[1]:.3g}"
    longest = max((len(label) for panel in panels for label in panel.row_labels), default=0)
    left = round(longest * TEXT_WIDTH) + 8 if longest else 0
    top = TEXT_HEIGHT * (any(p.title for p in panels) + any(p.column_labels for p in panels))
    header = 2 * TEXT_HEIGHT + 10
    down = math.ceil(len(panels) / across)
    total_width = MARGIN + across * (left + sheet_width + MARGIN)
    total_width = max(
        total_width, 2 * MARGIN + round(TEXT_WIDTH * max(map(len, (title, subtitle))))
    )
    total_height = MARGIN + header + down * (top + sheet_height + MARGIN)

    figure = Figure(figsize=(total_width / DPI, total_height / DPI), dpi=DPI, facecolor="white")
    start = total_height - MARGIN
    figure.text(
        MARGIN / total_width, start / total_height, title, va="top", size=10.5, weight="bold"
    )
    start -= TEXT_HEIGHT
    figure.text(
        MARGIN / total_width, start / total_height, subtitle, va="top", size=FONT_SIZE, color=GREY
    )
    for index, panel in enumerate(panels):
        row, column = divmod(index, across)
        x = MARGIN + column * (left + sheet_width + MARGIN) + left
        y = MARGIN + (down - 1 - row) * (top + sheet_height + MARGIN)
        axes = figure.add_axes(
            (
                x / total_width,
                y / total_height,
                (sheet_width - _ROUNDING) / total_width,
                (sheet_height - _ROUNDING) / total_height,
            )
        )
        axes.set_axis_off()
        if is_image(event_shape):
            _show_images(axes, panel, limits, scale, gap)
        else:
            _show_lines(axes, panel, extremes, (height, width), gap)
        axes.set_xlim(0, sheet_width)
        axes.set_ylim(sheet_height, 0)  # pixels from the top left, as in an image
        _annotate(axes, panel, (height + gap, width + gap), gap)
    return figure


def _tile_size(event_shape: Sequence[int], columns: int) -> tuple[int, tuple[int, int]]:
    """Enlargement, and (height, width) in pixels, of a tile that stands in a row of `columns`."""
    if not is_image(event_shape):
        width = min(LINE_TILE[1], MAX_WIDTH // columns)
        return 1, (width * LINE_TILE[0] // LINE_TILE[1], width)
    height, width = event_shape[:2]
    scale = max(1, min(pixel_scale(height, width), MAX_WIDTH // (columns * width)))
    return scale, (height * scale, width * scale)


def _show_images(
    axes: Axes, panel: Panel, limits: tuple[float, float], scale: int, gap: int
) -> None:
    """One picture of all tiles, one array entry per screen pixel."""
    rows, columns, height, width, *_ = panel.tiles.shape
    images = panel.tiles.reshape(
        rows * columns, height, width, -1
    )  # (tiles, height, width, channels)
    low, high = limits
    sheet = image_sheet(as_pixels((images - low) / (high - low)), columns, scale=scale, gap=gap)
    extent = (0, sheet.shape[1], sheet.shape[0], 0)
    axes.imshow(as_rgb(sheet), interpolation="nearest", extent=extent, aspect="auto")


def _show_lines(
    axes: Axes, panel: Panel, limits: tuple[float, float], size: tuple[int, int], gap: int
) -> None:
    """A small line plot in every tile, all of them to one scale."""
    rows, columns = panel.tiles.shape[:2]
    height, width = size
    low, high = limits
    top, left = np.indices((rows, columns)).reshape(2, -1) * np.array(
        [[height + gap], [width + gap]]
    )
    boxes = [Rectangle((x, y), width, height) for x, y in zip(left, top, strict=True)]
    axes.add_collection(PatchCollection(boxes, facecolor="0.95", edgecolor="none"))
    for tiles, colour in ((panel.behind, "0.7"), (panel.tiles, "tab:blue")):
        if tiles is None:
            continue
        values = tiles.reshape(rows * columns, -1).T  # (entries, tiles)
        inner = np.linspace(0.08, 0.92, len(values)) * width
        y = top + height * (0.9 - 0.8 * (values - low) / max(high - low, 1e-12))
        marker = "." if len(values) <= 32 else None
        axes.plot(
            left + inner[:, None], y, color=colour, marker=marker, markersize=3, linewidth=1.0
        )


def _annotate(axes: Axes, panel: Panel, pitch: tuple[int, int], gap: int) -> None:
    """Title, labels of rows and columns, and frames, all in pixels of the panel."""
    height, width = pitch
    above = -8.0
    for column, label in enumerate(panel.column_labels):
        x = column * width + (width - gap) / 2
        axes.text(x, above, label, ha="center", va="baseline", size=FONT_SIZE)
    if panel.column_labels:
        above -= TEXT_HEIGHT
    axes.text(0, above, panel.title, va="baseline", size=FONT_SIZE)
    for row, label in enumerate(panel.row_labels):
        y = row * height + (height - gap) / 2
        axes.text(-8, y, label, ha="right", va="center", size=FONT_SIZE)
    for row, column in panel.framed:
        corner = (column * width, row * height)
        axes.add_patch(
            Rectangle(
                corner, width - gap, height - gap, fill=False, edgecolor=ACCENT, linewidth=1.5
            )
        )
