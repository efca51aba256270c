"""Convolutional encoders and decoders of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import keras

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError, check_counts, check_widths
from keras_vae.layers import TiedConv2DTranspose, TiedDense
from keras_vae.networks._checks import check_images, check_tied


def convolutional(
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    filters: Sequence[int] = (32, 64),
    hidden: Sequence[int] = (),
    activation: str = "relu",
    downsampling: Literal["strides", "max_pool"] = "strides",
    posterior: Any = "normal",
    likelihood: Any = "bernoulli",
    condition_dim: int | None = None,
    tied: bool = False,
    weight_decay: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """An encoder of 3 x 3 convolutions that halve the image each, and its mirror image.

    Args:
        event_shape: (height, width, channels) of one image, of any size: where an odd size is
            halved, the decoder crops.
        latent_dim: Width of the code.
        filters: Channels of the encoder's convolutions, first to last; each halves the image.
        hidden: Widths of dense layers between the last feature maps and the code.
        activation: Of the hidden layers.
        downsampling: "strides": convolutions with stride 2, and transposed ones; or "max_pool":
            convolutions, each with max-pooling after it, and in the decoder unpooling, which
            repeats every value, before each. The code is then small, and has lost the places of
            the maxima, where Masci et al. keep full maps of a few maxima and zeros.
        posterior: What the encoder must give parameters for; "deterministic" for a plain
            autoencoder.
        likelihood: What the decoder must give parameters for.
        condition_dim: Width of the condition, a second input of both networks: constant maps beside
            the image's channels, and numbers beside the code; None for none.
        tied: Whether the decoder's kernels are the encoder's, transposed. The decoder is then no
            network on its own: make a model of the two.
        weight_decay: This times the sum of the squared kernels is minimized too, and is no part of
            the `loss` that a fit logs.

    Returns:
        The encoder, from x (batch, height, width, channels), and the decoder, from z (batch,
        latent_dim).

    Raises:
        UserError: When `event_shape` is not that of an image, or there are no `filters`, for
            another `downsampling`, or when the kernels cannot be tied.

    Reference:
        Masci et al. (2011), "Stacked Convolutional Auto-Encoders for Hierarchical Feature
        Extraction", section 3, for max-pooling and for tied kernels.
    """
    check_widths(event_shape=event_shape, filters=filters, hidden=hidden)
    check_counts(latent_dim=latent_dim)
    event_shape = tuple(event_shape)
    check_images(event_shape, filters)
    if downsampling not in ("strides", "max_pool"):
        raise UserError(f'Unknown downsampling {downsampling!r}: expected "strides" or "max_pool".')
    posterior_shape = get_posterior(posterior).params_shape((latent_dim,))
    likelihood_shape = get_likelihood(likelihood).params_shape(event_shape)
    if tied:
        check_tied(latent_dim, posterior_shape, event_shape, likelihood_shape, condition_dim)
    sizes = [(event_shape[0], event_shape[1])]  # of the feature maps, first to last
    for _ in filters:
        sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
    strides = 2 if downsampling == "strides" else 1
    options = {"kernel_regularizer": _l2(weight_decay)}
    same = {"strides": strides, "padding": "same", **options}
    convolutions = [f"convolution_{index}" for index in range(len(filters))]
    names = [f"hidden_{index}" for index in range(len(hidden))]

    inputs, h = _inputs(
        event_shape, condition_dim
    )  # (batch, height, width, channels + condition_dim)
    for channels, name in zip(filters, convolutions, strict=True):
        h = keras.layers.Conv2D(channels, 3, activation=activation, name=name, **same)(h)
        if downsampling == "max_pool":
            h = keras.layers.MaxPooling2D(2, padding="same")(h)
        # (batch, ceil(height / 2), ceil(width / 2), channels)
    h = keras.layers.Flatten()(h)  # (batch, features)
    for width, name in zip(hidden, names, strict=True):
        h = keras.layers.Dense(width, activation, name=name, **options)(h)  # (batch, width)
    h = keras.layers.Dense(*posterior_shape, name="params", **options)(h)
    encoder = keras.Model(inputs, h, name="encoder")

    def dense(source: str, width: int) -> keras.Layer:
        """Goes back over the encoder's layer of that name."""
        if tied:
            return TiedDense(source, width, activation)
        return keras.layers.Dense(width, activation, **options)

    def convolution(source: str, channels: int, **arguments: Any) -> keras.Layer:
        """The same, for a convolution."""
        if tied:
            return TiedConv2DTranspose(source, channels, strides, **arguments)
        return keras.layers.Conv2DTranspose(channels, 3, **same, **arguments)

    inputs, h = _inputs((latent_dim,), condition_dim)  # (batch, latent_dim + condition_dim)
    for source, width in zip(
        ["params", *names[::-1]],
        [*hidden[::-1], math.prod(sizes[-1]) * filters[-1]],
        strict=True,
    ):
        h = dense(source, width)(h)  # (batch, width), at last (batch, features)
    h = keras.layers.Reshape((*sizes[-1], filters[-1]))(h)  # (batch, *sizes[-1], filters[-1])
    for source, channels, size, arguments in zip(
        convolutions[::-1],
        [*filters[-2::-1], likelihood_shape[-1]],
        sizes[-2::-1],
        [*({"activation": activation} for _ in filters[1:]), {"name": "params"}],
        strict=True,
    ):
        if downsampling == "max_pool":
            h = keras.layers.UpSampling2D(2)(h)  # (batch, twice as high, and as wide, channels)
        h = convolution(source, channels, **arguments)(h)
        h = _cropped(h, size)  # (batch, *size, channels)
    return encoder, keras.Model(inputs, h, name="decoder")


