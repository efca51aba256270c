"""A dense layer without a kernel of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.noise import Tensor


@keras.saving.register_keras_serializable("keras_vae")
class TiedDense(keras.Layer):
    """A dense layer whose kernel is another's, transposed: f(x W^T + b).

    Use it in the decoder of an autoencoder whose encoder has the kernel W. The two stay tied in a
    saved model: `tie` is called anew where a model is made of them.

    Args:
        source: The name of the layer that has the kernel.
        units: Width of the output, which is that of the other layer's input.
        activation: A Keras activation.

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", section 2.2.
    """

    _tied_to: Callable[[], keras.layers.Dense | None] = staticmethod(lambda: None)

    def __init__(
        self, source: str, units: int, activation: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.units = units
        self.activation = keras.activations.get(activation)
        self.bias = self.add_weight(shape=(units,), initializer="zeros", name="bias")
        self.built = True

    @property
    def tied_to(self) -> keras.layers.Dense | None:
        """The layer that has the kernel, or None before `tie`."""
        return self._tied_to()

    def tie(self, layer: keras.layers.Dense) -> None:
        """Takes the layer's kernel (units, input_size) from now on, without owning it."""
        self._tied_to = lambda: layer  # Keras would track the layer itself as a part of this one

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, input_size) -> (batch, units)."""
        if self.tied_to is None:
            raise UserError(
                f"The layer {self.name!r} has no kernel yet: it is tied to {self.source!r} of an "
                "encoder, by the model that is made of both."
            )
        kernel = keras.ops.transpose(self.tied_to.kernel)  # (input_size, units)
        return self.activation(keras.ops.matmul(inputs, kernel) + self.bias)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Needs no kernel, so a network can be made before it is tied."""
        return keras.KerasTensor((*inputs.shape[:-1], self.units), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "source": self.source,
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }


def tie(encoder: keras.Model, decoder: keras.Model) -> None:
    """Ties every `TiedDense` of a decoder to the layer of the encoder that it names.

    One that is tied to a layer of this encoder stays so: in a stack several have the same name.

    Raises:
        UserError: When the encoder has no dense layer of that name.
    """
    layers = [part for part in encoder._flatten_layers() if isinstance(part, keras.layers.Dense)]
    dense = {layer.name: layer for layer in layers}
    for layer in decoder._flatten_layers():
        if isinstance(layer, TiedDense) and not any(layer.tied_to is part for part in layers):
            if layer.source not in dense:
                raise UserError(
                    f"The decoder's layer {layer.name!r} is tied to {layer.source!r}, and the "
                    f"encoder has {sorted(dense)}: give the two networks that were made together."
                )
            layer.tie(dense[layer.source])
