"""The progress bar of `fit`, `evaluate` and `predict`, where an execution has steps to spare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' own, which counts all steps of an execution, with an end at the last step there is."""

    async_safe = True
    """As Keras takes its own to be: needs nothing of the model."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the bar up to a step of `fit`."""
        super().on_train_batch_end(self._within(batch), logs)

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the bar up to a step of `evaluate`."""
        super().on_test_batch_end(self._within(batch), logs)

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Draws the bar up to a step of `predict`."""
        super().on_predict_batch_end(self._within(batch), logs)

    def _within(self, batch: int) -> int:
        return batch if self.target is None else min(batch, self.target - 1)


def with_progress_bar(callbacks: Any) -> Any:
    """What Keras takes for `callbacks`, with a bar unless they have one; `verbose` goes for it."""
    if isinstance(callbacks, keras.callbacks.CallbackList):  # of `fit`, which has one
        return callbacks
    each = keras.tree.flatten(callbacks or [])
    if any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in each):
        return each
    return [*each, ProgressBar()]
