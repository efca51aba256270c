"""Where exported models stand: <models>/<name>/<version>/ with the files named here."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib import resources
from pathlib import Path

from keras_vae.errors import UserError

GRAPH = "saved_model.pb"
"""What makes a folder a version: TensorFlow's graph."""
MODEL = "model.keras"
CONFIG = "model.json"
"""In place of `model.keras` where the graph alone holds the weights."""
CARD = "card.json"
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")
"""Where TensorFlow Serving looks for requests to replay before a version answers others."""
DEFAULT_SIGNATURE = "serving_default"
"""The one that answers a request which names none."""

_LARGEST_VERSION = 2**63 - 1


LOCAL = Path("saved_models")
"""Where models are exported to, unless another folder is named."""


def packaged() -> Path:
    """The folder of the models that come with this package."""
    return Path(str(resources.files("keras_vae.saved_models")))


def default() -> Path:
    """The local folder if it holds a model, or else the one of the package."""
    return LOCAL if LOCAL.is_dir() and models(LOCAL) else packaged()


def is_version(name: str) -> bool:
    """Whether a folder of that name is a version: a number, of which servers look at no other."""
    return re.fullmatch("[0-9]+", name) is not None and int(name) <= _LARGEST_VERSION


def versions(model: Path) -> dict[int, Path]:
    """Number -> folder of a model's versions, the oldest first; none where there is no folder.

    Raises:
        OSError: For a folder that cannot be read now, so that nobody takes it for an empty one.
    """
    try:
        found = [Path(entry) for entry in os.scandir(model) if is_version(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    numbered = sorted((int(path.name), path) for path in found if (path / GRAPH).exists())
    return dict(numbered)


def models(folder: Path) -> list[Path]:
    """The folders of all models with a version, by name; those that nobody may read are none.

    Raises:
        OSError: For a folder that is not there, or cannot be read now.
    """
    found: list[Path] = []
    for path in folder.iterdir():
        with suppress(PermissionError):
            if versions(path):
                found.append(path)
    return sorted(found)


def expect_models(folder: Path) -> list[Path]:
    """The same.

    Raises:
        UserError: When the folder does not exist, or has none.
    """
    found = models(folder) if folder.is_dir() else []
    if not found and versions(folder):
        raise UserError(
            f"{str(folder)!r} is one model: name the folder that it stands in, "
            f"{str(folder.resolve().parent)!r}."
        )
    if not found:
        raise UserError(
            f"There are no models in {str(folder)!r}: expected <name>/<version>/{GRAPH} in it, "
            "as `keras-vae export` writes them."
        )
    return found
