"""The weights of an encoder's first layer, one tile for each unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from keras_vae.figures.sheets import is_image
from keras_vae.rows import Array

if TYPE_CHECKING:
    from keras_vae.models import LatentModel


def first_kernel(model: LatentModel) -> Array:
    """What each unit of the first layer multiplies the data by; a condition's weights are left out.

    Returns:
        (units, *event_shape) of a dense layer; (units, height, width, channels) of a convolution;
        of no unit where data are no images or the first layer is another.
    """
    import keras

    event_shape = tuple(model.event_shape)
    first = model.encoder
    while isinstance(first, keras.Model):  # networks may be parts of networks
        first = next(layer for layer in first.layers if layer.weights)
    if not is_image(event_shape):
        return np.empty((0, *event_shape))
    if isinstance(first, keras.layers.Dense):
        kernel = np.asarray(first.kernel)[: math.prod(event_shape)]  # (event_size, units)
        return kernel.T.reshape(-1, *event_shape)  # (units, *event_shape)
    if isinstance(first, keras.layers.Conv2D) and len(event_shape) == 3:
        kernel = np.asarray(first.kernel)[:, :, : event_shape[-1]]  # (h, w, channels, units)
        return np.moveaxis(kernel, -1, 0)  # (units, h, w, channels)
    return np.empty((0, *event_shape))
