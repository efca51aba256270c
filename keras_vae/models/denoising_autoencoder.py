"""The denoising autoencoder."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_vae.distributions import AutoregressiveBernoulli
from keras_vae.errors import UserError
from keras_vae.models.autoencoder import Autoencoder
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class DenoisingAutoencoder(Autoencoder):
    """An autoencoder that restores the data from a corrupted copy.

    Use it for features that do not depend on single pixels, and to restore images.

    The objective, per example in nats, with x' ~ corruption(x) and z = encoder(x'):

        reconstruction = -log p(x | z)

    or with an emphasis on the corrupted values,

        reconstruction = -sum_d w_d log p(x_d | z)

    where w_d is 1 for the values that the corruption has chosen, also where they stay as they were
    (as a masked 0 does), and `untouched_weight` for the rest. "gaussian" chooses all values.

    While evaluating, x is shown as it is, and all values weigh the same.

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape) to the code (batch, *latent_shape).
        decoder: A `keras.Model` from the code (batch, *latent_shape) to raw likelihood parameters.
        corruption: "masking", "gaussian", "salt_and_pepper", a table such as {"name": "masking",
            "rate": 0.25}, or a `Corruption`.
        untouched_weight: Weight of the values that the corruption has left alone: 1 for the plain
            objective, 0 for "full emphasis".
        **kwargs: `likelihood`, `posterior` and `seed`, as in `Autoencoder`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense(
    ...     (8, 8, 1), latent_dim=3, posterior="deterministic", likelihood="normal"
    ... )
    >>> autoencoder = keras_vae.DenoisingAutoencoder(encoder, decoder, corruption="gaussian")
    >>> autoencoder.reconstruct(np.zeros((5, 8, 8, 1), "float32")).shape
    (5, 8, 8, 1)

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", sections 3.1 and 3.4.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        corruption: Any = "masking",
        untouched_weight: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, corruption=corruption, **kwargs)
        if self.corruption_layer is None:
            raise UserError(
                "A DenoisingAutoencoder needs a corruption. Received corruption=None; "
                'give "masking", "gaussian" or "salt_and_pepper", or use the class Autoencoder.'
            )
        if not 0 <= untouched_weight <= 1:
            raise UserError(
                "untouched_weight is between 0 (only corrupted values count) and 1 (all count "
                f"alike). Received {untouched_weight!r}."
            )
        if untouched_weight < 1 and isinstance(self.likelihood_layer, AutoregressiveBernoulli):
            raise UserError(
                "Pixels of an autoregressive_bernoulli depend on each other, and have no weights "
                'of their own: use untouched_weight=1, or "bernoulli".'
            )
        self.untouched_weight = untouched_weight

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction` (batch,)."""
        corruption = self.corruption_layer
        if corruption is None or self.untouched_weight == 1.0 or not training:
            return super().loss_terms(x, condition, noise, training)
        seen = self.corrupted(x, noise, training)  # (batch, *event_shape)
        code = self.posterior(seen, condition, training).mean()  # (batch, *latent_shape)
        each = self.likelihood(code, condition, training).distribution  # one density per value
        touched = corruption.touched(x, noise)  # (batch, *event_shape)
        weights = tf.where(touched, 1.0, self.untouched_weight)  # (batch, *event_shape)
        weighted = weights * each.log_prob(x)  # (batch, *event_shape)
        return {"reconstruction": -tf.reduce_sum(weighted, axis=range(1, x.shape.rank))}  # (batch,)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {**super().get_config(), "untouched_weight": self.untouched_weight}
