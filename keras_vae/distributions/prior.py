"""What every prior is: a density over codes that a model prepares, evaluates and draws from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_vae.distributions.density import DensityLayer
from keras_vae.errors import UserError
from keras_vae.noise import Noise, Tensor

PosteriorOf = Callable[[Tensor, Tensor | None], Any]
"""From x (*batch, *event_shape) and conditions (*batch, condition_dim) or None to q(z|x,c)."""


class Prior(DensityLayer):
    """A density over codes of `latent_dim` numbers, given a condition or not.

    A subclass fills `distribution`; `make_weights` where it has any; `moved` where its samples are
    no bijector's of standard normal noise.
    """

    latent_dim: int
    condition_dim: int | None

    def prepare(
        self,
        latent_dim: int,
        condition_dim: int | None = None,
        event_shape: tuple[int, ...] = (),
        posterior: PosteriorOf | None = None,
    ) -> None:
        """Makes the weights, for the model that the prior is to be a part of.

        Args:
            latent_dim: Width of the code.
            condition_dim: Width of the condition, or None for none.
            event_shape: Shape of one example.
            posterior: The model's own, for a prior that is made of it.

        Raises:
            UserError: When the prior cannot be of such codes or conditions, or is part of a model
                of others already.
        """
        if self.begins_with(latent_dim=latent_dim, condition_dim=condition_dim):
            self.latent_dim, self.condition_dim = latent_dim, condition_dim
            self.make_weights(event_shape, posterior)
        elif not self.may_serve(posterior):
            raise UserError(
                f"This {type(self).__name__} is made of another model's posteriors: make another "
                "prior for this one."
            )

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """For codes of `latent_dim` and conditions of `condition_dim` numbers."""

    def may_serve(self, posterior: PosteriorOf | None) -> bool:
        """Whether a model of the same sizes and with this posterior may have the weights too."""
        return True

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The density of codes (latent_dim,).

        Args:
            condition: (batch, condition_dim), or None.
            training: Whether layers such as dropout are on, in networks of the density's own.
        """
        raise NotImplementedError

    def draw(
        self,
        noise: Noise,
        temperature: Tensor,
        condition: Tensor | None,
        training: bool = False,
    ) -> Tensor:
        """Codes (batch, latent_dim), each a function of its row's noise alone.

        Args:
            noise: One stream per row.
            temperature: (batch,): scales the standard normal noise that codes are made of.
            condition: (batch, condition_dim), or None.
            training: As in `distribution`.
        """
        standard = noise.normal("prior", (self.latent_dim,))  # (batch, latent_dim)
        return self.moved(scaled(standard, temperature), noise, condition, training)

    def moved(
        self, standard: Tensor, noise: Noise, condition: Tensor | None, training: bool
    ) -> Tensor:
        """The codes that standard normal noise becomes, (batch, latent_dim) both."""
        return self.distribution(condition, training).bijector.forward(standard)


def scaled(standard: Tensor, temperature: Tensor) -> Tensor:
    """Noise (batch, latent_dim) times its row's temperature (batch,)."""
    return temperature[..., None] * standard
