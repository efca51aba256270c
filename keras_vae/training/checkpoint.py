"""The model after the last whole epoch, on disk: what a stopped fit continues from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves the model, its optimizer and its step after every epoch, and keeps the latest file.

    A file appears whole or not at all: it is written under another name, then renamed.

    Args:
        folder: Where `epoch-0001.keras` and its successors go.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self._folder = Path(folder)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Saves the model and deletes its predecessors."""
        self._folder.mkdir(parents=True, exist_ok=True)
        older = list(self._folder.glob("epoch-*.keras"))
        part = self._folder / "part.keras"
        self.model.save(part)
        whole = part.replace(self._folder / f"epoch-{epoch + 1:04d}.keras")
        for path in older:
            if path != whole:
                path.unlink()


def latest_checkpoint(folder: str | Path) -> tuple[Path, int] | None:
    """The file of the last whole epoch and its number of epochs, or None if there is none."""
    paths = {
        int(path.stem.removeprefix("epoch-")): path for path in Path(folder).glob("epoch-*.keras")
    }
    return (paths[max(paths)], max(paths)) if paths else None
