"""What every likelihood is: a density of the data, fed by the decoder's raw output."""

from __future__ import annotations

import math
from typing import Any

import tensorflow_probability as tfp

from keras_vae.distributions.density import DensityLayer
from keras_vae.errors import UserError
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array

tfd = tfp.distributions


class Likelihood(DensityLayer):
    """A density over data of shape `event_shape`, in nats summed over the event, channels included.

    A subclass fills `distribution`, and the other methods where the default does not hold.
    """

    params_per_value: int = 1
    support: tuple[float, float] = (-math.inf, math.inf)
    """Least and largest value that data may have."""
    protocol: str = "no binarization"
    """What data are made into before they are modelled."""

    def params_shape(self, event_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of raw decoder output for a density over `event_shape`."""
        return (*event_shape[:-1], self.params_per_value * event_shape[-1])

    def observe(self, x: Tensor, noise: Noise) -> Tensor:
        """What is modelled of data x (batch, *event_shape): x itself, unless overridden."""
        return x

    def params_of_mean(self, mean: Array) -> Array:
        """Parameters (*params_shape,) of a density with about this mean (*event_shape,).

        Raises:
            UserError: For a likelihood that does not know them.
        """
        raise UserError(
            f"The likelihood {type(self).__name__} cannot begin at the mean of the data: leave out "
            '`start`, or use "bernoulli".'
        )

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """The density with parameters `params` (*batch, *params_shape) of one example each."""
        raise NotImplementedError

    def draw(self, density: Any, noise: Noise) -> Tensor:
        """Data (batch, *event_shape) from a density of this class, each row by its noise alone.

        The quantiles of uniform numbers, for a `tfd.Independent` whose density has them.
        """
        uniform = noise.uniform("data", tuple(density.event_shape))  # (batch, *event_shape)
        return density.distribution.quantile(uniform)

    def shown(self, density: Any, noise: Noise) -> Tensor:
        """What a sample shows (batch, *event_shape): the mean, unless values need each other."""
        return density.mean()


def independent(density: Any, batch_ndims: int) -> Any:
    """Makes one event of all axes after the batch's: log_prob sums over them."""
    return tfd.Independent(
        density, reinterpreted_batch_ndims=len(density.batch_shape) - batch_ndims
    )
