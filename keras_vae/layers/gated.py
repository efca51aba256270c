"""A dense layer whose outputs are let through by gates."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.noise import Tensor


@keras.saving.register_keras_serializable("keras_vae")
class GatedDense(keras.layers.Dense):
    """Gated linear units: (x W + b) * sigmoid(x V + c), from (..., inputs) to (..., units).

    Args:
        units: How many there are.
        **kwargs: Of `keras.layers.Dense`, but for `activation`.

    Raises:
        UserError: When there is an `activation`: the gates are in its place.

    Reference:
        Dauphin et al. (2017), "Language Modeling with Gated Convolutional Networks", equation 1.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        if "activation" in kwargs:
            raise UserError("Gated units take no activation: the gates are in its place.")
        super().__init__(2 * units, **kwargs)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """The units (..., units) of inputs (..., inputs)."""
        return keras.activations.glu(super().call(inputs, training=training))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(..., units)."""
        return (*input_shape[:-1], self.units // 2)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        del config["activation"]
        return {**config, "units": self.units // 2}
