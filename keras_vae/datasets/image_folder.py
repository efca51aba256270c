"""A user's folder of PNG or JPEG images."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays, held_out
from keras_vae.datasets.keras_home import keras_home
from keras_vae.errors import UserError
from keras_vae.rows import MOST_BYTES, Array

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
    for testing, see `from_arrays`. Images of more than `MOST_BYTES` are decoded into a file of
    Keras' cache, once, and stay on the disk.

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
    labels = np.array([classes.index(path.parent) for path in files])
    image = _read_image(files[0])
    if len(files) * image.nbytes <= MOST_BYTES:
        images = np.empty((len(files), *image.shape), np.uint8)
        _fill(images, files)
        arrays = {"x_train": images, "y_train": labels}
    else:
        train, test = held_out(len(files))
        order = np.concatenate([train, test])
        images = _on_disk(folder, [files[row] for row in order], image.shape)
        parts = {"train": slice(len(train)), "test": slice(len(train), None)}
        arrays = {f"x_{name}": images[rows] for name, rows in parts.items()}
        arrays |= {f"y_{name}": labels[order][rows] for name, rows in parts.items()}
    if classes == [folder]:
        arrays = {key: array for key, array in arrays.items() if key[0] == "x"}
    return from_arrays(name, folder, arrays)


def _fill(images: Array, files: list[Path]) -> None:
    """Reads images (num, height, width, channels)."""
    for row, path in enumerate(files):
        image = _read_image(path)
        if image.shape != images.shape[1:]:
            raise UserError(
                f"{path} has shape {image.shape} (height, width, channels) but {files[0].name} has "
                f"{images.shape[1:]}; expected images of one size and kind: convert them."
            )
        images[row] = image


def _on_disk(folder: Path, files: list[Path], shape: tuple[int, ...]) -> Array:
    """Images (num, height, width, channels) as a memory map, decoded once for all fits to come.

    The file stands in Keras' cache, under a name that tells which images of which state it holds.
    """
    state = hashlib.sha256(str(folder.resolve()).encode())
    for path in files:
        status = path.stat()
        state.update(f"{path.relative_to(folder)} {status.st_size} {status.st_mtime_ns}".encode())
    file = keras_home() / "datasets" / f"{folder.resolve().name}-{state.hexdigest()[:16]}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".unfinished-") as unfinished:
            part = Path(unfinished) / file.name
            images = np.lib.format.open_memmap(part, "w+", np.uint8, (len(files), *shape))
            _fill(images, files)
            images.flush()
            part.replace(file)
    return np.load(file, mmap_mode="r")


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
