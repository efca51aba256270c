"""The convolutional autoencoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.models._networks import has_convolutions
from keras_vae.models.sparse_autoencoder import SparseAutoencoder
from keras_vae.models.sparsities import Sparsity


@keras.saving.register_keras_serializable("keras_vae")
class ConvolutionalAutoencoder(SparseAutoencoder):
    """An autoencoder of images with convolutional networks; its code is a vector or feature maps.

    Use it for images, above all where the code should keep the place of things.

    The objective is that of `Autoencoder`, reconstruction = -log p(x | z) with z = encoder(x); with
    a `corruption` that of `DenoisingAutoencoder`, and with a `sparsity` that of
    `SparseAutoencoder`.

    Args:
        encoder: A `keras.Model` with convolutions from x (batch, height, width, channels) to the
            code (batch, *latent_shape).
        decoder: A `keras.Model` with convolutions from the code (batch, *latent_shape) to raw
            likelihood parameters.
        sparsity: None, or as in `SparseAutoencoder`: "winner_take_all" for feature maps.
        **kwargs: `likelihood`, `posterior`, `corruption` and `seed`, as in `Autoencoder`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.convolutional(
    ...     (8, 8, 1), latent_dim=3, filters=(4,), posterior="deterministic", likelihood="normal"
    ... )
    >>> autoencoder = keras_vae.ConvolutionalAutoencoder(encoder, decoder)
    >>> autoencoder.encode(np.zeros((5, 8, 8, 1), "float32")).shape
    (5, 3)

    Reference:
        Masci et al. (2011), "Stacked Convolutional Auto-Encoders for Hierarchical Feature
        Extraction", section 3; Makhzani and Frey (2015), "Winner-Take-All Autoencoders", section 3.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        sparsity: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            encoder, decoder, sparsity=Sparsity() if sparsity is None else sparsity, **kwargs
        )
        if not (has_convolutions(encoder) and has_convolutions(decoder)):
            raise UserError(
                "A ConvolutionalAutoencoder needs convolutions in both networks, and one has none. "
                "Use keras_vae.networks.convolutional, or the class Autoencoder."
            )
