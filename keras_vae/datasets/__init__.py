"""Names to arrays: `load("mnist")`, or a user's own .npz file or folder of images.

Here live the readers of each format, one per file, and the bundled sample of MNIST. Every array
leaves through `from_arrays`, which checks it. Nothing here imports TensorFlow, and only a download
imports Keras. Binarization, scaling and batching do not belong here: models read uint8 as x / 255.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keras_vae.datasets.dataset import Dataset
from keras_vae.datasets.download import download_fashion_mnist, download_mnist
from keras_vae.datasets.frey_faces import read_frey_faces
from keras_vae.datasets.idx import read_idx_folder
from keras_vae.datasets.image_folder import image_files, read_image_folder
from keras_vae.datasets.npz import read_npz
from keras_vae.datasets.transforms import TRANSFORMS, transformed
from keras_vae.errors import UserError, did_you_mean

__all__ = ["NAMES", "TRANSFORMS", "Dataset", "SampleWarning", "load", "transformed"]


class SampleWarning(UserWarning):
    """The bundled sample stands in for a data set that could not be had."""


class _Source(NamedTuple):
    folder: str  # below the user's data folder
    files: str  # what belongs there, in words
    read: Callable[[str, Path], Dataset]
    installed: Path | None = None  # where a package puts it
    download: Callable[[str], Dataset] | None = None
    fallback: str | None = None  # the data set to take when the download fails


def _read_sample(name: str, folder: Path) -> Dataset:
    return read_npz(name, folder / "mnist_sample.npz")


_IDX_FILES = "train-images-idx3-ubyte, train-labels-idx1-ubyte and their t10k-* twins, plain or .gz"
_SOURCES = {
    "mnist": _Source(
        "mnist", _IDX_FILES, read_idx_folder, download=download_mnist, fallback="mnist-sample"
    ),
    "mnist-sample": _Source(
        "mnist-sample", "mnist_sample.npz", _read_sample, installed=Path(__file__).parent
    ),
    "fashion-mnist": _Source(
        "fashion-mnist",
        _IDX_FILES,
        read_idx_folder,
        installed=Path("/usr/share/datasets/fashion-mnist"),  # Debian's dataset-fashion-mnist
        download=download_fashion_mnist,
    ),
    "frey-faces": _Source(
        "frey_faces",
        "frey_faces.npz (array images, uint8 (1965, 28, 20)) or frey_rawface.mat",
        read_frey_faces,
    ),
}
NAMES = tuple(_SOURCES)


def load(name: str, data: str | Path | None = None) -> Dataset:
    """Loads a data set by name, or the user's own data.

    `data` (or else the environment variable KERAS_VAE_DATA) is one of
    - a folder with one folder per data set: `mnist/`, `fashion-mnist/`, `frey_faces/`;
    - an .npz file with `x_train` and, if wanted, `y_train`, `x_test`, `y_test`, see `from_arrays`;
    - a folder of images, see `read_image_folder`.

    The last two are the user's own data, named after the file or folder whatever `name` is.
    Fashion-MNIST is also looked for where Debian's package puts it. Without `data`, Keras' cache
    and then Keras' download serve. When MNIST cannot be downloaded, a bundled sample of 5,000 of
    its digits serves, with a `SampleWarning`, and the name is "mnist-sample". The sample's 1,000
    test rows are training rows of the full set.

    Args:
        name: One of `NAMES`.
        data: File or folder.

    Raises:
        UserError: An unknown name, or data that are missing, damaged or do not fit together.
    """
    given = data or os.environ.get("KERAS_VAE_DATA")
    path = Path(given).expanduser() if given else None
    origin = f"{path}" if data else f"{path} (from KERAS_VAE_DATA)"
    source = _SOURCES.get(name)
    if path is not None:
        if not path.exists():
            raise UserError(
                f"{origin} does not exist; expected a folder of data sets, a folder of images or "
                "an .npz file: check the path."
            )
        if path.is_file():
            return read_npz(path.resolve().stem, path)
        if source is not None and (path / source.folder).is_dir():
            return source.read(name, path / source.folder)
        if image_files(path):
            return read_image_folder(path.resolve().name, path)
    if source is None:
        raise UserError(
            f"There is no data set {name!r}; expected one of "
            f"{', '.join(NAMES)}{did_you_mean(name, NAMES)}"
        )
    if source.installed is not None and source.installed.is_dir():
        return source.read(name, source.installed)
    if path is not None:
        found = ", ".join(sorted(entry.name for entry in path.iterdir())[:10]) or "nothing"
        raise UserError(
            f"{origin} holds {found}; expected {source.folder}/ with {source.files}, or images: "
            "put them there or give another folder."
        )
    if source.download is None:
        reason = "there is no download"
    else:
        try:
            return source.download(name)
        except OSError as error:
            reason = f"the download failed: {error}"
    cure = (
        f"put {source.files} into DIR/{source.folder}/ and give DIR as data, --data or "
        "KERAS_VAE_DATA."
    )
    if source.fallback is None:
        raise UserError(f"{name} is not on this machine and {reason}; {cure}")
    warnings.warn(
        f"{name.upper()} IS NOT AT HAND ({reason}): the bundled {source.fallback} is used instead, "
        f"and results do not compare with those of the full set; {cure}",
        SampleWarning,
        stacklevel=2,
    )
    return load(source.fallback)
