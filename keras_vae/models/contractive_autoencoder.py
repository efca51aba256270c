"""The contractive autoencoder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import keras

from keras_vae.errors import UserError
from keras_vae.models.autoencoder import Autoencoder
from keras_vae.models.jacobian import closed_form, exact, hutchinson, single_layer
from keras_vae.noise import Noise, Tensor

_EXACT_UP_TO = 32
"""Numbers in a code from which on the estimate takes the place of the exact Jacobian."""


@keras.saving.register_keras_serializable("keras_vae")
class ContractiveAutoencoder(Autoencoder):
    """An autoencoder whose code hardly moves when the data move a little.

    Use it for features that are robust in all directions but those along the data's manifold.

    The objective, per example in nats, with z = encoder(x):

        reconstruction + weight * contraction = -log p(x | z) + weight * ||dz/dx||_F^2

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape) to the code (batch, *latent_shape).
        decoder: A `keras.Model` from the code (batch, *latent_shape) to raw likelihood parameters.
        weight: Of the contraction, lambda in the paper.
        jacobian: "closed_form", for an encoder of one dense layer with sigmoid or tanh; "exact", by
            automatic differentiation; "hutchinson", an unbiased estimate from one vector-Jacobian
            product; or "auto": the first of them that the encoder allows, and the estimate for
            codes of more than 32 numbers.
        **kwargs: `likelihood`, `posterior` and `seed`, as in `Autoencoder`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense(
    ...     (8, 8, 1), latent_dim=3, hidden=(), posterior="deterministic", likelihood="bernoulli"
    ... )
    >>> autoencoder = keras_vae.ContractiveAutoencoder(
    ...     encoder,
    ...     decoder,
    ...     likelihood="bernoulli",
    ...     posterior={"name": "deterministic", "activation": "sigmoid"},
    ... )
    >>> autoencoder.jacobian
    'closed_form'

    Reference:
        Rifai et al. (2011), "Contractive Auto-Encoders: Explicit Invariance During Feature
        Extraction", equation 7.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        weight: float = 0.1,
        jacobian: Literal["auto", "closed_form", "exact", "hutchinson"] = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, **kwargs)
        if not 0 <= weight < math.inf:
            raise UserError(
                f"The weight of the contraction is at least 0, and finite. Received {weight!r}."
            )
        if jacobian not in ("auto", "closed_form", "exact", "hutchinson"):
            raise UserError(
                f"Unknown jacobian: {jacobian!r}. "
                'Expected "auto", "closed_form", "exact" or "hutchinson".'
            )
        self._layer = single_layer(self.encoding_layers(), self.event_shape)
        if jacobian == "closed_form" and self._layer is None:
            raise UserError(
                "The closed form of the Jacobian needs an encoder of one dense layer with sigmoid "
                'or tanh, and this one is another. Use jacobian="exact" or "hutchinson".'
            )
        self.weight = weight
        self.jacobian: str = jacobian
        if jacobian == "auto":
            estimate = "exact" if self.latent_dim <= _EXACT_UP_TO else "hutchinson"
            self.jacobian = "closed_form" if self._layer is not None else estimate

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction` and `contraction`, the squared norm of the Jacobian, (batch,) each.

        The Jacobian is that at x itself, also where a corruption shows the encoder another.
        """
        code = self.code_of(x, condition, noise, training)  # (batch, *latent_shape)

        def encode(x: Tensor) -> Tensor:
            return self.posterior(x, condition, training).mean()

        if self.jacobian == "closed_form" and self._layer is not None:
            clean = code if self.corruption_layer is None else encode(x)
            contraction = closed_form(*self._layer, clean)
        elif self.jacobian == "exact":
            contraction = exact(encode, x)
        else:
            contraction = hutchinson(encode, x, noise)
        return {
            "reconstruction": self.reconstruction(x, code, condition, training),
            "contraction": contraction,
        }

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The contraction's weight."""
        return {"contraction": self.weight}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {**super().get_config(), "weight": self.weight, "jacobian": self.jacobian}
