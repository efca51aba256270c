"""Functions that return a pair of `keras.Model`: an encoder and a decoder.

The last layer of each gives the raw parameters of a density, as many as the posterior and the
likelihood need. Here live shapes and layers only; no loss, no training. A pair of your own works as
well everywhere.
"""

from keras_vae.networks.convolutional import convolutional
from keras_vae.networks.dense import dense

__all__ = ["convolutional", "dense"]
