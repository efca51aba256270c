"""Likelihoods p(x|z): densities of the data, each fed by the decoder's raw output."""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.causal_bernoulli import CausalBernoulli
from keras_vae.distributions.density import DensityLayer
from keras_vae.distributions.joint_bernoulli import JointBernoulli
from keras_vae.distributions.level_logistic import LevelLogistic
from keras_vae.errors import UserError, check_counts
from keras_vae.noise import Noise, Tensor
from keras_vae.registry import resolve
from keras_vae.rows import Array

tfd = tfp.distributions

_MAX_LOG_SCALE = 7.0
"""Log-scales are clipped to [-7, 7], the least being a quarter of a grey level."""


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
        l_d = a_d(z) + sum_m (1 + g_dm(z)) sum_s w_ms x_(d-s)

    for the pixels d - s of a window above d and left of it. The filters w are the same everywhere,
    and the decoder says at every pixel how much each counts. Use it where likelihoods matter: the
    filters draw strokes and edges, and the code is left with what is seen from afar.

    Means have no closed form: `decode` and `reconstruct` give the probability of each pixel given
    that all before it have their likelier value, and `sample` that of each given a draw of those.

    Args:
        num_filters: How many filters the window has.
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
        kernel_size: int = 7,
        binarization: Literal["dynamic", "static"] | None = None,
        **kwargs: Any,
    ) -> None:
        check_counts(num_filters=num_filters, kernel_size=kernel_size)
        if kernel_size < 3 or kernel_size % 2 == 0:
            raise UserError(f"kernel_size is an odd number from 3. Received {kernel_size!r}.")
        super().__init__(binarization, **kwargs)
        self.num_filters = num_filters
        self.kernel_size = kernel_size
        self.params_per_value = 1 + num_filters
        half = kernel_size // 2
        self.filters = self.add_weight(
            shape=(half + 1, kernel_size, 1, num_filters),
            initializer="glorot_uniform",
            name="filters",
        )

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
        square = tf.reshape(self.filters, [-1, self.num_filters])
        filters = square[: self.kernel_size**2 // 2]  # (window, filters), those before its middle
        return CausalBernoulli(bias, 1.0 + gates, filters)

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
        return _joint(tfd.ContinuousBernoulli(logits=tf.cast(params, tf.float32)), batch_ndims)


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
        return _joint(tfd.Normal(keras.activations.get(self.activation)(loc), scale), batch_ndims)

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
        return _joint(density, batch_ndims)

    def draw(self, density: Any, noise: Noise) -> Tensor:
        """Levels / 255 (batch, *event_shape)."""
        shape = tuple(density.event_shape)
        return density.distribution.drawn(
            noise.uniform("data component", shape), noise.uniform("data", shape)
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "num_components": self.num_components}


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "autoregressive_bernoulli": AutoregressiveBernoulli,
    "continuous_bernoulli": ContinuousBernoulli,
    "normal": Normal,
    "discretized_logistic": DiscretizedLogistic,
}


def get_likelihood(spec: Any) -> Likelihood:
    """A likelihood from its name, a table with `name`, or a `Likelihood`."""
    return resolve("likelihood", spec, LIKELIHOODS, Likelihood)


def _joint(density: Any, batch_ndims: int) -> Any:
    """Makes one event of all axes after the batch's: log_prob sums over them."""
    return tfd.Independent(
        density, reinterpreted_batch_ndims=len(density.batch_shape) - batch_ndims
    )
