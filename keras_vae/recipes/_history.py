"""The callbacks that time epochs and write `history.csv`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import keras

from keras_vae.recipes.runs import Run
from keras_vae.training import LatentMonitor


class EpochSeconds(keras.callbacks.Callback):
    """Measures each epoch.

    Attributes:
        seconds: Of every epoch so far, validation and earlier callbacks included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Reads it."""
        self.seconds.append(round(time.perf_counter() - self._start, 3))


class HistoryFile(EpochSeconds):
    """Adds a line after every epoch: its number from 1, the logs, its seconds, and the data's name.

    Args:
        run: Where the file is.
        data: The name of the dataset.
        epochs: How many epochs are behind the model; the lines of later ones are dropped.
        monitor: Whose KL per latent dimension is written too, as columns `kl[0]`, `kl[1]`, ...
    """

    def __init__(
        self, run: Run, data: str, epochs: int, monitor: LatentMonitor | None = None
    ) -> None:
        super().__init__()
        self._monitor = monitor
        self._run = run
        self._data = data
        self._rows: list[dict[str, Any]] = [*run.history_rows()[:epochs]]

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Writes the file anew, with one line more."""
        super().on_epoch_end(epoch, logs)
        terms = {name: float(value) for name, value in (logs or {}).items()}
        dimensions = self._monitor.kl_per_dimension[-1] if self._monitor else ()
        row = {"epoch": epoch + 1, **terms, "seconds": self.seconds[-1], "data": self._data}
        row |= {f"kl[{index}]": float(kl) for index, kl in enumerate(dimensions)}
        self._rows.append(row)
        self._run.write_history(self._rows)
