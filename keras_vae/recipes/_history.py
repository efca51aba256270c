"""The callback that writes a line after every epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_vae.training import LatentMonitor


class HistoryLines(keras.callbacks.Callback):
    """Adds a line after every epoch: its number from 1, the logs, its seconds, and more.

    The seconds are those of training, validation and the callbacks before this one; of an epoch
    that was resumed, those since then.

    Args:
        add: Takes a line; `Run.add_history`.
        monitor: Whose KL per latent dimension is written too, as columns `kl[0]`, `kl[1]`, ...
        before: Columns at the beginning.
        after: Columns behind the seconds.
    """

    def __init__(
        self,
        add: Callable[[Mapping[str, Any]], None],
        monitor: LatentMonitor | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._add = add
        self._monitor = monitor
        self._before = before or {}
        self._after = after or {}
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Adds the line."""
        terms = {name: float(value) for name, value in (logs or {}).items()}
        seconds = round(time.perf_counter() - self._start, 3)
        row = {**self._before, "epoch": epoch + 1, **terms, "seconds": seconds, **self._after}
        dimensions = self._monitor.kl_per_dimension[-1] if self._monitor else ()
        self._add(row | {f"kl[{index}]": float(kl) for index, kl in enumerate(dimensions)})
