"""The conditional variational autoencoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.models.vae import VAE


@keras.saving.register_keras_serializable("keras_vae")
class CVAE(VAE):
    """The conditional VAE: every density is given a condition c, such as a class label.

    Use it to sample what you ask for, and to tell style (the code) from content (the condition).

    The objective, per example in nats, is the negative conditional evidence lower bound:

        reconstruction + beta * kl = -E_q(z|x,c)[log p(x|z,c)] + beta * KL(q(z|x,c) || p(z|c))

    The condition is the `y` of `fit(x, y)`: integer labels (batch,) become one-hot vectors; one-hot
    and real-valued conditions (batch, condition_dim) are taken as they are. A label out of range is
    refused, in arrays and in the batches of a `tf.data.Dataset`.

    Args:
        encoder: A `keras.Model` from [x, c], (batch, *event_shape) and (batch, condition_dim), to
            raw posterior parameters.
        decoder: A `keras.Model` from [z, c], (batch, latent_dim) and (batch, condition_dim), to raw
            likelihood parameters.
        prior: p(z|c): "standard_normal" for N(0, I); a network, a `keras.Model` from c to (batch, 2
            * latent_dim); or what `VAE` takes, of which all others depend on c.
        **kwargs: `likelihood`, `posterior`, `estimator`, `beta`, `free_bits`, `corruption` and
            `seed`, as in `VAE`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3, condition_dim=10)
    >>> cvae = keras_vae.CVAE(encoder, decoder)
    >>> cvae.sample(4, condition=9, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", section 4.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        prior: Any = "standard_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, prior=prior, **kwargs)
        if self.condition_dim is None:
            raise UserError(
                "A CVAE needs networks with two inputs, [x, condition] and [z, condition]. "
                "Give keras_vae.networks.* a condition_dim, or use the class VAE."
            )
