"""A user's folder of PNG or JPEG images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays
from keras_vae.errors import UserError
from keras_vae.rows import Array

_SUFFIXES = {".png", ".jpg", ".jpeg"}
_GREY = ("1", "L", "LA")
_COLOUR = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")


def image_files(folder: Path) -> list[Path]:
    """The images in `folder` and in its subfolders, in order of their names."""
    return sorted(
        path
        for pattern in ("*", "*/*")
        for path in folder.glob(pattern)
        if path.suffix.lower() in _SUFFIXES and path.is_file() and path.name[0] != "."
    )


def read_image_folder(name: str, folder: Path) -> Dataset:
    """Reads images of one size; subfolders, in order of their names, are the labels 0, 1, ...

    Grey images have one channel, all others three (transparency is dropped). A tenth is held out
    for testing, see `from_arrays`.

    Raises:
        UserError: An image is damaged, differs in size or channels, or lies beside the subfolders.
    """
    files = image_files(folder)
    classes = sorted({path.parent for path in files})
    if folder in classes and len(classes) > 1:
        raise UserError(
            f"{folder} has images both in itself and in {classes[1].name}/; expected either images "
            "alone or one subfolder for each class: move them."
        )
    first = _read_image(files[0])
    images = np.empty((len(files), *first.shape), np.uint8)
    for row, path in enumerate(files):
        image = _read_image(path)
        if image.shape != first.shape:
            raise UserError(
                f"{path} has shape {image.shape} (height, width, channels) but {files[0].name} has "
                f"{first.shape}; expected images of one size and kind: convert them."
            )
        images[row] = image
    arrays: dict[str, Array] = {"x_train": images}
    if classes != [folder]:
        arrays["y_train"] = np.array([classes.index(path.parent) for path in files])
    return from_arrays(name, folder, arrays)


def _read_image(path: Path) -> Array:
    """uint8 (height, width, 1 or 3)."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode not in _GREY + _COLOUR:
                raise ValueError(f"its mode is {image.mode}")
            pixels = np.asarray(image.convert("L" if image.mode in _GREY else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); expected an undamaged PNG or JPEG of 8 bits per "
            "channel: replace or remove it."
        ) from error
    return pixels.reshape(*pixels.shape[:2], -1)
