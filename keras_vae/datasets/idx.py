"""IDX, the file format of MNIST: a magic number, big-endian sizes, then the bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays
from keras_vae.errors import UserError
from keras_vae.rows import Array

FILES = {  # array -> file, rank
    "x_train": ("train-images-idx3-ubyte", 3),
    "y_train": ("train-labels-idx1-ubyte", 1),
    "x_test": ("t10k-images-idx3-ubyte", 3),
    "y_test": ("t10k-labels-idx1-ubyte", 1),
}


def read_idx(path: Path, rank: int) -> Array:
    """Reads a uint8 array of the given rank from an IDX file, plain or .gz.

    Raises:
        UserError: The file is missing, damaged or of another kind.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            magic, *shape = struct.unpack(f">{1 + rank}I", file.read(4 + 4 * rank))
            content = bytearray(file.read())
    except (OSError, EOFError, struct.error, zlib.error) as error:
        raise UserError(
            f"{path} cannot be read ({error}); expected an undamaged IDX file: delete it and copy "
            "or download it again."
        ) from error
    expected = 0x800 + rank  # 8: unsigned bytes
    if magic != expected:
        raise UserError(
            f"{path} begins with 0x{magic:08x}; expected 0x{expected:08x}, the magic number of IDX "
            f"bytes of rank {rank}: check that the file is the one its name says."
        )
    if len(content) != math.prod(shape):
        raise UserError(
            f"{path} holds {len(content)} bytes after its header; expected {math.prod(shape)} for "
            f"shape {shape}: delete it and copy or download it again."
        )
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_idx_folder(name: str, folder: Path) -> Dataset:
    """Reads the four IDX files of MNIST or Fashion-MNIST, each plain or .gz.

    Raises:
        UserError: Files are missing or damaged, or images and labels differ in number.
    """
    paths = {
        key: plain if plain.is_file() else plain.with_name(f"{file}.gz")
        for key, (file, _) in FILES.items()
        for plain in [folder / file]
    }
    if missing := [path.stem for path in paths.values() if not path.is_file()]:
        raise UserError(
            f"{folder} lacks {', '.join(missing)}; expected the four IDX files of {name}, plain or "
            ".gz: copy them there."
        )
    arrays = {key: read_idx(path, FILES[key][1]) for key, path in paths.items()}
    return from_arrays(name, folder, arrays)
