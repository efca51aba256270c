"""What a model must know of the networks that it is given."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import keras

from keras_vae.distributions import Bernoulli, ContinuousBernoulli, Likelihood, Posterior
from keras_vae.errors import UserError
from keras_vae.layers import TiedConv2DTranspose

Shape = tuple[int, ...]
_SIGMOID = keras.activations.get("sigmoid")


class Shapes(NamedTuple):
    """The shapes of one example, of its code and of its condition."""

    event_shape: Shape
    latent_shape: Shape
    condition_dim: int | None


def read_shapes(
    encoder: keras.Model, decoder: keras.Model, posterior: Posterior, likelihood: Likelihood
) -> Shapes:
    """Reads the shapes off the networks.

    Raises:
        UserError: When the networks do not fit each other, or not their densities.
    """
    event_shape, *encoder_conditions = encoder_inputs = _input_shapes(encoder, "encoder")
    latent_shape, *decoder_conditions = decoder_inputs = _input_shapes(decoder, "decoder")
    if encoder_conditions != decoder_conditions:
        raise UserError(
            f"The encoder takes conditions of shape {encoder_conditions} and the decoder of "
            f"{decoder_conditions}; give both the same condition as second input, or neither."
        )
    if len(encoder_conditions) > 1 or any(len(shape) != 1 for shape in encoder_conditions):
        raise UserError(
            f"The networks take conditions of shape {encoder_conditions}; a condition is one "
            "second input, of vectors: flatten it before the networks, and reshape it inside."
        )
    for network, role, inputs, density, expected in (
        (encoder, "encoder", encoder_inputs, posterior, posterior.params_shape(latent_shape)),
        (decoder, "decoder", decoder_inputs, likelihood, likelihood.params_shape(event_shape)),
    ):
        received = _output_shape(network, inputs, role)
        if received != expected:
            raise UserError(
                f"The {role} {network.name!r} gives {received} per example; the density "
                f"{type(density).__name__}, for data {event_shape} and codes {latent_shape}, needs "
                f"{expected}: change the network's last layer, or the density."
            )
    if isinstance(likelihood, (Bernoulli, ContinuousBernoulli)) and _ends_in_a_sigmoid(decoder):
        warnings.warn(
            f"The decoder {decoder.name!r} ends in a sigmoid, and a {type(likelihood).__name__} "
            "takes logits: leave the activation out.",
            stacklevel=4,  # who makes the model
        )
    condition_dim = encoder_conditions[0][0] if encoder_conditions else None
    return Shapes(event_shape, latent_shape, condition_dim)


def _ends_in_a_sigmoid(network: keras.Model) -> bool:
    """Whether the last layer that computes has that activation, as decoders elsewhere do."""
    moves = (keras.layers.Reshape, keras.layers.Flatten)
    computing = [layer for layer in network.layers if not isinstance(layer, moves)]
    return bool(computing) and getattr(computing[-1], "activation", None) is _SIGMOID


def _input_shapes(network: keras.Model, role: str) -> list[Shape]:
    """The shape of each input of a network, without the batch axis.

    Raises:
        UserError: When the network has not been built, or leaves an axis open.
    """
    config = network.get_build_config()
    if not network.built or config is None:
        raise UserError(
            f"The {role} {network.name!r} has not been built, so its input shape is unknown. "
            f"Call it once, or `{role}.build((None, ...))`, before you pass it on."
        )
    # Functional models know their inputs; a subclass or Sequential recorded what it was built with.
    shape: Any = config["input_shape"] or network.input_shape
    shapes = list(shape) if isinstance(shape[0], (list, tuple)) else [shape]
    if any(size is None for shape in shapes for size in shape[1:]):
        raise UserError(
            f"The {role} {network.name!r} takes inputs {shapes}; "
            "every axis but the batch must have a fixed size."
        )
    return [tuple(shape[1:]) for shape in shapes]


def _output_shape(network: keras.Model, inputs: list[Shape], role: str) -> Shape:
    """The shape of a network's one output, without the batch axis."""
    tensors = [keras.KerasTensor((None, *shape)) for shape in inputs]
    output = network(tensors[0] if len(tensors) == 1 else tensors)
    if not isinstance(output, keras.KerasTensor):
        raise UserError(
            f"The {role} {network.name!r} gives {len(output)} outputs; a density reads one: "
            "concatenate them, the mean first."
        )
    return tuple(output.shape[1:])


def has_convolutions(*networks: keras.Model) -> bool:
    """Whether any of the networks holds a convolution, however deep."""
    convolutions = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
    transposed = (
        keras.layers.Conv1DTranspose,
        keras.layers.Conv2DTranspose,
        keras.layers.Conv3DTranspose,
        TiedConv2DTranspose,
    )
    layers = (layer for network in networks for layer in network._flatten_layers())
    return any(isinstance(layer, convolutions + transposed) for layer in layers)
