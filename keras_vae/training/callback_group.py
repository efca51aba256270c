"""Callbacks that another one calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_vae.errors import UserError

Logs = Mapping[str, Any] | None


class CallbackGroup(keras.callbacks.Callback):
    """Calls callbacks at every moment of a fit, so that a subclass has its say before or after.

    Args:
        callbacks: In the order of their calls. They do not stand in `fit`'s own list as well.

    Raises:
        UserError: From `fit`, for one that does.

    Attributes:
        callbacks: The same.
        ended: Whether one of them has ended the fit.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        super().__init__()
        self.callbacks = list(callbacks)
        self.ended = False

    def set_model(self, model: keras.Model) -> None:
        """Tells them the model."""
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells them the numbers of epochs and steps, as a copy by which they can be told."""
        super().set_params(params)
        for callback in self.callbacks:
            if callback.params is not params:
                callback.set_params(dict(params))

    def on_train_begin(self, logs: Logs = None) -> None:
        """Calls them."""
        for callback in self.callbacks:
            if callback.params is self.params:
                raise UserError(
                    f"{type(callback).__name__} is called by {type(self).__name__}, which it was "
                    "given to: leave it out of fit's own list of callbacks."
                )
        self.ended = False
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_train_batch_end", batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_test_end", logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Calls them."""
        self._call("on_test_batch_end", batch, logs)

    def _call(self, moment: str, *arguments: Any) -> None:
        if not self.callbacks:
            return
        before, self.model.stop_training = self.model.stop_training, False
        for callback in self.callbacks:
            getattr(callback, moment)(*arguments)
        self.ended |= self.model.stop_training
        self.model.stop_training |= before
