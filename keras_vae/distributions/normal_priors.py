"""Priors that are one Normal: the standard one, and those of one for each condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_vae.distributions.conditioners import Conditioner
from keras_vae.distributions.flows import standard_normal
from keras_vae.distributions.normal_posteriors import diagonal_normal
from keras_vae.distributions.prior import PosteriorOf, Prior
from keras_vae.errors import UserError, check_widths
from keras_vae.noise import Tensor


@keras.saving.register_keras_serializable("keras_vae")
class StandardNormal(Prior):
    """p(z) = N(0, I), whatever the condition.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", section 3.
    """

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """One standard normal density."""
        return standard_normal(self.latent_dim)


@keras.saving.register_keras_serializable("keras_vae")
class ConditionalNormal(Prior):
    """p(z|c) = N(z; loc(c), diag(scale(c)^2)), with a perceptron for the two; N(0, I) at first.

    As `LearnedNormal`, where no network need be brought.

    Args:
        hidden: Widths of the perceptron's hidden layers, rectified linear units.

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", section 4.
    """

    def __init__(self, hidden: Sequence[int] = (500,), **kwargs: Any) -> None:
        check_widths(hidden=hidden)
        super().__init__(**kwargs)
        self.hidden = tuple(hidden)

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """The perceptron's."""
        if self.condition_dim is None:
            raise UserError(
                "A prior p(z|c) needs a condition, and this model has none. "
                'Use a CVAE, or prior="standard_normal".'
            )
        self.conditioner = Conditioner(self.condition_dim, self.latent_dim, self.hidden, None)

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """Normal densities for the conditions (batch, condition_dim)."""
        loc, log_scale = self.conditioner.shift_and_log_scale(condition)  # (batch, latent_dim) each
        return diagonal_normal(tf.concat([loc, 2.0 * log_scale], axis=-1))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "hidden": self.hidden}


@keras.saving.register_keras_serializable("keras_vae")
class LearnedNormal(Prior):
    """p(z|c) = N(z; loc(c), diag(exp(log_variance(c)))), with a network for the two.

    Args:
        network: A `keras.Model` from the condition (batch, condition_dim) to [loc, log_variance]
            (batch, 2 * latent_dim).

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", section 4.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """Tries the network, which has its weights."""
        if self.condition_dim is None:
            raise UserError(
                "A learned prior p(z|c) needs a condition, and this model has none. "
                'Use a CVAE, or prior="standard_normal".'
            )
        try:
            params = self.network(keras.KerasTensor((None, self.condition_dim)))
        except ValueError as error:
            raise UserError(
                f"The prior's network {self.network.name!r} cannot take conditions of "
                f"{self.condition_dim} numbers: make its first layer for those."
            ) from error
        if params.shape[-1] != 2 * self.latent_dim:
            raise UserError(
                f"The prior's network gives {params.shape[-1]} values per example; "
                f"a Normal prior over {self.latent_dim} "
                f"latent dimensions needs {2 * self.latent_dim}: change its last layer."
            )

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """Normal densities for the conditions (batch, condition_dim)."""
        params = self.network(condition, training=training)  # (batch, 2 * latent_dim)
        return diagonal_normal(params)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearnedNormal:
        """A layer from its config, the network included."""
        return cls(
            **{**config, "network": keras.saving.deserialize_keras_object(config["network"])}
        )
