"""Where exported models stand: <models>/<name>/<version>/ with the files named here."""

from __future__ import annotations

import re
from pathlib import Path

from keras_vae.errors import UserError

GRAPH = "saved_model.pb"
"""What makes a folder a version: TensorFlow's graph."""
MODEL = "model.keras"
CARD = "card.json"
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")
"""Where TensorFlow Serving looks for requests to replay before a version answers others."""
DEFAULT_SIGNATURE = "serving_default"
"""The one that answers a request which names none."""

_LARGEST_VERSION = 2**63 - 1


def is_version(name: str) -> bool:
    """Whether a folder of that name is a version: a number, of which servers look at no other."""
    return re.fullmatch("[0-9]+", name) is not None and int(name) <= _LARGEST_VERSION


def versions(model: Path) -> dict[int, Path]:
    """Number -> folder of a model's versions, the oldest first."""
    folders = [path.parent for path in model.glob(f"*/{GRAPH}") if is_version(path.parent.name)]
    return {number: folder for number, folder in sorted((int(path.name), path) for path in folders)}


def models(folder: Path) -> list[Path]:
    """The folders of all models with a version, by name."""
    return sorted(path for path in folder.iterdir() if versions(path))


def expect_models(folder: Path) -> list[Path]:
    """The same.

    Raises:
        UserError: When the folder does not exist, or has none.
    """
    found = models(folder) if folder.is_dir() else []
    if not found:
        raise UserError(
            f"There are no models in {str(folder)!r}: expected <name>/<version>/{GRAPH} in it, "
            "as `keras-vae export` writes them."
        )
    return found
