"""Image sheets: many images tiled into one array, and its PNG file; knows no models."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.image import imsave

from keras_vae.errors import UserError
from keras_vae.rows import Array

TILE_PIXELS = 84  # an image is enlarged to about this many pixels on its longer side


def is_image(event_shape: Sequence[int]) -> bool:
    """True for (height, width), and (height, width, channels) of grey (1), RGB (3) or RGBA (4)."""
    return len(event_shape) == 2 or (len(event_shape) == 3 and event_shape[-1] in (1, 3, 4))


def as_pixels(values: Array) -> Array:
    """Float [0, 1] -> uint8 [0, 255], rounded; what lies beyond is clipped."""
    return np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def as_rgb(picture: Array) -> Array:
    """(height, width, 1) -> (height, width, 3), equal channels; colours stay as they are.

    Matplotlib would send grey values through a table of colours, and be off by one here and there.
    """
    return picture.repeat(3, axis=-1) if picture.shape[-1] == 1 else picture


def pixel_scale(height: int, width: int) -> int:
    """Screen pixels per image pixel that bring an image to about `TILE_PIXELS`; at least 1."""
    return max(1, round(TILE_PIXELS / max(height, width)))


def default_columns(num: int) -> int:
    """Number of columns that makes a sheet of `num` tiles near square, without gaps if it can."""
    side = math.ceil(math.sqrt(num))
    return next((columns for columns in range(side, 2 * side) if num % columns == 0), side)


def image_sheet(images: Array, columns: int, *, scale: int = 1, gap: int = 1) -> Array:
    """Tiles images to one array, row by row from the top left.

    Args:
        images: (num, height, width, channels), uint8 in [0, 255] or float in [0, 1].
        columns: tiles per row; a short last row is filled up with white.
        scale: nearest-neighbour enlargement of every pixel.
        gap: white pixels between neighbouring tiles.

    Returns:
        (rows * (height * scale + gap) - gap, columns * (width * scale + gap) - gap, channels), in
        the dtype of `images`.
    """
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(
            f"`images` has shape {images.shape}, expected (num, height, width, channels) with at "
            "least one image: add the missing axis."
        )
    if columns < 1 or scale < 1 or gap < 0:
        raise ValueError(
            f"Received columns={columns}, scale={scale}, gap={gap}; expected columns >= 1, "
            "scale >= 1 and gap >= 0."
        )
    num, height, width, channels = images.shape
    height, width = height * scale, width * scale
    rows = math.ceil(num / columns)
    white = 255 if images.dtype == np.uint8 else 1.0
    cells = np.full((rows * columns, height + gap, width + gap, channels), white, images.dtype)
    cells[:num, :height, :width] = images.repeat(scale, axis=1).repeat(scale, axis=2)
    grid = cells.reshape(rows, columns, height + gap, width + gap, channels)
    sheet = grid.swapaxes(1, 2)  # (rows, height + gap, columns, width + gap, channels)
    sheet = sheet.reshape(rows * (height + gap), columns * (width + gap), channels)
    return sheet[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def save_images(path: str | Path, images: Array, columns: int | None = None) -> None:
    """Writes images as one PNG sheet: every image pixel becomes a square of whole screen pixels.

    Args:
        path: name of the file; it must end in `.png`, and its folder must exist.
        images: (num, height, width) or (num, height, width, channels), uint8, or float of which
            [0, 1] is shown.
        columns: tiles per row; by default the sheet is near square.

    Raises:
        UserError: the path is not a PNG file in an existing folder, or the data are not images.
    """
    path = Path(path)
    if path.suffix.lower() != ".png" or not path.parent.is_dir():
        raise UserError(
            f"Cannot write images to '{path}': expected a name that ends in .png, in a folder that "
            "exists."
        )
    if not is_image(images.shape[1:]):
        raise UserError(
            f"An array of shape {images.shape} is no stack of images; expected (num, height, "
            "width, 1, 3 or 4 channels): save other data with numpy.save."
        )
    images = images if images.dtype == np.uint8 else as_pixels(images)
    num, height, width, *_ = images.shape
    images = images.reshape(num, height, width, -1)  # (num, height, width, channels)
    scale = pixel_scale(height, width)
    sheet = image_sheet(images, columns or default_columns(num), scale=scale)
    imsave(path, as_rgb(sheet), format="png")
