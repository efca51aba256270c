"""Posteriors that are one Normal, or a point."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.posterior import Posterior, code_size
from keras_vae.noise import Tensor

tfd = tfp.distributions

_MAX_LOG_VARIANCE = 14.0
"""Log-variances are clipped to [-14, 14], scales to about [1e-3, 1e3]: no density overflows."""


@keras.saving.register_keras_serializable("keras_vae")
class Deterministic(Posterior):
    """A point mass at the code f(encoder(x)): what an autoencoder has in place of a posterior.

    Args:
        activation: A Keras activation f of the code, such as "sigmoid"; None for the encoder's
            output as it is.
    """

    def __init__(self, activation: str | None = None, **kwargs: Any) -> None:
        keras.activations.get(activation)  # raises for a name that is none
        super().__init__(**kwargs)
        self.activation = activation

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The code's own shape: a vector, or feature maps."""
        return latent_shape

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """A point mass at the code (batch, *latent_shape)."""
        code = keras.activations.get(self.activation)(tf.cast(params, tf.float32))
        return tfd.Independent(
            tfd.Deterministic(code), reinterpreted_batch_ndims=code.shape.rank - 1
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "activation": self.activation}


@keras.saving.register_keras_serializable("keras_vae")
class DiagonalNormal(Posterior):
    """Normal posterior with independent dimensions, q(z|x) = N(z; loc, diag(exp(log_variance))).

    The raw values are [loc, log_variance], each `latent_dim` long.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", equation 9.
    """

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(2 * latent_dim,)."""
        return (2 * code_size(latent_shape),)

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """Normal densities with parameters `params` (batch, 2 * latent_dim)."""
        return diagonal_normal(params)


@keras.saving.register_keras_serializable("keras_vae")
class MultivariateNormalTriL(Posterior):
    """Normal posterior with full covariance, q(z|x) = N(z; loc, L L^T), L lower triangular.

    The raw values are [loc, log_variance, the entries of L below its diagonal]; the diagonal of L
    is exp(log_variance / 2).

    Reference:
        Rezende, Mohamed and Wierstra (2014), "Stochastic Backpropagation and Approximate Inference
        in Deep Generative Models", section 4.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # XLA cannot take the gradient of its log-determinant over a batch of open size.
        self.supports_jit = False

    def params_shape(self, latent_shape: tuple[int, ...]) -> tuple[int, ...]:
        """(2 * latent_dim + latent_dim * (latent_dim - 1) / 2,)."""
        size = code_size(latent_shape)
        return (size * (size + 3) // 2,)

    def distribution(self, params: Tensor, training: bool = False) -> Any:
        """Normal densities with parameters `params` (batch, *params_shape)."""
        # The width is d (d + 3) / 2: solved for d.
        latent_dim = int(((9 + 8 * params.shape[-1]) ** 0.5 - 3) / 2)
        loc, log_variance, below = tf.split(
            tf.cast(params, tf.float32), [latent_dim, latent_dim, -1], axis=-1
        )  # (batch, latent_dim), (batch, latent_dim), (batch, latent_dim * (latent_dim - 1) / 2)
        if latent_dim == 1:
            return tfd.MultivariateNormalTriL(loc, _scale(log_variance)[..., tf.newaxis])
        triangle = tfp.math.fill_triangular(below)  # (*batch, latent_dim - 1, latent_dim - 1)
        scale_tril = tf.linalg.set_diag(
            tf.pad(triangle, [*[[0, 0]] * (triangle.shape.rank - 2), [1, 0], [0, 1]]),
            _scale(log_variance),
        )  # (*batch, latent_dim, latent_dim)
        return tfd.MultivariateNormalTriL(loc, scale_tril)


def diagonal_normal(params: Tensor) -> Any:
    """The Normal densities with raw parameters [loc, log_variance], (batch, 2 * latent_dim)."""
    loc, log_variance = tf.split(
        tf.cast(params, tf.float32), 2, axis=-1
    )  # each (batch, latent_dim)
    return tfd.MultivariateNormalDiag(loc, _scale(log_variance))


def _scale(log_variance: Tensor) -> Tensor:
    """The standard deviation, same shape."""
    return tf.exp(0.5 * tf.clip_by_value(log_variance, -_MAX_LOG_VARIANCE, _MAX_LOG_VARIANCE))
