"""What is known of the models that come with the package, without loading one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from keras_vae import model_folders

_HEADLINES = ("accuracy", "nll", "elbo", "loss")
"""What tells most of a model, of which its card has the first."""


@dataclasses.dataclass(frozen=True)
class Preset:
    """A model that comes with the package.

    Attributes:
        headline: The name of the figure that tells most, such as "nll".
        value: That figure, on the test rows.
        unit: Of the figure.
        megabytes: The size of its folder.
        seconds: How long it was trained.
    """

    headline: str
    value: float
    unit: str
    megabytes: float
    seconds: float


def presets() -> dict[str, Preset]:
    """Name -> what its card says."""
    found = {}
    for folder in model_folders.models(model_folders.packaged()):
        version = next(iter(model_folders.versions(folder).values()))
        card = json.loads((version / model_folders.CARD).read_text(encoding="utf-8"))
        size = sum(file.stat().st_size for file in version.rglob("*") if file.is_file())
        found[folder.name] = _preset(card, size / 1e6)
    return found


def _preset(card: Mapping[str, Any], megabytes: float) -> Preset:
    headline = next(name for name in _HEADLINES if name in card["metrics"])
    return Preset(
        headline=headline,
        value=card["metrics"][headline],
        unit=card["units"][headline],
        megabytes=megabytes,
        seconds=card["seconds"],
    )
