"""Data sets in one .npz file: the user's own, Keras' mnist.npz, the bundled sample."""

from __future__ import annotations

import os
import struct
import zipfile
from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays
from keras_vae.errors import UserError
from keras_vae.rows import MOST_BYTES, Array


def read_arrays(path: Path, required: str, *optional: str) -> dict[str, Array]:
    """Reads arrays of an .npz file by name; never unpickles.

    Arrays of more than `MOST_BYTES` stay on the disk, as an `np.memmap`, unless compressed.

    Raises:
        UserError: The file is damaged, no .npz, lacks the required array or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as members:  # np.load takes other formats too
            mapped = {
                info.filename.removesuffix(".npy"): _mapped(path, info)
                for info in members.infolist()
                if info.compress_type == zipfile.ZIP_STORED and info.file_size > MOST_BYTES
            }
        with np.load(path, allow_pickle=False) as file:
            names = list(file.files)
            arrays = {
                key: mapped[key] if key in mapped else np.asarray(file[key])
                for key in (required, *optional)
                if key in names
            }
    except MemoryError as error:
        raise UserError(
            f"{path} is larger than the memory: save it with np.savez, uncompressed, and its rows "
            "are read when they are needed."
        ) from error
    except Exception as error:  # numpy raises whatever a damaged header leads it to
        raise UserError(
            f"{path} cannot be read ({error}); expected an undamaged .npz file of plain numeric "
            "arrays: save it again with np.savez_compressed, or delete it if it was downloaded."
        ) from error
    if required not in arrays:
        raise UserError(
            f"{path} holds {', '.join(sorted(names)) or 'nothing'}; expected an array {required}: "
            "save it under that name."
        )
    return arrays


def _mapped(path: Path, member: zipfile.ZipInfo) -> Array:
    """An array that is stored in a zip file as it would be in a file of its own."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)  # of a header of 30 bytes: two lengths at its end
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        file.seek(name_length + extra_length, os.SEEK_CUR)
        version = np.lib.format.read_magic(file)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, is_fortran, dtype = readers[version](file)
        offset = file.tell()
    return np.memmap(path, dtype, "r", offset, shape, "F" if is_fortran else "C")


def read_npz(name: str, path: Path) -> Dataset:
    """Reads `x_train` and, if there, `y_train`, `x_test`, `y_test`; see `from_arrays`."""
    return from_arrays(name, path, read_arrays(path, "x_train", "y_train", "x_test", "y_test"))
