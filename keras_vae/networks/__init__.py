"""Functions that return a pair of `keras.Model`, an encoder and a decoder, or a list of such pairs.

The last layer of each gives the raw parameters of a density, as many as the posterior and the
likelihood need. A classifier is one network, whose last layer gives logits. Here live shapes and
layers only; no loss, no training. Networks of your own work as well everywhere.
"""

from keras_vae.networks.classifiers import convolutional_classifier
from keras_vae.networks.convolutional import convolutional, fully_convolutional
from keras_vae.networks.dense import dense, dense_completion, dense_layers, dense_stages

__all__ = [
    "convolutional",
    "convolutional_classifier",
    "dense",
    "dense_completion",
    "dense_layers",
    "dense_stages",
    "fully_convolutional",
]
