"""Layers of a decoder without a kernel of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.noise import Tensor


class Tied(keras.Layer):
    """Has a bias and an activation, and the kernel of another layer; a subclass says how.

    Use it in the decoder of an autoencoder whose encoder has the kernel. The two stay tied in a
    saved model: `tie` is called anew where a model is made of them.

    Args:
        source: The name of the layer that has the kernel.
        width: Size of the output's last axis, which is that of the other layer's input.
        activation: A Keras activation.
    """

    _tied_to: Callable[[], keras.Layer | None] = staticmethod(lambda: None)

    def __init__(self, source: str, width: int, activation: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.activation = keras.activations.get(activation)
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
        self.built = True

    @property
    def tied_to(self) -> keras.Layer | None:
        """The layer that has the kernel, or None before `tie`."""
        return self._tied_to()

    def tie(self, layer: keras.Layer) -> None:
        """Takes the layer's kernel from now on, without owning it."""
        self._tied_to = lambda: layer  # Keras would track the layer itself as a part of this one

    @property
    def kernel(self) -> Any:
        """The other layer's kernel (..., width, other width).

        Raises:
            UserError: Before `tie`.
        """
        if self.tied_to is None:
            raise UserError(
                f"The layer {self.name!r} has no kernel yet: it is tied to {self.source!r} of an "
                "encoder, by the model that is made of both."
            )
        return self.tied_to.kernel

    def get_config(self) -> dict[str, Any]:
        """The name of the other layer, and the activation; a subclass adds the width."""
        return {
            **super().get_config(),
            "source": self.source,
            "activation": keras.activations.serialize(self.activation),
        }


@keras.saving.register_keras_serializable("keras_vae")
class TiedDense(Tied):
    """A dense layer whose kernel is another's, transposed: f(x W^T + b).

    Args:
        source: The name of the dense layer that has the kernel W (units, input_size).
        units: Width of the output, which is that of the other layer's input.
        activation: A Keras activation.

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", section 2.2.
    """

    def __init__(
        self, source: str, units: int, activation: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(source, units, activation, **kwargs)
        self.units = units

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, input_size) -> (batch, units)."""
        kernel = keras.ops.transpose(self.kernel)  # (input_size, units)
        return self.activation(keras.ops.matmul(inputs, kernel) + self.bias)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Needs no kernel, so a network can be made before it is tied."""
        return keras.KerasTensor((*inputs.shape[:-1], self.units), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("keras_vae")
class TiedConv2DTranspose(Tied):
    """A transposed convolution with the kernel of a convolution, which it undoes the shapes of.

    A convolution is a linear map W of images, and this one is W^T, for images of a size that the
    strides divide: every place of the code puts the filter, by its value, where the convolution
    looked.

    Args:
        source: The name of the `Conv2D` that has the kernel (height, width, filters, channels).
        filters: Channels of the output, which are those of the other layer's input.
        strides: Of the other layer.
        activation: A Keras activation.

    Reference:
        Masci et al. (2011), "Stacked Convolutional Auto-Encoders for Hierarchical Feature
        Extraction", equation 3.
    """

    def __init__(
        self,
        source: str,
        filters: int,
        strides: int = 1,
        activation: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(source, filters, activation, **kwargs)
        self.filters = filters
        self.strides = strides

    def call(self, inputs: Tensor) -> Tensor:
        """(batch, height, width, channels) -> (batch, strides height, strides width, filters)."""
        maps = keras.ops.conv_transpose(inputs, self.kernel, self.strides, "same")
        return self.activation(maps + self.bias)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        """Needs no kernel, so a network can be made before it is tied."""
        height, width = (self.strides * size for size in inputs.shape[1:3])
        shape = (inputs.shape[0], height, width, self.filters)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


def tie(encoder: keras.Model, decoder: keras.Model) -> None:
    """Ties every `Tied` layer of a decoder to the layer of the encoder that it names.

    One that is tied to a layer of this encoder stays so: in a stack several have the same name.

    Raises:
        UserError: When the encoder has no layer with a kernel of that name.
    """
    kinds = (keras.layers.Dense, keras.layers.Conv2D)
    layers = [part for part in encoder._flatten_layers() if isinstance(part, kinds)]
    named = {layer.name: layer for layer in layers}
    for layer in decoder._flatten_layers():
        if isinstance(layer, Tied) and not any(layer.tied_to is part for part in layers):
            if layer.source not in named:
                raise UserError(
                    f"The decoder's layer {layer.name!r} is tied to {layer.source!r}, and the "
                    f"encoder has {sorted(named)}: give the two networks that were made together."
                )
            layer.tie(named[layer.source])
