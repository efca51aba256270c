"""Likelihoods of binary images and of values in [0, 1]."""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.causal_bernoulli import CausalBernoulli
from keras_vae.distributions.joint_bernoulli import JointBernoulli
from keras_vae.distributions.likelihood import Likelihood, independent
from keras_vae.errors import UserError, check_counts
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array

tfd = tfp.distributions


@keras.saving.register_keras_serializable("keras_vae")
class Bernoulli(Likelihood):
    """Bernoulli likelihood of binary data: log p(x|z) = sum_d x_d log p_d + (1 - x_d) log(1 - p_d).

    Use it for black-and-white images. Grey images are made binary first, or, without binarization,
    their values serve as soft targets: the term is then a cross-entropy, not a log density, and is
    not comparable with published likelihoods.

    Args:
        binarization: "dynamic" draws a new binary image at every step, with the grey values as
            probabilities (Burda et al. 2016); "static" draws one binary image per grey image, the
            same always; None leaves the data as they are.

    Example:
    >>> import keras_vae
    >>> likelihood = keras_vae.distributions.Bernoulli()
    >>> density = likelihood.distribution(np.zeros((2, 28, 28, 1), "float32"))
    >>> density.log_prob(np.ones((2, 28, 28, 1), "float32")).shape
    TensorShape([2])

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix C.1, equation 11.
    """

    support = (0.0, 1.0)

    def __init__(
        self, binarization: Literal["dynamic", "static"] | None = None, **kwargs: Any
    ) -> None:
        if binarization not in (None, "dynamic", "static"):
            raise UserError(
                f"Unknown binarization: {binarization!r}. "
                'Expected "dynamic", "static" or None (leave it out).'
            )
        super().__init__(**kwargs)
        self.binarization = binarization
        self.protocol = f"{binarization or 'no'} binarization"

    def observe(self, x: Tensor, noise: Noise) -> Tensor:
        """Binary images (batch, *event_shape), drawn from the grey values."""
        if self.binarization == "dynamic":
            return noise.bernoulli("binarization", x)
        if self.binarization == "static":
            return Noise.for_rows(0, x).bernoulli("binarization", x)
        return x

    def params_of_mean(self, mean: Array) -> Array:
        """Logits (*event_shape,) of probabilities that are kept in [0.001, 0.999]."""
        probs = np.clip(mean, 1e-3, 1.0 - 1e-3)
        return np.log(probs) - np.log1p(-probs)

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """Independent Bernoulli densities with logits `params` (*batch, *event_shape)."""
        return JointBernoulli(tf.cast(params, tf.float32), len(params.shape) - batch_ndims)

    def draw(self, density: Any, noise: Noise) -> Tensor:
        """Binary images (batch, *event_shape)."""
        return noise.bernoulli("data", density.mean())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "binarization": self.binarization}


