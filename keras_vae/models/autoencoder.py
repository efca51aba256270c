"""The plain autoencoder."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.distributions import Deterministic
from keras_vae.errors import UserError
from keras_vae.models._chain import Mean
from keras_vae.models.latent_model import LatentModel
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class Autoencoder(LatentModel):
    """An encoder and a decoder that reconstruct the data through a code.

    Use it to compress or to visualize, and as the baseline of all others; it has no prior, so it
    cannot sample.

    The objective, per example in nats, is the likelihood's negative log at the code z = encoder(x):

        reconstruction = -log p(x | z)

    which is half the squared error (plus a constant) for "normal", and the cross-entropy for
    "bernoulli".

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape) to the code (batch, *latent_shape).
        decoder: A `keras.Model` from the code (batch, *latent_shape) to raw likelihood parameters.
        likelihood: A name, a table with `name`, or a `Likelihood`.
        posterior: What the encoder's output means: "deterministic", the code itself, or {"name":
            "deterministic", "activation": "sigmoid"}.
        seed: Of all noise.
        **kwargs: `corruption`, as in `LatentModel`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense(
    ...     (8, 8, 1), latent_dim=3, posterior="deterministic", likelihood="normal"
    ... )
    >>> autoencoder = keras_vae.Autoencoder(encoder, decoder)
    >>> autoencoder.reconstruct(np.zeros((5, 8, 8, 1), "float32")).shape
    (5, 8, 8, 1)

    Reference:
        Hinton and Salakhutdinov (2006), "Reducing the Dimensionality of Data with Neural Networks",
        figure 1.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: Any = "normal",
        posterior: Any = "deterministic",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            encoder, decoder, posterior=posterior, likelihood=likelihood, seed=seed, **kwargs
        )
        if not isinstance(self.posterior_layer, Deterministic):
            raise UserError(
                f"The code of a {type(self).__name__} is a point. Received posterior="
                f'{posterior!r}; use "deterministic", or the class VAE.'
            )

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction` (batch,)."""
        code = self.code_of(x, condition, noise, training)  # (batch, *latent_shape)
        return {"reconstruction": self.reconstruction(x, code, condition, training)}

    def decoding_layers(self) -> list[keras.Layer]:
        """What makes a reconstruction (batch, *event_shape) of a code, to be taken over."""
        return [self.decoder, Mean(self.likelihood_layer)]

    def code_of(self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool) -> Tensor:
        """The codes (batch, *latent_shape) of x, or of what the corruption makes of it."""
        return self.posterior(self.corrupted(x, noise, training), condition, training).mean()

    def reconstruction(
        self, x: Tensor, code: Tensor, condition: Tensor | None, training: bool
    ) -> Tensor:
        """-log p(x|z) of each example (batch,), in nats."""
        return -self.likelihood(code, condition, training).log_prob(x)
