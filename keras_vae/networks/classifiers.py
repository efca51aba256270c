"""Networks that tell classes apart."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from keras_vae.errors import UserError, check_counts, check_widths
from keras_vae.networks._checks import check_images


def convolutional_classifier(
    event_shape: Sequence[int],
    num_classes: int,
    *,
    filters: Sequence[int] = (32, 64, 128),
    hidden: Sequence[int] = (256,),
    activation: str = "relu",
    dropout: float = 0.5,
    shift: int = 2,
) -> keras.Model:
    """3 x 3 convolutions with max-pooling after each, dense layers, and logits of the classes.

    Args:
        event_shape: (height, width, channels) of one image.
        num_classes: How many.
        filters: Channels of the convolutions, first to last.
        hidden: Widths of the dense layers.
        activation: Of the hidden layers.
        dropout: Share of the last feature maps' values, and of each dense layer's, that are left
            out while training.
        shift: By how many pixels at most an image is moved while training, up or down and to a
            side; 0 for none.

    Returns:
        A network from x (batch, height, width, channels) to logits (batch, num_classes).

    Raises:
        UserError: When `event_shape` is not that of an image, a width is below 1, or `dropout` or
            `shift` is out of range.
    """
    check_widths(event_shape=event_shape, filters=filters, hidden=hidden)
    check_counts(num_classes=num_classes)
    height, width, _ = check_images(event_shape, filters)
    if not 0 <= dropout < 1:
        raise UserError(f"dropout is a share, at least 0 and below 1. Received {dropout!r}.")
    if not 0 <= shift < min(height, width):
        raise UserError(
            f"shift is a number of pixels, at least 0 and below {min(height, width)}, the image's "
            f"size. Received {shift!r}."
        )
    h = inputs = keras.Input(event_shape)
    if shift:
        h = keras.layers.RandomTranslation(
            shift / height, shift / width, fill_mode="constant", interpolation="nearest"
        )(h)  # (batch, height, width, channels)
    for channels in filters:
        h = keras.layers.Conv2D(channels, 3, activation=activation, padding="same")(h)
        h = keras.layers.MaxPooling2D(2, padding="same")(
            h
        )  # (batch, ceil(height / 2), ceil(width / 2), channels)
    h = keras.layers.Flatten()(h)  # (batch, features)
    for units in hidden:
        h = keras.layers.Dropout(dropout)(h)
        h = keras.layers.Dense(units, activation)(h)  # (batch, units)
    h = keras.layers.Dropout(dropout)(h)
    logits = keras.layers.Dense(num_classes, dtype="float32")(h)  # (batch, num_classes)
    return keras.Model(inputs, logits, name="classifier")
