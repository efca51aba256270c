"""The wake-sleep algorithm."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_vae.models.vae import VAE, refuse_arguments, refuse_prior_of_encoder
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class WakeSleep(VAE):
    """A VAE trained by the wake-sleep algorithm: its encoder learns from dreams.

    Use it as the peer that a `VAE` is compared with, or for codes without reparameterization: no
    gradient goes through a sample.

    The objective, per example in nats, in which what stands in brackets is held fixed:

        wake  = reconstruction + kl = -log p(x, [z]) + [log q(z|x)],        z from q(z|x)
        sleep = -log q([z']|[x']),                                  z' from p(z), x' from p(x|z')

    So the decoder, and a learned prior, take a step up the evidence lower bound (the wake phase),
    and the encoder a step towards the posterior of what the model dreams (the sleep phase), which
    is no step up a bound on log p(x). The metric `elbo` is -(reconstruction + kl), as in a `VAE`.

    Args:
        encoder: As in `VAE`.
        decoder: As in `VAE`.
        **kwargs: `likelihood`, `posterior`, `prior` (but "vamp"), `corruption` and `seed`, as in
            `VAE`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3)
    >>> model = keras_vae.WakeSleep(encoder, decoder)
    >>> model.sample(4, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Hinton, Dayan, Frey and Neal (1995), "The 'wake-sleep' algorithm for unsupervised neural
        networks"; as a peer in Kingma and Welling (2013), "Auto-Encoding Variational Bayes",
        section 5.
    """

    lacks: tuple[str, ...] = ("estimator", "beta", "free_bits")

    def __init__(self, encoder: keras.Model, decoder: keras.Model, **kwargs: Any) -> None:
        refuse_arguments(self, self.lacks, kwargs)
        super().__init__(encoder, decoder, estimator="monte_carlo_kl", **kwargs)
        refuse_prior_of_encoder(self)

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction` and `kl`, which train the decoder, and `sleep`, the encoder's."""
        q = self.posterior(self.corrupted(x, noise, training), condition, training)
        z = tf.stop_gradient(self.estimator.sample(q, noise)[0])  # (batch, latent_dim)
        reconstruction = -self.likelihood(z, condition, training).log_prob(x)
        kl = tf.stop_gradient(q.log_prob(z)) - self.prior(condition, training).log_prob(z)
        code, dream = self._dream(condition, noise)
        seen = self.corrupted(dream, noise.fold(1), training)
        sleep = -self.posterior(seen, condition, training).log_prob(code)
        return {"reconstruction": reconstruction, "kl": kl, "sleep": sleep}  # (batch,) each

    def _dream(self, condition: Tensor | None, noise: Noise) -> tuple[Tensor, Tensor]:
        """A code of the prior's (batch, latent_dim), and data of it (batch, *event_shape)."""
        code = self.prior_layer.draw(noise, tf.ones([noise.num_rows]), condition)
        dream = self.likelihood_layer.draw(self.likelihood(code, condition), noise)
        return tf.stop_gradient(code), tf.stop_gradient(dream)
