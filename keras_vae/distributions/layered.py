"""Densities of several codes at once, each given its neighbour: the layers of a hierarchy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.flows import Flow
from keras_vae.distributions.normal_posteriors import diagonal_normal
from keras_vae.distributions.posterior import Posterior
from keras_vae.distributions.prior import PosteriorOf, Prior, scaled
from keras_vae.noise import Noise, Tensor

tfb, tfd = tfp.bijectors, tfp.distributions

Given = Callable[[Tensor], Any]
"""From a code (..., latent_dim) to the density of its neighbour."""


class Layered(Flow):
    """The joint density of codes [z_1, ..., z_L], side by side, each given the one before.

    Args:
        first: The density of the first in the order.
        given: From each but the last in the order to the density of the next.
        widths: Of the codes, in the order of the vector.
        order: Of the codes: their places in the vector, such as the last to the first.
        context: As in `Flow`.
    """

    def __init__(
        self,
        first: Any,
        given: Sequence[Given],
        widths: Sequence[int],
        order: Sequence[int],
        context: Tensor | None,
    ) -> None:
        def forward(noise: Tensor) -> Tensor:
            own = tf.split(noise, widths, axis=-1)[order[0]]
            return self.following(first.bijector.forward(own), noise)

        super().__init__(tfb.Inline(forward, forward_min_event_ndims=1), sum(widths), context)
        self._first, self._given = first, given
        self._widths, self._order = widths, order

    def following(self, first: Tensor, noise: Tensor) -> Tensor:
        """Z (..., sum of widths) of the first code, and of noise (..., sum of widths) the others.

        The noise has a place for the first too, which is not used.
        """
        parts = tf.split(noise, self._widths, axis=-1)
        codes = {self._order[0]: first}
        for (before, place), density in zip(pairwise(self._order), self._given, strict=True):
            codes[place] = density(codes[before]).bijector.forward(parts[place])
        return tf.concat([codes[place] for place in range(len(parts))], axis=-1)

    def layer_log_probs(self, z: Tensor) -> list[Tensor]:
        """Of z (..., sum of widths), log densities (...) of each code given the one before."""
        codes = tf.split(z, self._widths, axis=-1)
        terms = {self._order[0]: self._first.log_prob(codes[self._order[0]])}
        for (before, place), density in zip(pairwise(self._order), self._given, strict=True):
            terms[place] = density(codes[before]).log_prob(codes[place])
        return [terms[place] for place in range(len(codes))]

    def _log_prob(self, z: Tensor, **kwargs: Any) -> Tensor:
        return tf.add_n(self.layer_log_probs(z))

    def _points(self) -> Tensor:
        if not isinstance(self._first, tfd.MixtureSameFamily):
            return super()._points()
        noise = self._noise()  # (points, *batch, sum of widths)
        return self.following(self._first.sample(noise.shape[0], seed=(0, 0)), noise)


@keras.saving.register_keras_serializable("keras_vae")
class LayeredPosterior(Posterior):
    """q(z|x) = q(z_1|x) q(z_2|z_1) ... q(z_L|z_(L-1)), all Normal with diagonal covariance.

    Args:
        networks: From z_1, ..., z_(L-1) to [loc, log_variance] of the code above.
        widths: Of z_1, ..., z_L.
    """

    def __init__(
        self, networks: Sequence[keras.Model], widths: Sequence[int], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.networks = list(networks)
        self.widths = tuple(widths)

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of z_1 alone: (2 * widths[0],)."""
        return (2 * self.widths[0],)

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """The joint densities with parameters `params` (*batch, *params_shape) of z_1."""
        params = tf.cast(params, tf.float32)
        first, given = diagonal_normal(params), _normals(self.networks, training)
        return Layered(first, given, self.widths, range(len(self.widths)), params)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks included."""
        return {**super().get_config(), **_config(networks=self.networks), "widths": self.widths}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LayeredPosterior:
        """A layer from its config, the networks included."""
        return cls(**keras.saving.deserialize_keras_object(config))


@keras.saving.register_keras_serializable("keras_vae")
class LayeredPrior(Prior):
    """p(z) = p(z_L) p(z_(L-1)|z_L) ... p(z_1|z_2): any prior of z_L, and Normals below it.

    Args:
        top: p(z_L); of a "vamp" prior the pseudo-inputs are codes z_(L-1).
        networks: From z_2, ..., z_L to [loc, log_variance] of the code below.
        encoder: From z_(L-1) to [loc, log_variance] of q(z_L|z_(L-1)).
        widths: Of z_1, ..., z_L.
    """

    def __init__(
        self,
        top: Prior,
        networks: Sequence[keras.Model],
        encoder: keras.Model,
        widths: Sequence[int],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.top = top
        self.networks = list(networks)
        self.encoder = encoder
        self.widths = tuple(widths)

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """Those of the top; a network has its own."""
        (of_code,) = _normals([self.encoder])
        self.top.prepare(self.widths[-1], None, (self.widths[-2],), lambda code, _: of_code(code))

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The joint density."""
        first = self.top.distribution(None, training)
        given = _normals(self.networks[::-1], training)
        return Layered(first, given, self.widths, range(len(self.widths))[::-1], None)

    def draw(
        self,
        noise: Noise,
        temperature: Tensor,
        condition: Tensor | None,
        training: bool = False,
    ) -> Tensor:
        """Codes (batch, sum of widths): z_L as the top draws it, and the others below."""
        first = self.top.draw(noise, temperature, None, training)  # (batch, widths[-1])
        standard = noise.normal("layers", (self.latent_dim,))  # (batch, sum of widths)
        return self.distribution(None, training).following(first, scaled(standard, temperature))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks included."""
        parts = _config(top=self.top, networks=self.networks, encoder=self.encoder)
        return {**super().get_config(), **parts, "widths": self.widths}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LayeredPrior:
        """A layer from its config, the networks included."""
        return cls(**keras.saving.deserialize_keras_object(config))


def _normals(networks: Sequence[keras.Model], training: bool = False) -> list[Given]:
    """From a code (..., dim) to the Normal of its neighbour, by each network."""

    def normal(network: keras.Model) -> Given:
        def given(code: Tensor) -> Any:
            rows = tf.reshape(code, [-1, code.shape[-1]])
            params = network(rows, training=training)  # (rows, 2 * next_dim)
            shape = tf.concat([tf.shape(code)[:-1], params.shape[1:]], axis=0)
            return diagonal_normal(tf.reshape(params, shape))

        return given

    return [normal(network) for network in networks]


def _config(**parts: Any) -> dict[str, Any]:
    """Layers, and lists of them, as Keras writes them."""
    return {key: keras.saving.serialize_keras_object(part) for key, part in parts.items()}
