"""A watch on posterior collapse."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.evaluation import active_units, kl_per_dimension
from keras_vae.rows import Array


class LatentMonitor(keras.callbacks.Callback):
    """Logs at the end of each epoch how much of its latent space a VAE uses.

    `active_units` goes into the logs, and so into the history, the progress bar and TensorBoard.

    Args:
        x: Data to look at (num, *event_shape), such as the validation set.
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.

    Attributes:
        kl_per_dimension: For each epoch so far, `keras_vae.evaluation.kl_per_dimension`
            (latent_dim,), in nats.
    """

    def __init__(self, x: Any, condition: Any = None) -> None:
        super().__init__()
        self._data = (x, condition)
        self.kl_per_dimension: list[Array] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds `active_units` to the logs and one entry to `kl_per_dimension`."""
        self.kl_per_dimension.append(kl_per_dimension(self.model, *self._data))
        if logs is not None:
            logs["active_units"] = active_units(self.model, *self._data)
