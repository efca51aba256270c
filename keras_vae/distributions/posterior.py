"""What every posterior is: a density over codes, fed by the encoder's raw output."""

from __future__ import annotations

from typing import Any

from keras_vae.distributions.density import DensityLayer
from keras_vae.errors import UserError
from keras_vae.noise import Tensor


class Posterior(DensityLayer):
    """A density over codes, or a point mass at one.

    A subclass fills `params_shape` and `distribution`, and `prepare` where it has weights.
    """

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of raw encoder output that makes a density over codes of `latent_shape`.

        Raises:
            UserError: For feature maps, where the density is one over vectors.
        """
        raise NotImplementedError

    def prepare(self, latent_shape: tuple[int, ...]) -> None:
        """Makes the weights, for the model that the posterior is to be a part of.

        Raises:
            UserError: When there are weights, and they are of another model's codes.
        """

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """The density with parameters `params` (batch, *params_shape); its event is one code.

        Args:
            params: The encoder's raw output.
            training: Whether layers such as dropout are on, in networks of the density's own.
        """
        raise NotImplementedError


def code_size(latent_shape: tuple[int, ...]) -> int:
    """How many numbers a code has, for a density over vectors alone.

    Raises:
        UserError: When it is no vector.
    """
    if len(latent_shape) != 1:
        raise UserError(
            f"Received codes of shape {latent_shape}, and this posterior is a density over "
            "vectors: let the decoder take a vector, and reshape it in its first layer, or use a "
            'posterior of one number per value, such as "deterministic".'
        )
    return latent_shape[0]