@keras.saving.register_keras_serializable("keras_vae")
class AutoregressiveBernoulli(Bernoulli):
    """Bernoulli likelihood of images each of whose pixels depends on those before it, and on z.

        log p(x|z) = sum_d log Bernoulli(x_d; sigmoid(l_d)),
        l_d = a_d(z) + sum_m (1 + g_dm(z)) f_m(x_<d),   f(x) = w x + v elu(u x + b)

    for x_<d, the pixels of a window above d and left of it. The filters f are the same everywhere,
    and the decoder says at every pixel how much each counts. Use it where likelihoods matter: the
    filters draw strokes and edges, and the code is left with what is seen from afar.

    Means have no closed form: `decode` and `reconstruct` give the probability of each pixel given
    that all before it have their likelier value, and `sample` that of each given a draw of those.

    Args:
        num_filters: How many filters the window has.
        num_hidden: Hidden units that the filters share, the rows of u.
        kernel_size: Columns of the window, an odd number from 3; half as many rows are above d.
        binarization: As of `Bernoulli`.

    Raises:
        UserError: For an argument out of range, and, by `params_shape`, for data that are no images
            of one channel.

    Example:
    >>> import keras_vae
    >>> likelihood = keras_vae.distributions.AutoregressiveBernoulli(num_filters=3)
    >>> likelihood.params_shape((28, 28, 1))
    (28, 28, 4)

    Reference:
        Gulrajani et al. (2017), "PixelVAE: A Latent Variable Model for Natural Images", section 3,
        for the decoder with autoregressive layers; theirs are masked convolutions and gated units.
    """

    def __init__(
        self,
        num_filters: int = 8,
        num_hidden: int = 16,
        kernel_size: int = 7,
        binarization: Literal["dynamic", "static"] | None = None,
        **kwargs: Any,
    ) -> None:
        check_counts(num_filters=num_filters, num_hidden=num_hidden, kernel_size=kernel_size)
        if kernel_size < 3 or kernel_size % 2 == 0:
            raise UserError(f"kernel_size is an odd number from 3. Received {kernel_size!r}.")
        super().__init__(binarization, **kwargs)
        self.num_filters = num_filters
        self.num_hidden = num_hidden
        self.kernel_size = kernel_size
        self.params_per_value = 1 + num_filters
        self.window = kernel_size**2 // 2  # pixels before the middle of a square
        self.linear = self.add_weight(shape=(self.window, num_filters), name="linear")  # w
        self.inner = self.add_weight(shape=(self.window, num_hidden), name="inner")  # u
        self.inner_bias = self.add_weight(
            shape=(num_hidden,), initializer="zeros", name="inner_bias"
        )  # b
        self.outer = self.add_weight(shape=(num_hidden, num_filters), name="outer")  # v

    def params_shape(self, event_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of raw decoder output (height, width, 1 + num_filters).

        Raises:
            UserError: For data that are no images of one channel.
        """
        if len(event_shape) != 3 or event_shape[-1] != 1:
            raise UserError(
                "An autoregressive_bernoulli is of images of one channel. Received the shape "
                f'{event_shape}; use "bernoulli".'
            )
        return super().params_shape(event_shape)

    def params_of_mean(self, mean: Array) -> Array:
        """Parameters (height, width, 1 + num_filters) with no filter; a as of `Bernoulli`."""
        bias = super().params_of_mean(mean)  # (height, width, 1)
        return np.concatenate([bias, *[-np.ones_like(bias)] * self.num_filters], axis=-1)

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """The density with a and g for `params` (*batch, height, width, 1 + num_filters)."""
        bias, gates = tf.split(tf.cast(params, tf.float32), [1, self.num_filters], axis=-1)
        return CausalBernoulli(bias, 1.0 + gates, self._filters, self.window)

    def _filters(self, pixels: Tensor) -> Tensor:
        """What the filters find, f (pixels, num_filters), in binary values (window, pixels)."""
        hidden = tf.matmul(pixels, self.inner, transpose_a=True) + self.inner_bias
        linear = tf.matmul(pixels, self.linear, transpose_a=True)
        return linear + tf.matmul(tf.nn.elu(hidden), self.outer)

    def draw(self, density: Any, noise: Noise) -> Tensor:
        """Binary images (batch, height, width, 1)."""
        return density.drawn(noise.uniform("data", tuple(density.event_shape)))

    def shown(self, density: Any, noise: Noise) -> Tensor:
        """The probability of each pixel given those before it, which are drawn."""
        return density.probs_of(noise.uniform("data", tuple(density.event_shape)))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_filters": self.num_filters,
            "num_hidden": self.num_hidden,
            "kernel_size": self.kernel_size,
        }


@keras.saving.register_keras_serializable("keras_vae")
class ContinuousBernoulli(Likelihood):
    """Continuous Bernoulli likelihood of data in [0, 1]: the Bernoulli's form, normalized.

    Use it for grey images without binarization.

    Reference:
        Loaiza-Ganem and Cunningham (2019), "The continuous Bernoulli: fixing a pervasive error in
        variational autoencoders", equations 4 to 6.
    """

    support = (0.0, 1.0)

    def distribution(self, params: Tensor, batch_ndims: int = 1) -> Any:
        """Independent continuous Bernoullis with logits `params` (*batch, *event_shape)."""
        return independent(tfd.ContinuousBernoulli(logits=tf.cast(params, tf.float32)), batch_ndims)
