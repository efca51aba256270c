"""The conditional variational autoencoder of structured output: data completed from a part."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae import rows
from keras_vae.arrays import as_data, over_batches
from keras_vae.distributions import NormalMixture
from keras_vae.distributions.completed import Completed, other_places
from keras_vae.errors import UserError
from keras_vae.export import Endpoint
from keras_vae.models._networks import has_convolutions
from keras_vae.models.cvae import CVAE
from keras_vae.noise import Noise, Tensor
from keras_vae.ranges import Range
from keras_vae.rows import Array, as_condition


@keras.saving.register_keras_serializable("keras_vae")
class CompletionCVAE(CVAE):
    """The CVAE of structured output: some values of x are the condition, and it draws the others.

    Use it to complete images of which a part is known, with many answers where one would be a blur.

    The objective, per example in nats, of which `reconstruction` counts the missing values alone:

        baseline + a (reconstruction + beta * kl) + (1 - a) gsnn

        baseline = -log p(x|c), by a network without a code, which this term alone trains
        reconstruction + beta * kl, as of a CVAE: the code is drawn from q(z|x,c)
        gsnn = -E_p(z|c)[log p(x|z,c)], as when x is to be drawn: the code is the prior's

    The decoder's output is added to that of the baseline, its first guess. So the recognition
    network sees x, the prior c, and the generation network z, c and the guess; in the paper the
    prior sees the guess too, which here is a function of what it sees.

    In training and in evaluation the given values are those of x after its binarization, so that
    one draw makes both; y of `fit(x, y)`, the condition, is these values before it. To `sample`,
    `encode` and `decode` the condition is as it is given: grey or binary values. Like x it is uint8
    (read as x / 255) or floats, and no labels.

    Args:
        encoder: As in `CVAE`, like the decoder; the condition has as many values as `given`.
        decoder: The same.
        given: Which values of a row of flat data are given, in the order of the condition's.
        baseline: A `keras.Model` from c (batch, condition_dim) to raw likelihood parameters, or
            None for a decoder without a first guess.
        cvae_weight: The paper's alpha, a, in [0, 1]; below 1 the objective is hybrid.
        prior: As in `CVAE`; "conditional_normal" is the paper's.
        **kwargs: As in `CVAE`. Of the likelihoods all but "autoregressive_bernoulli", whose pixels
            need each other.

    Example:
    >>> import keras_vae
    >>> networks = keras_vae.networks.dense_completion((8, 8, 1), latent_dim=3, condition_dim=16)
    >>> cvae = keras_vae.CompletionCVAE(**networks, given=range(16), prior="conditional_normal")
    >>> cvae.sample(4, condition=np.zeros((4, 16), "float32"), seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Sohn, Lee and Yan (2015), "Learning Structured Output Representation using Deep Conditional
        Generative Models", sections 4.1 and 4.2.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        given: Sequence[int],
        baseline: keras.Model | None = None,
        cvae_weight: float = 1.0,
        prior: Any = "standard_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(encoder, decoder, prior=prior, **kwargs)
        self.given = [int(place) for place in given]
        self.baseline: Any = baseline
        self.cvae_weight = cvae_weight
        self.condition_support = self.likelihood_layer.support
        self._missing = other_places(self.given, self.event_shape)
        size = math.prod(self.event_shape)
        if (
            len(set(self.given)) != len(self.given)
            or len(self._missing) != size - len(self.given)
            or not self._missing
        ):
            raise UserError(
                f"given are different places from 0 to {size - 1}, and not all of them. Received "
                f"{len(self.given)} places from {min(self.given)} to {max(self.given)}."
            )
        if len(self.given) != self.condition_dim:
            raise UserError(
                f"The networks take conditions of {self.condition_dim} values, and "
                f"{len(self.given)} are given: make the networks for those."
            )
        if not 0 <= cvae_weight <= 1:
            raise UserError(f"cvae_weight is a share, from 0 to 1. Received {cvae_weight!r}.")
        if cvae_weight < 1 and isinstance(self.prior_layer, NormalMixture):
            raise UserError(
                "A hybrid objective draws codes of the prior, which tells the weights of a "
                'normal_mixture nothing: use "conditional_normal", or cvae_weight=1.'
            )
        self._params_shape = self.likelihood_layer.params_shape(self.event_shape)
        self.likelihood_layer.params_shape((len(self._missing),))  # refuses what needs an image
        places = np.arange(math.prod(self._params_shape)).reshape(
            -1, self.likelihood_layer.params_per_value, self.event_shape[-1]
        )  # (pixels, params_per_value, channels)
        self._params_of_missing = (
            np.moveaxis(places, 1, 0).reshape(len(places[0]), -1)[:, self._missing].ravel()
        )  # (params_per_value * num_missing,)
        if baseline is not None:
            received = tuple(baseline.output_shape[1:])
            if received != self._params_shape:
                raise UserError(
                    f"The baseline {baseline.name!r} gives {received} per example; expected the "
                    f"likelihood's parameters, {self._params_shape}: change its last layer."
                )
            self.supports_jit = self.supports_jit and not has_convolutions(baseline)

    # --- densities ---

    def likelihood(self, z: Tensor, condition: Tensor | None = None, training: bool = False) -> Any:
        """p(x|z,c), as of a CVAE; the given values are certain."""
        batch_ndims = len(z.shape) - len(self.latent_shape)
        params = self._rows_through(
            self.decoder, z, tf.shape(z)[:batch_ndims], condition, training
        )  # (*samples, batch, *params_shape)
        if self.baseline is not None:
            params += tf.stop_gradient(self.baseline(condition, training=training))
        return self._completed(params, condition, batch_ndims)

    def _completed(self, params: Tensor, condition: Tensor, batch_ndims: int = 1) -> Completed:
        """The density with raw parameters (*batch, *params_shape) of all values."""
        flat = tf.reshape(
            params, tf.concat([tf.shape(params)[:batch_ndims], [-1]], axis=0)
        )  # (*batch, params_per_value * size)
        flat = tf.ensure_shape(flat, [*params.shape[:batch_ndims], math.prod(self._params_shape)])
        missing = self.likelihood_layer.distribution(
            tf.gather(flat, self._params_of_missing, axis=-1), batch_ndims
        )  # of (*batch, num_missing)
        return Completed(missing, condition, self.given, self.event_shape)

    def observed(
        self, x: Tensor, condition: Tensor | None, noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        """Of one draw both the data (batch, *event_shape) and what of them is given."""
        x, _ = super().observed(x, condition, noise)
        flat = tf.reshape(x, [-1, math.prod(self.event_shape)])  # (batch, size)
        return x, tf.gather(flat, self.given, axis=1)  # (batch, condition_dim)

    def observed_condition(self, condition: Tensor | None, noise: Noise) -> Tensor | None:
        """Given values (batch, condition_dim) after the binarization of data."""
        return self.likelihood_layer.observe(condition, noise)

    def guess(self, condition: Any) -> Array:
        """What the baseline makes of conditions (num, condition_dim): means (num, *event_shape).

        Raises:
            UserError: When there is no baseline.
        """
        if self.baseline is None:
            raise UserError(f"This {type(self).__name__} has no baseline: give it one.")
        condition = np.atleast_2d(condition)
        condition = as_condition(self._part(condition), len(condition), len(self.given))
        return over_batches(self._guess, condition)

    @tf.function(reduce_retracing=True, autograph=False)
    def _guess(self, condition: Tensor) -> Tensor:
        return self._completed(self.baseline(condition), condition).mean()

    # --- conditions, which are data ---

    def as_arrays(self, values: Any, condition: Any) -> tuple[Array, ...]:
        """As of a `CVAE`, with a condition in the data's range."""
        return super().as_arrays(values, None if condition is None else self._part(condition))

    def as_inputs(self, inputs: Any, y: Any) -> tuple[Tensor, Tensor | None]:
        """As of a `CVAE`, with a condition that is read as the data are."""
        if isinstance(inputs, (list, tuple)):
            inputs, y = inputs
        return super().as_inputs(inputs, None if y is None else as_data(y, (len(self.given),)))

    def endpoints(self, labels: bool = False) -> dict[str, Endpoint]:
        """As of a `CVAE` that is given a `condition`, float32 (batch, condition_dim)."""
        return super().endpoints(labels=False)

    def checked_beside(self, x: Any, y: Array) -> Array:
        """As of a `CVAE`; the condition is to be the given values of x, which are what is read."""
        y = super().checked_beside(x, self._part(y))
        if isinstance(x, np.ndarray) and len(x) == len(y):
            values = x.reshape(len(x), -1)[:, self.given]  # (num, condition_dim)
            if not np.allclose(rows.as_data(values), y, atol=1e-3):
                raise UserError(
                    f"The condition is no part of x: y of a {type(self).__name__} holds the given "
                    "values of its row, x.reshape(len(x), -1)[:, model.given]."
                )
        return y

    def _part(self, condition: Any) -> Array:
        """Given values as float32."""
        part = rows.as_data(condition)
        Range(*self.condition_support).check("The condition", part)
        return part

    # --- the objective ---

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """As of a `CVAE`, `baseline` if there is one, and `gsnn` if the objective is hybrid."""
        terms = super().loss_terms(x, condition, noise, training)
        if self.baseline is not None:
            guess = self.baseline(condition, training=training)  # (batch, *params_shape)
            terms["baseline"] = -self._completed(guess, condition).log_prob(x)  # (batch,)
        if self.cvae_weight < 1:
            z = self.prior_layer.draw(
                noise.fold(1), tf.ones([tf.shape(x)[0]]), condition, training
            )  # (batch, latent_dim)
            terms["gsnn"] = -self.likelihood(z, condition, training).log_prob(x)  # (batch,)
        return terms

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """As of a `CVAE`, times `cvae_weight`; the rest is of `gsnn`."""
        weights = {"reconstruction": 1.0, **super().loss_weights()}
        shares = {name: self.cvae_weight * weight for name, weight in weights.items()}
        return {**shares, "gsnn": 1.0 - self.cvae_weight}

    @property
    def protocol(self) -> str:
        """As of a `CVAE`, and how many values are given."""
        given, size = len(self.given), math.prod(self.event_shape)
        return f"{super().protocol}, {given} of {size} values given"

    # --- config ---

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {
            **super().get_config(),
            "given": self.given,
            "baseline": keras.saving.serialize_keras_object(self.baseline),
            "cvae_weight": self.cvae_weight,
        }
