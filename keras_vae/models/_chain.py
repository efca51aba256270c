"""Networks joined to one: a chain of parts, with the means of densities in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_vae.arrays import as_data
from keras_vae.distributions import Likelihood, Posterior
from keras_vae.float32 import Float32Layer
from keras_vae.noise import Tensor


@keras.saving.register_keras_serializable("keras_vae")
class Mean(Float32Layer):
    """From raw parameters (batch, *params_shape) to the mean of their density (batch, *shape).

    Args:
        density: A `Posterior` or a `Likelihood`.
    """

    def __init__(self, density: Posterior | Likelihood, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.density = density

    def call(self, params: Tensor) -> Tensor:
        """The mean, float32."""
        return self.density.distribution(params).mean()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "density": keras.saving.serialize_keras_object(self.density),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Mean:
        """A layer from its config, the density included."""
        return cls(
            **{**config, "density": keras.saving.deserialize_keras_object(config["density"])}
        )


@keras.saving.register_keras_serializable("keras_vae")
class Data(Float32Layer):
    """Data as models read them: uint8 (batch, *event_shape) as x / 255, floats as they are.

    Args:
        event_shape: Shape of one example.
    """

    def __init__(self, event_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.event_shape = tuple(event_shape)

    def call(self, x: Tensor) -> Tensor:
        """Float32, same shape."""
        return as_data(x, self.event_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "event_shape": self.event_shape}


@keras.saving.register_keras_serializable("keras_vae")
class Chain(keras.Model):
    """Parts that are called one after the other; unlike in a `Sequential`, names may be the same.

    Args:
        input_shape: Shape of one example.
        parts: Layers and models.
    """

    def __init__(
        self, input_shape: Sequence[int], parts: Sequence[keras.Layer], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.parts = list(parts)
        self._shape = tuple(input_shape)
        self(keras.KerasTensor((None, *input_shape)))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """From (batch, *input_shape) to what the last part gives."""
        for part in self.parts:
            inputs = part(inputs)  # Keras hands `training` on to those that ask for it
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "input_shape": self._shape,
            "parts": [serialize(part) for part in self.parts],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Chain:
        """A model from its config, the parts included."""
        deserialize = keras.saving.deserialize_keras_object
        parts = [deserialize(part, custom_objects) for part in config["parts"]]
        return cls(**{**config, "parts": parts})
