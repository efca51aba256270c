"""Keras as its examples write it: a subclassed model with a `train_step`, and Keras' defaults."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from contenders import sizes
from contenders.data import digits
from contenders.work import Run, Work


class Plain(keras.Model):
    """A model whose subclass tells the loss of a batch."""

    def __init__(self) -> None:
        super().__init__()
        self.mean_loss = keras.metrics.Mean(name="loss")

    def loss_of(self, x: tf.Tensor) -> tf.Tensor:
        """Nats per image, a scalar."""
        raise NotImplementedError

    def train_step(self, data: tf.Tensor) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            loss = self.loss_of(data)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.mean_loss.update_state(loss)
        return {"loss": self.mean_loss.result()}


class PlainVAE(Plain):
    """The negative ELBO of binarized images."""

    def __init__(self, encoder: keras.Model, decoder: keras.Model) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def loss_of(self, x: tf.Tensor) -> tf.Tensor:
        x = _binarized(x)
        loc, log_variance = tf.split(self.encoder(x), 2, axis=1)  # (batch, latent_dim) each
        z = loc + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(loc))
        reconstruction = _cross_entropy(x, self.decoder(z))  # (batch,)
        kl = -0.5 * tf.reduce_sum(1 + log_variance - loc**2 - tf.exp(log_variance), 1)  # (batch,)
        return tf.reduce_mean(reconstruction + kl)


class PlainIWAE(PlainVAE):
    """The negative importance-weighted bound of Burda et al. (2016), equation 8."""

    def loss_of(self, x: tf.Tensor) -> tf.Tensor:
        x = _binarized(x)
        loc, log_variance = tf.split(self.encoder(x), 2, axis=1)  # (batch, latent_dim) each
        shape = tf.concat([[sizes.IWAE_SAMPLES], tf.shape(loc)], 0)
        noise = tf.random.normal(shape)  # (samples, batch, latent_dim)
        z = loc + tf.exp(0.5 * log_variance) * noise  # (samples, batch, latent_dim)
        logits = self.decoder(tf.reshape(z, [-1, loc.shape[1]]))  # (samples * batch, pixels)
        targets = tf.tile(x, [sizes.IWAE_SAMPLES, 1])  # (samples * batch, pixels)
        reconstruction = tf.reshape(_cross_entropy(targets, logits), shape[:2])
        kl = 0.5 * tf.reduce_sum(z**2 - noise**2 - log_variance, 2)  # (samples, batch)
        bound = tf.reduce_logsumexp(-reconstruction - kl, 0)  # (batch,)
        return tf.reduce_mean(math.log(sizes.IWAE_SAMPLES) - bound)


class PlainContractive(Plain):
    """Cross-entropy and the closed form of the contraction, with tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = layers.Dense(sizes.CODE, "sigmoid")
        self.encoder.build((None, sizes.PIXELS))
        self.bias = self.add_weight(shape=(sizes.PIXELS,), initializer="zeros")

    def loss_of(self, x: tf.Tensor) -> tf.Tensor:
        kernel = tf.convert_to_tensor(self.encoder.kernel)  # (pixels, code)
        code = self.encoder(x)  # (batch, code)
        logits = tf.matmul(code, kernel, transpose_b=True) + self.bias  # (batch, pixels)
        slopes = (code * (1 - code)) ** 2  # (batch, code)
        contraction = tf.linalg.matvec(slopes, tf.reduce_sum(kernel**2, 0))  # (batch,)
        return tf.reduce_mean(_cross_entropy(x, logits) + sizes.CONTRACTION * contraction)


def mlp(work: Work) -> Run:
    return _fit(PlainVAE(*_perceptrons(sizes.MLP, sizes.MLP_LATENT)), _rows(work), work)


def conv(work: Work) -> Run:
    first, second = sizes.FILTERS
    same = {"strides": 2, "padding": "same"}
    encoder = keras.Sequential(
        [
            keras.Input(sizes.IMAGE),
            layers.Conv2D(first, 3, activation="relu", **same),  # (batch, 14, 14, 32)
            layers.Conv2D(second, 3, activation="relu", **same),  # (batch, 7, 7, 64)
            layers.Flatten(),
            layers.Dense(sizes.CONV_HIDDEN, "relu"),
            layers.Dense(2 * sizes.CONV_LATENT),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((sizes.CONV_LATENT,)),
            layers.Dense(sizes.CONV_HIDDEN, "relu"),
            layers.Dense(7 * 7 * second, "relu"),
            layers.Reshape((7, 7, second)),
            layers.Conv2DTranspose(first, 3, activation="relu", **same),  # (batch, 14, 14, 32)
            layers.Conv2DTranspose(1, 3, **same),  # (batch, 28, 28, 1)
        ]
    )
    return _fit(PlainVAE(encoder, decoder), _rows(work, sizes.IMAGE), work)


def contractive(work: Work) -> Run:
    return _fit(PlainContractive(), _rows(work), work)


def iwae(work: Work) -> Run:
    return _fit(PlainIWAE(*_perceptrons(sizes.DEEP, sizes.DEEP_LATENT)), _rows(work), work)


def _perceptrons(hidden: tuple[int, ...], latent_dim: int) -> tuple[keras.Model, keras.Model]:
    def network(width: int, hidden: tuple[int, ...], units: int) -> keras.Model:
        middle = [layers.Dense(width, "tanh") for width in hidden]
        return keras.Sequential([keras.Input((width,)), *middle, layers.Dense(units)])

    return (
        network(sizes.PIXELS, hidden, 2 * latent_dim),
        network(latent_dim, hidden[::-1], sizes.PIXELS),
    )


def _binarized(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.random.uniform(tf.shape(x)) < x, tf.float32)


def _cross_entropy(x: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Summed over all axes but the first: (batch,)."""
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
    return tf.reduce_sum(values, axis=list(range(1, x.shape.rank)))


def _rows(work: Work, shape: tuple[int, ...] = (sizes.PIXELS,)) -> Any:
    """Grey values in [0, 1], float32 (rows, *shape)."""
    return digits(work.rows).reshape(-1, *shape).astype("float32") / 255


def _fit(model: keras.Model, x: Any, work: Work) -> Run:
    model.compile(keras.optimizers.Adam(sizes.LEARNING_RATE))

    def run() -> float:
        history = model.fit(x, batch_size=work.batch_size, epochs=work.epochs, verbose=0)
        return history.history["loss"][-1]

    return run
