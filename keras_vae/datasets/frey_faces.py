"""Frey Faces: 1,965 grey images of one face, 28 high and 20 wide."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_vae.datasets.dataset import Dataset, from_arrays
from keras_vae.datasets.npz import read_arrays
from keras_vae.errors import UserError
from keras_vae.rows import Array

SHAPE = (1965, 28, 20)
NUM_TEST = 400


def read_frey_faces(name: str, folder: Path) -> Dataset:
    """Reads `frey_faces.npz` (array `images`), else `frey_rawface.mat` (array `ff`).

    1,565 rows train and 400 test, after a shuffle with a fixed seed. The AEVB paper names no split;
    1,565 for training is customary since (VampPrior: 1,565/200/200; its validation rows are test
    rows here). The rows are frames of one film: a random split puts near-twins on both sides.

    Raises:
        UserError: Both files are missing, or the one there is damaged or of another shape.
    """
    npz, mat = folder / "frey_faces.npz", folder / "frey_rawface.mat"
    if npz.is_file():
        path, images = npz, read_arrays(npz, "images")["images"]
    elif mat.is_file():
        path, images = mat, _read_mat(mat)
    else:
        raise UserError(f"{folder} lacks {npz.name} or {mat.name}; copy one of them there.")
    if images.shape != SHAPE or images.dtype != np.uint8:
        raise UserError(
            f"{path} holds {images.dtype} images of shape {images.shape}; expected uint8 of shape "
            f"{SHAPE}: copy the file again."
        )
    return from_arrays(name, path, {"x_train": images}, NUM_TEST)


def _read_mat(path: Path) -> Array:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise UserError(
            f"{path} is a MATLAB file and scipy, which reads it, is not installed; run "
            "`pip install scipy` or put frey_faces.npz beside it."
        ) from error
    try:
        pixels = np.asarray(loadmat(path)["ff"])  # (560, 1965)
        return pixels.T.reshape(-1, *SHAPE[1:])  # (1965, 28, 20)
    except Exception as error:  # loadmat raises whatever a damaged file leads it to
        raise UserError(
            f"{path} cannot be read ({error!r}); expected the MATLAB file with the array ff: copy "
            "it again."
        ) from error
