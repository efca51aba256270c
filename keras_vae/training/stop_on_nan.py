"""A guard against a loss that is no longer a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array


class StopOnNaN(keras.callbacks.Callback):
    """Stops a fit at the first NaN or infinity, names the term, puts the last good weights back.

    The last good weights, and the optimizer's state, are those from the beginning of the epoch. Put
    it before callbacks that save the model.

    Raises:
        UserError: From `fit`, when a term of the loss, or a weight at the end of an epoch, is not
            finite.
    """

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Remembers the weights."""
        # Before the first step an optimizer has no state yet that could be remembered.
        with self.model.distribute_strategy.scope():
            self.model.optimizer.build(self.model.trainable_variables)
        self._variables = [*self.model.variables, *self.model.optimizer.variables]
        self._values: list[Array] = [np.array(variable) for variable in self._variables]

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Looks at the terms."""
        self._check(logs or {})

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Looks at the validation's terms, and at the weights after the last step."""
        self._check(logs or {})
        self._check(
            {
                f"weight {variable.path}": np.sum(variable)
                for variable in self.model.trainable_variables
            }
        )

    def _check(self, values: Mapping[str, Any]) -> None:
        bad = [name for name, value in values.items() if not np.isfinite(float(value))]
        if not bad:
            return
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)
        terms = [name for name in bad if name.removeprefix("val_") not in ("loss", "elbo")]
        raise UserError(
            f"{(terms or bad)[0]!r} is not finite any more; the fit has stopped with the weights "
            "from the beginning of the epoch. Lower the learning rate, or look for values in the "
            "data that the likelihood cannot take."
        )
