"""Convolutional encoders and decoders of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import keras

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError


def convolutional(
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    filters: Sequence[int] = (32, 64),
    hidden: Sequence[int] = (),
    activation: str = "relu",
    posterior: Any = "normal",
    likelihood: Any = "bernoulli",
    condition_dim: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """An encoder of 3 x 3 convolutions with stride 2, and a mirrored decoder of transposed ones.

    Args:
        event_shape: (height, width, channels) of one image, of any size: where an odd size is
            halved, the decoder crops.
        latent_dim: Width of the code.
        filters: Channels of the encoder's convolutions, first to last; each halves the image.
        hidden: Widths of dense layers between the last feature maps and the code.
        activation: Of the hidden layers.
        posterior: What the encoder must give parameters for; "deterministic" for a plain
            autoencoder.
        likelihood: What the decoder must give parameters for.
        condition_dim: Width of the condition, a second input of both networks: constant maps beside
            the image's channels, and numbers beside the code; None for none.

    Returns:
        The encoder, from x (batch, height, width, channels), and the decoder, from z (batch,
        latent_dim).

    Raises:
        UserError: When `event_shape` is not that of an image, or there are no `filters`.
    """
    event_shape = tuple(event_shape)
    if len(event_shape) != 3:
        raise UserError(
            f"A convolutional network takes images (height, width, channels). "
            f"Received data of shape {event_shape}; "
            'use the network "dense".'
        )
    if not filters:
        raise UserError(
            "A convolutional network takes at least one number in `filters`. Received none; "
            'use the network "dense".'
        )
    posterior_shape = get_posterior(posterior).params_shape((latent_dim,))
    likelihood_shape = get_likelihood(likelihood).params_shape(event_shape)
    sizes = [event_shape[:2]]  # of the feature maps, first to last
    for _ in filters:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    convolution = partial(
        keras.layers.Conv2D, kernel_size=3, strides=2, padding="same", activation=activation
    )
    transposed = partial(keras.layers.Conv2DTranspose, kernel_size=3, strides=2, padding="same")

    inputs, h = _inputs(
        event_shape, condition_dim
    )  # (batch, height, width, channels + condition_dim)
    for channels in filters:
        h = convolution(channels)(h)  # (batch, ceil(height / 2), ceil(width / 2), channels)
    h = keras.layers.Flatten()(h)  # (batch, features)
    for width in hidden:
        h = keras.layers.Dense(width, activation=activation)(h)  # (batch, width)
    encoder = keras.Model(
        inputs, keras.layers.Dense(*posterior_shape, name="params")(h), name="encoder"
    )

    inputs, h = _inputs((latent_dim,), condition_dim)  # (batch, latent_dim + condition_dim)
    for width in hidden[::-1]:
        h = keras.layers.Dense(width, activation=activation)(h)  # (batch, width)
    h = keras.layers.Dense(math.prod(sizes[-1]) * filters[-1], activation=activation)(
        h
    )  # (batch, features)
    h = keras.layers.Reshape((*sizes[-1], filters[-1]))(h)  # (batch, *sizes[-1], filters[-1])
    for channels, size in zip(filters[-2::-1], sizes[-2:0:-1], strict=True):
        h = _cropped(
            transposed(channels, activation=activation)(h), size
        )  # (batch, *size, channels)
    h = _cropped(
        transposed(likelihood_shape[-1], name="params")(h), sizes[0]
    )  # (batch, *likelihood_shape)
    return encoder, keras.Model(inputs, h, name="decoder")


def _inputs(shape: tuple[int, ...], condition_dim: int | None) -> tuple[Any, Any]:
    """A network's inputs, and these joined along the last axis, the condition at every position."""
    first = keras.Input(shape)
    if condition_dim is None:
        return first, first
    condition = keras.Input((condition_dim,), name="condition")
    spread = condition
    if len(shape) == 3:
        spread = keras.layers.Reshape((1, 1, condition_dim))(
            condition
        )  # (batch, 1, 1, condition_dim)
        spread = keras.layers.UpSampling2D(shape[:2])(
            spread
        )  # (batch, height, width, condition_dim)
    return [first, condition], keras.layers.Concatenate()(
        [first, spread]
    )  # (batch, ..., channels + condition_dim)


def _cropped(maps: Any, size: tuple[int, int]) -> Any:
    """Feature maps cut at the lower right to (batch, *size, channels)."""
    height, width = maps.shape[1] - size[0], maps.shape[2] - size[1]
    return keras.layers.Cropping2D(((0, height), (0, width)))(maps) if height or width else maps
