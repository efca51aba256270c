"""Likelihoods of real values and of grey levels."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.level_logistic import LevelLogistic
from keras_vae.distributions.likelihood import Likelihood, independent
from keras_vae.errors import UserError, check_counts
from keras_vae.noise import Noise, Tensor

tfd = tfp.distributions

_MAX_LOG_SCALE = 7.0
"""Log-scales are clipped to [-7, 7], the least being a quarter of a grey level."""


@keras.saving.register_keras_serializable("keras_vae")
class Normal(Likelihood):
    """Normal likelihood of real-valued data: log p(x|z) = sum_d log N(x_d; loc_d, scale_d).

    With a fixed scale of 1, -log p(x|z) is half the squared error plus the constant log(2 pi) / 2
    per value.

    Args:
        scale: A number: fixed for all values. "learned": the decoder gives a scale per value, at
            least `min_scale` ("Gaussian MLP" of the paper). "shared": one trained scale for all
            values.
        activation: A Keras activation of the mean, such as "sigmoid" for data in [0, 1].
        min_scale: The least scale that "learned" and "shared" may reach: it keeps the density
            bounded.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix C.2, equation 12.
    """

    def __init__(
        self,
        scale: float | Literal["learned", "shared"] = 1.0,
        activation: str | None = None,
        min_scale: float = 1e-3,
        **kwargs: Any,
    ) -> None:
        if isinstance(scale, str) and scale not in ("learned", "shared"):
            raise UserError(
                f'Unknown scale: {scale!r}. Expected a positive number, "learned" or "shared".'
            )
        if not isinstance(scale, str) and not 0 < scale < math.inf:
            raise UserError(
                f"The scale must be positive and finite. Received {scale!r}; "
                'give a positive number, "learned" or "shared".'
            )
        if not 0 <= min_scale < math.inf:
            raise UserError(f"min_scale is at least 0, and finite. Received {min_scale!r}.")
        keras.activations.get(activation)  # raises for a name that is none
        super().__init__(**kwargs)
        self.scale = scale
        self.activation = activation
        self.min_scale = min_scale
        self.params_per_value = 2 if scale == "learned" else 1
        if scale == "shared":
            self.raw_scale = self.add_weight(shape=(), initializer="zeros", name="raw_scale")

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """Independent Normals with raw parameters `params` (*batch, *params_shape)."""
        loc = tf.cast(params, tf.float32)
        scale: Tensor = self.scale
        if self.scale == "learned":
            loc, raw_scale = tf.split(loc, 2, axis=-1)  # each (*batch, *event_shape)
            scale = tf.nn.softplus(raw_scale) + self.min_scale
        elif self.scale == "shared":
            scale = tf.nn.softplus(tf.convert_to_tensor(self.raw_scale)) + self.min_scale
        return independent(
            tfd.Normal(keras.activations.get(self.activation)(loc), scale), batch_ndims
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "activation": self.activation,
            "min_scale": self.min_scale,
        }


@keras.saving.register_keras_serializable("keras_vae")
class DiscretizedLogistic(Likelihood):
    """Likelihood of 256 grey levels or shades: logistic variables, or mixtures of them, rounded.

    Use it for images as they are, uint8 or level / 255: log p(x|z) is then a log probability, and
    comparable with published ones, in bits per value where divided by log(2) and their number.

    Args:
        num_components: Logistics in the mixture of each value.

    Reference:
        Kingma et al. (2016), "Improving Variational Inference with Inverse Autoregressive Flow",
        section 5; Salimans et al. (2017), "PixelCNN++", equation 2.
    """

    support = (0.0, 1.0)

    def __init__(self, num_components: int = 1, **kwargs: Any) -> None:
        check_counts(num_components=num_components)
        super().__init__(**kwargs)
        self.num_components = num_components
        self.params_per_value = 3 * num_components

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """Independent mixtures with raw parameters `params` (*batch, *params_shape).

        The parts of the last axis are logits, means less 1/2, and log-scales plus 2, of each
        component for all channels.
        """
        params = tf.cast(params, tf.float32)
        channels = params.shape[-1] // self.params_per_value
        logits, loc, log_scale = tf.unstack(
            tf.reshape(
                params,
                tf.concat([tf.shape(params)[:-1], [3, self.num_components, channels]], axis=0),
            ),
            axis=-3,
        )  # each (*batch, *axes, components, channels)
        log_scale = tf.clip_by_value(log_scale - 2.0, -_MAX_LOG_SCALE, _MAX_LOG_SCALE)
        density = LevelLogistic(
            *(
                tf.linalg.matrix_transpose(part)  # (*batch, *axes, channels, components)
                for part in (logits, loc + 0.5, log_scale)
            )
        )
        return independent(density, batch_ndims)

    def draw(self, density: Any, noise: Noise) -> Tensor:
        """Levels / 255 (batch, *event_shape)."""
        shape = tuple(density.event_shape)
        return density.distribution.drawn(
            noise.uniform("data component", shape), noise.uniform("data", shape)
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "num_components": self.num_components}