def fully_convolutional(
    event_shape: Sequence[int],
    filters: Sequence[int] = (64, 64, 128),
    *,
    kernel_size: int = 5,
    decoder_kernel_size: int = 11,
    activation: str = "relu",
    posterior: Any = "deterministic",
    likelihood: Any = "normal",
    weight_decay: float = 0.0,
) -> tuple[keras.Model, keras.Model]:
    """Convolutions of full resolution: the code is feature maps, and the decoder one layer.

    Use it with a sparse code, which is then an image as a sum of a few of the decoder's filters.

    Args:
        event_shape: (height, width, channels) of one image.
        filters: Channels of the encoder's convolutions, first to last; the last are the code's.
        kernel_size: Of the encoder's convolutions.
        decoder_kernel_size: Of the decoder's only one.
        activation: Of the encoder's layers but the last, whose activation is the posterior's.
        posterior: A posterior of one number per value, such as "deterministic".
        likelihood: What the decoder must give parameters for.
        weight_decay: As in `convolutional`.

    Returns:
        The encoder, from x (batch, height, width, channels), and the decoder, from z (batch,
        height, width, filters[-1]).

    Raises:
        UserError: When `event_shape` is not that of an image, there are no `filters`, or the
            posterior has more than one number per value.

    Reference:
        Makhzani and Frey (2015), "Winner-Take-All Autoencoders", section 3.
    """
    check_widths(event_shape=event_shape, filters=filters)
    event_shape = tuple(event_shape)
    check_images(event_shape, filters)
    latent_shape = (*event_shape[:2], filters[-1])
    if get_posterior(posterior).params_shape((1,)) != (1,):
        raise UserError(
            f"A fully convolutional code has one number per value. Received {posterior!r}; use "
            '"deterministic", or the network "convolutional".'
        )
    channels = get_likelihood(likelihood).params_shape(event_shape)[-1]
    convolution = partial(keras.layers.Conv2D, padding="same", kernel_regularizer=_l2(weight_decay))
    h = inputs = keras.Input(event_shape)
    for width in filters[:-1]:
        h = convolution(width, kernel_size, activation=activation)(h)  # (batch, h, w, width)
    h = convolution(filters[-1], kernel_size, name="params")(h)  # (batch, *latent_shape)
    encoder = keras.Model(inputs, h, name="encoder")
    inputs = keras.Input(latent_shape)
    h = convolution(channels, decoder_kernel_size, name="params")(inputs)  # (batch, h, w, channels)
    return encoder, keras.Model(inputs, h, name="decoder")


def _l2(weight_decay: float) -> keras.Regularizer | None:
    return keras.regularizers.L2(weight_decay) if weight_decay else None


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
