"""Priors that are a normalizing flow: as flexible as their layers are many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow_probability as tfp

from keras_vae.distributions import flows
from keras_vae.distributions.prior import PosteriorOf, Prior
from keras_vae.errors import check_counts, check_widths
from keras_vae.noise import Tensor

tfb = tfp.bijectors


class FlowPrior(Prior):
    """The density of z = f(u), or of z = f(u, c), u standard normal.

    Args:
        num_layers: How many bijectors make up f.
        hidden: Widths of the hidden layers of each one's network.
    """

    def __init__(self, num_layers: int = 4, hidden: Sequence[int] = (200,), **kwargs: Any) -> None:
        check_counts(num_layers=num_layers)
        check_widths(hidden=hidden)
        super().__init__(**kwargs)
        self.num_layers = num_layers
        self.hidden = tuple(hidden)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "num_layers": self.num_layers, "hidden": self.hidden}


@keras.saving.register_keras_serializable("keras_vae")
class RealNVP(FlowPrior):
    """A flow of affine coupling layers: samples and densities each take one pass.

    Use it for better likelihoods at little cost: on images the prior is what holds a small VAE
    back.

    Args:
        num_layers: Coupling layers; each moves one half of the code by the other, in turn.
        hidden: Widths of the hidden layers of each coupling layer's network.

    Reference:
        Dinh, Sohl-Dickstein and Bengio (2017), "Density Estimation Using Real NVP", equations 7
        and 8.
    """

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """One network for each layer."""
        self.conditioners = flows.coupling_conditioners(
            self.latent_dim, self.num_layers, self.hidden, self.condition_dim
        )

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The flow, with one density for each condition (batch, condition_dim), or one."""
        layers = flows.coupling_layers(self.conditioners, self.latent_dim, condition)
        return flows.Flow(layers, self.latent_dim, condition)


@keras.saving.register_keras_serializable("keras_vae")
class MaskedAutoregressiveFlow(FlowPrior):
    """A flow of autoregressive layers: densities take one pass, samples one for each number.

    More flexible, layer by layer, than `RealNVP`, and slower to sample.

    Args:
        num_layers: Autoregressive layers, in turn from the first number to the last and back.
        hidden: Widths of the hidden layers of each layer's masked network.

    Reference:
        Papamakarios, Pavlakou and Murray (2017), "Masked Autoregressive Flow for Density
        Estimation", equations 3 and 4.
    """

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """One masked network for each layer."""
        self.conditioners = flows.autoregressive_conditioners(
            self.latent_dim, self.num_layers, self.hidden, self.condition_dim
        )

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The flow, with one density for each condition (batch, condition_dim), or one."""
        layers = flows.autoregressive_layers(self.conditioners, condition)
        return flows.Flow(tfb.Chain(layers[::-1]), self.latent_dim, condition)
