"""What is measured of a model in the course of its training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras


class MeasureAt(keras.callbacks.Callback):
    """Logs what a function finds of the model at the end of chosen epochs.

    It goes into the logs, and so into the history; in a run's `history.csv`, other epochs have
    "nan" there. Use it for what takes too long to be measured after every epoch.

    Args:
        measure: From the model to numbers by name.
        epochs: Their numbers, counted from 1.
    """

    def __init__(
        self, measure: Callable[[Any], Mapping[str, float]], epochs: Collection[int]
    ) -> None:
        super().__init__()
        self._measure, self._epochs = measure, frozenset(epochs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures, and adds to the logs."""
        if logs is not None and epoch + 1 in self._epochs:
            logs.update(self._measure(self.model))
