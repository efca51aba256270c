"""Layers that Keras has not: corruption of data, gated units, and layers with a tied kernel.

Corruptions are pure functions of the data and of `Noise`, named by a string, a table or an object.
Nothing here knows a model class, a network or a data set.
"""

from keras_vae.layers.corruption import (
    Corruption,
    GaussianCorruption,
    MaskingCorruption,
    SaltAndPepperCorruption,
    get_corruption,
)
from keras_vae.layers.gated import GatedDense
from keras_vae.layers.tied import TiedConv2DTranspose, TiedDense, tie

__all__ = [
    "Corruption",
    "GatedDense",
    "GaussianCorruption",
    "MaskingCorruption",
    "SaltAndPepperCorruption",
    "TiedConv2DTranspose",
    "TiedDense",
    "get_corruption",
    "tie",
]
