"""The sparse autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.distributions import Deterministic
from keras_vae.errors import UserError
from keras_vae.models.autoencoder import Autoencoder
from keras_vae.models.sparsities import Selection, Sparsity, get_sparsity
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class SparseAutoencoder(Autoencoder):
    """An autoencoder whose code has few active units for each example.

    Use it for codes wider than the data, whose units each stand for one feature.

    The objective, per example in nats, with z = select(encoder(x)):

        reconstruction + weight * sparsity = -log p(x | z) + weight * penalty(z)

    where the sparsity "kl" and "l1" have a penalty, and "topk" and "winner_take_all" a selection.

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape) to the code (batch, *latent_shape).
        decoder: A `keras.Model` from the code (batch, *latent_shape) to raw likelihood parameters.
        sparsity: "l1", "kl" (for codes in (0, 1): a posterior with the activation "sigmoid"),
            "topk", "winner_take_all", a table such as {"name": "topk", "k": 25}, or a `Sparsity`,
            which is copied.
        **kwargs: `likelihood`, `posterior`, `corruption` and `seed`, as in `Autoencoder`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense(
    ...     (8, 8, 1), latent_dim=30, posterior="deterministic", likelihood="normal"
    ... )
    >>> autoencoder = keras_vae.SparseAutoencoder(
    ...     encoder, decoder, sparsity={"name": "topk", "k": 4}
    ... )
    >>> (autoencoder.encode(np.ones((2, 8, 8, 1), "float32")) != 0).sum(axis=1)
    array([4, 4])

    Reference:
        Ng (2011), "Sparse autoencoder"; Makhzani and Frey (2014), "k-Sparse Autoencoders"; Makhzani
        and Frey (2015), "Winner-Take-All Autoencoders".
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        sparsity: Any = "l1",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        chosen = get_sparsity(sparsity)
        # A copy: it gets weights of this code's shape.
        self.sparsity = type(chosen).from_config(chosen.get_config())
        self.sparsity.build((None, *self.latent_shape))
        self._check_codes()

    def _check_codes(self) -> None:
        """Raises a `UserError` for an encoder that leaves the sparsity's support, by trying it."""
        low, high = self.sparsity.support
        if (low, high) == Sparsity.support:  # any code will do
            return
        x = 10.0 * np.random.default_rng(0).standard_normal((8, *self.event_shape), np.float32)
        condition = None if self.condition_dim is None else tf.zeros([8, self.condition_dim])
        code = np.asarray(Autoencoder.posterior(self, tf.constant(x), condition).mean())
        if code.min() < low or code.max() > high:
            raise UserError(
                f"A {type(self.sparsity).__name__} takes codes from {low:g} to {high:g}, and this "
                f"encoder gives {code.min():.2g} to {code.max():.2g}: end it with a sigmoid, as by "
                'posterior={"name": "deterministic", "activation": "sigmoid"}, or choose another '
                "sparsity."
            )

    def posterior(self, x: Tensor, condition: Tensor | None = None, training: bool = False) -> Any:
        """A point mass at the sparse code (batch, *latent_shape)."""
        code = super().posterior(x, condition, training).mean()  # (batch, *latent_shape)
        return Deterministic().distribution(self.sparsity.select(code, training))

    def encoding_layers(self) -> list[keras.Layer]:
        """What makes a sparse code (batch, *latent_shape) of x."""
        return [*super().encoding_layers(), Selection(self.sparsity)]

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction` (batch,) and, where there is one, the penalty `sparsity` (batch,)."""
        code = self.code_of(x, condition, noise, training)  # (batch, *latent_shape)
        terms = {"reconstruction": self.reconstruction(x, code, condition, training)}
        penalty = self.sparsity.penalty(code, training)
        return terms if penalty is None else {**terms, "sparsity": penalty}

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The penalty's weight."""
        return {"sparsity": self.sparsity.weight}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {
            **super().get_config(),
            "sparsity": keras.saving.serialize_keras_object(self.sparsity),
        }
