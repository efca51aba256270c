"""Functions that return a pair of `keras.Model`, an encoder and a decoder, or a list of such pairs.

The last layer of each gives the raw parameters of a density, as many as the posterior and the
likelihood need. Here live shapes and layers only; no loss, no training. A pair of your own works as
well everywhere.
"""

from keras_vae.networks.convolutional import convolutional, fully_convolutional
from keras_vae.networks.dense import dense, dense_layers, dense_stages

__all__ = ["convolutional", "dense", "dense_layers", "dense_stages", "fully_convolutional"]
