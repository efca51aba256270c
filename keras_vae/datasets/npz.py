"""Data sets in one .npz file: the user's own, Keras' mnist.npz, the bundled sample."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays
from keras_vae.errors import UserError
from keras_vae.rows import Array


def read_arrays(path: Path, required: str, *optional: str) -> dict[str, Array]:
    """Reads arrays of an .npz file by name; never unpickles.

    Raises:
        UserError: The file is damaged, no .npz, lacks the required array or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path):  # np.load takes other formats too
            pass
        with np.load(path, allow_pickle=False) as file:
            names = list(file.files)
            arrays = {key: np.asarray(file[key]) for key in (required, *optional) if key in names}
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


def read_npz(name: str, path: Path) -> Dataset:
    """Reads `x_train` and, if there, `y_train`, `x_test`, `y_test`; see `from_arrays`."""
    return from_arrays(name, path, read_arrays(path, "x_train", "y_train", "x_test", "y_test"))
