"""Priors p(z) and p(z|c): densities of the code before the data are seen."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.density import DensityLayer
from keras_vae.distributions.posteriors import diagonal_normal
from keras_vae.errors import UserError
from keras_vae.noise import Tensor
from keras_vae.registry import resolve

tfd = tfp.distributions


class Prior(DensityLayer):
    """A density over codes of `latent_dim` numbers, given a condition or not."""

    def distribution(self, latent_dim: int, condition: Tensor | None) -> Any:
        """The density of codes (latent_dim,), given conditions (batch, condition_dim) or None."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_vae")
class StandardNormal(Prior):
    """p(z) = N(0, I), whatever the condition.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", section 3.
    """

    def distribution(self, latent_dim: int, condition: Tensor | None) -> Any:
        """One standard normal density."""
        return tfd.MultivariateNormalDiag(tf.zeros([latent_dim]), tf.ones([latent_dim]))


@keras.saving.register_keras_serializable("keras_vae")
class LearnedNormal(Prior):
    """p(z|c) = N(z; loc(c), diag(exp(log_variance(c)))), with a network for the two.

    Args:
        network: A `keras.Model` from the condition (batch, condition_dim) to [loc, log_variance]
            (batch, 2 * latent_dim).

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", equation 4.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.network = network

    def check(self, condition_dim: int) -> None:
        """Raises a `UserError` for a network that cannot take such conditions, by trying it."""
        try:
            self.network(keras.KerasTensor((None, condition_dim)))
        except ValueError as error:
            raise UserError(
                f"The prior's network {self.network.name!r} cannot take conditions of "
                f"{condition_dim} numbers: make its first layer for those."
            ) from error

    def distribution(self, latent_dim: int, condition: Tensor | None) -> Any:
        """Normal densities for the conditions (batch, condition_dim)."""
        if condition is None:
            raise UserError(
                "A learned prior p(z|c) needs a condition, and this model has none. "
                'Use a CVAE, or prior="standard_normal".'
            )
        params = self.network(condition)  # (batch, 2 * latent_dim)
        if params.shape[-1] != 2 * latent_dim:
            raise UserError(
                f"The prior's network gives {params.shape[-1]} values per example; "
                f"a Normal prior over {latent_dim} "
                f"latent dimensions needs {2 * latent_dim}: change its last layer."
            )
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


PRIORS: dict[str, type[Prior]] = {"standard_normal": StandardNormal}


def get_prior(spec: Any) -> Prior:
    """A prior from its name, a table with `name`, a `Prior`, or a network of p(z|c)."""
    if isinstance(spec, keras.Model):
        return LearnedNormal(spec)
    return resolve("prior", spec, PRIORS, Prior)
