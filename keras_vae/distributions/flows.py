"""Densities of a code that is standard normal noise, moved by a chain of bijectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.conditioners import AutoregressiveConditioner, Conditioner
from keras_vae.errors import UserError
from keras_vae.noise import Noise, Tensor

tfb, tfd = tfp.bijectors, tfp.distributions

_PAIRS = 64
"""Of opposite points of noise, by which moments are estimated."""


class Flow(tfd.TransformedDistribution):  # type: ignore[name-defined]
    """The density of z = f(u), u standard normal: log p(z) = log N(u; 0, I) - log |det df/du|.

    Mean and standard deviation have no closed form: they are estimated from points that are the
    same always. The mean is exact where f is affine, and the standard deviation where f moves each
    number by itself, too; where it mixes them it is within a tenth or so.

    Args:
        bijector: f, of vectors (*batch, latent_dim).
        latent_dim: Width of the code.
        context: What f depends on, (*batch, context_dim), or None for no batch.
    """

    def __init__(self, bijector: Any, latent_dim: int, context: Tensor | None) -> None:
        super().__init__(standard_normal(latent_dim), bijector)
        rows = tf.zeros([1]) if context is None else tf.convert_to_tensor(context)[..., :1]
        self._rows = rows  # (*batch, 1)

    @classmethod
    def _parameter_properties(cls, dtype: Any, num_classes: int | None = None) -> Any:
        return super()._parameter_properties(dtype, num_classes)

    def _batch_shape(self) -> Any:
        return self._rows.shape[:-1]

    def _batch_shape_tensor(self, **kwargs: Any) -> Tensor:
        return tf.shape(self._rows)[:-1]

    def _log_prob(self, z: Tensor, **kwargs: Any) -> Tensor:
        # A mixture's z has an axis of 1 for the components, and loops of bijectors keep shapes.
        if z.shape.rank > 1 and self._rows.shape.rank > 1 and z.shape[-2] != self._rows.shape[-2]:
            z += tf.zeros_like(self._rows)  # (*samples, *batch, latent_dim)
        return super()._log_prob(z, **kwargs)

    def _mean(self) -> Tensor:
        return tf.reduce_mean(self._points(), axis=0)  # (*batch, latent_dim)

    def _stddev(self) -> Tensor:
        return tf.math.reduce_std(self._points(), axis=0)  # (*batch, latent_dim)

    def _points(self) -> Tensor:
        """Codes (2 * pairs, *batch, latent_dim)."""
        return self.bijector.forward(self._noise())

    def _noise(self) -> Tensor:
        """Opposite points of noise (2 * pairs, *batch, latent_dim), always the same."""
        latent_dim = self.event_shape[-1]
        half = Noise.from_seeds([0]).normal("moments", (_PAIRS, latent_dim))[0]
        half /= tf.sqrt(tf.reduce_mean(half**2, axis=0))  # variance 1 of both halves together
        points = tf.concat([half, -half], axis=0)  # (2 * pairs, latent_dim)
        points = tf.reshape(points, [-1, *[1] * (self._rows.shape.rank - 1), latent_dim])
        return points + tf.zeros_like(self._rows)


def standard_normal(latent_dim: int) -> Any:
    """N(0, I) over codes of `latent_dim` numbers."""
    return tfd.MultivariateNormalDiag(tf.zeros([latent_dim]), tf.ones([latent_dim]))


def coupling_conditioners(
    latent_dim: int, num_layers: int, hidden: Sequence[int], context_dim: int | None
) -> list[Conditioner]:
    """For each coupling layer: one half of the code moves the other, in turn.

    Raises:
        UserError: For a code of one number.
    """
    if latent_dim < 2:
        raise UserError(
            "A coupling layer moves one part of the code by another, and this code is 1 number: "
            'use more, or "masked_autoregressive_flow".'
        )
    half = latent_dim // 2
    sizes = [(half, latent_dim - half), (latent_dim - half, half)]
    return [Conditioner(*sizes[number % 2], hidden, context_dim) for number in range(num_layers)]


def coupling_layers(
    conditioners: Sequence[Conditioner], latent_dim: int, context: Tensor | None
) -> Any:
    """The chain of affine coupling layers from u to z, the first conditioner's first.

    Reference:
        Dinh, Sohl-Dickstein and Bengio (2017), "Density Estimation Using Real NVP", equations 7
        and 8.
    """

    def layer(number: int, conditioner: Conditioner) -> Any:
        half = latent_dim // 2
        return tfb.RealNVP(
            num_masked=half if number % 2 == 0 else half - latent_dim,
            shift_and_log_scale_fn=lambda seen, _: conditioner.shift_and_log_scale(seen, context),
        )

    layers = [layer(number, conditioner) for number, conditioner in enumerate(conditioners)]
    return tfb.Chain(layers[::-1])


def autoregressive_conditioners(
    latent_dim: int, num_layers: int, hidden: Sequence[int], context_dim: int | None
) -> list[AutoregressiveConditioner]:
    """For each autoregressive layer: orders in turn forwards and backwards."""
    return [
        AutoregressiveConditioner(latent_dim, hidden, context_dim, reverse=number % 2 == 1)
        for number in range(num_layers)
    ]


def autoregressive_layers(
    conditioners: Sequence[AutoregressiveConditioner], context: Tensor | None
) -> list[Any]:
    """The layers u -> z_1 -> z_2, ..., each slow forwards, one number at a time, fast backwards.

    Reference:
        Papamakarios, Pavlakou and Murray (2017), "Masked Autoregressive Flow for Density
        Estimation", equations 3 and 4.
    """
    return [
        tfb.MaskedAutoregressiveFlow(
            lambda values, conditioner=conditioner: conditioner.shift_and_log_scale(values, context)
        )
        for conditioner in conditioners
    ]
