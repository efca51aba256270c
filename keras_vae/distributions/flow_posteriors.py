"""Posteriors that are a normalizing flow of a Normal's sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions import flows
from keras_vae.distributions.normal_posteriors import diagonal_normal
from keras_vae.distributions.posterior import Posterior, code_size
from keras_vae.errors import check_counts, check_widths
from keras_vae.noise import Tensor

tfb = tfp.bijectors


@keras.saving.register_keras_serializable("keras_vae")
class InverseAutoregressiveFlow(Posterior):
    """q(z|x) of z = f(loc + scale * u, h), u standard normal, f a chain of autoregressive layers.

    The raw values are [loc, log_variance], each `latent_dim` long, and the context h that all
    layers see. Samples, with their densities, take one pass; the density of a z that was not drawn
    here, or of which no gradient is to be taken, as by an `IWAE` whose gradient is not "standard",
    takes one pass for each of its numbers.

    Args:
        num_layers: Autoregressive layers, in turn from the first number to the last and back.
        hidden: Widths of the hidden layers of each layer's masked network.
        context_dim: Width of h.

    Reference:
        Kingma et al. (2016), "Improving Variational Inference with Inverse Autoregressive Flow",
        equations 10 and 11.
    """

    def __init__(
        self,
        num_layers: int = 2,
        hidden: Sequence[int] = (200,),
        context_dim: int = 50,
        **kwargs: Any,
    ) -> None:
        check_counts(num_layers=num_layers, context_dim=context_dim)
        check_widths(hidden=hidden)
        super().__init__(**kwargs)
        self.built = False  # until it is told the codes
        self.num_layers = num_layers
        self.hidden = tuple(hidden)
        self.context_dim = context_dim

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(2 * latent_dim + context_dim,)."""
        return (2 * code_size(latent_shape) + self.context_dim,)

    def prepare(self, latent_shape: tuple[int, ...]) -> None:
        """One masked network for each layer."""
        if self.begins_with(latent_dim=latent_shape[0]):
            self.conditioners = flows.autoregressive_conditioners(
                latent_shape[0], self.num_layers, self.hidden, self.context_dim
            )
            self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """The latent shape, so that a layer that is read back alone has its weights."""
        return self._sizes and {"latent_shape": (self._sizes["latent_dim"],)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Makes the weights."""
        self.prepare(tuple(config["latent_shape"]))

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """The flows with parameters `params` (*batch, *params_shape)."""
        params = tf.cast(params, tf.float32)
        latent_dim = (params.shape[-1] - self.context_dim) // 2
        normal, context = tf.split(
            params, [2 * latent_dim, self.context_dim], axis=-1
        )  # (*batch, 2 * latent_dim), (*batch, context_dim)
        layers = flows.autoregressive_layers(self.conditioners, context)
        chain = [*map(tfb.Invert, layers[::-1]), diagonal_normal(normal).bijector]
        return flows.Flow(tfb.Chain(chain), latent_dim, context)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "hidden": self.hidden,
            "context_dim": self.context_dim,
        }
