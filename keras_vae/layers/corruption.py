"""Corruption of data: what a denoising model learns to undo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.float32 import Float32Layer
from keras_vae.noise import Noise, Tensor
from keras_vae.registry import resolve


class Corruption(Float32Layer):
    """A random change of data that keeps their shape.

    A subclass fills `corrupt`, and `touched` where it leaves values alone. There is no `call`: the
    random numbers come from `Noise`.
    """

    value_range: tuple[float, float] = (-math.inf, math.inf)
    """Least and largest value of the data; a model's `fit` refuses others."""

    def corrupt(self, x: Tensor, noise: Noise) -> Tensor:
        """Corrupted data, float32 (batch, *event_shape), of data x (batch, *event_shape)."""
        raise NotImplementedError

    def touched(self, x: Tensor, noise: Noise) -> Tensor:
        """Which values `corrupt` chooses to change, bool (batch, *event_shape): all of them."""
        return tf.ones_like(x, dtype=tf.bool)


class _Chosen(Corruption):
    """A corruption of some of the values, each chosen with probability `rate`."""

    rate: float

    def touched(self, x: Tensor, noise: Noise) -> Tensor:
        """The chosen values, bool (batch, *event_shape)."""
        return noise.uniform("corruption", tuple(x.shape[1:])) < self.rate


@keras.saving.register_keras_serializable("keras_vae")
class GaussianCorruption(Corruption):
    """Adds Normal noise to every value: x' = clip(x + scale * epsilon), epsilon ~ N(0, I).

    Args:
        scale: Standard deviation of the noise, in units of the data.
        value_range: Least and largest value of the data; what goes beyond is put there.

    Raises:
        UserError: When `scale` is negative, or the range is empty.

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", section 3.3.
    """

    def __init__(
        self, scale: float = 0.3, value_range: Sequence[float] = (0.0, 1.0), **kwargs: Any
    ) -> None:
        if not 0 <= scale < math.inf:
            raise UserError(f"The scale is at least 0, and finite. Received scale={scale!r}.")
        super().__init__(**kwargs)
        self.scale = scale
        self.value_range = _checked_range(value_range)

    def corrupt(self, x: Tensor, noise: Noise) -> Tensor:
        """Corrupted data (batch, *event_shape)."""
        epsilon = noise.normal("corruption", tuple(x.shape[1:]))  # (batch, *event_shape)
        return tf.clip_by_value(x + self.scale * epsilon, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "scale": self.scale, "value_range": self.value_range}


@keras.saving.register_keras_serializable("keras_vae")
class MaskingCorruption(_Chosen):
    """Sets each value to zero with probability `rate`.

    Args:
        rate: Share of the values that are masked, in [0, 1].

    Raises:
        UserError: When `rate` is outside [0, 1].

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", section 3.3.
    """

    def __init__(self, rate: float = 0.25, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = _checked_rate(rate)

    def corrupt(self, x: Tensor, noise: Noise) -> Tensor:
        """Corrupted data (batch, *event_shape)."""
        return tf.where(self.touched(x, noise), 0.0, x)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("keras_vae")
class SaltAndPepperCorruption(_Chosen):
    """Sets each value, with probability `rate`, to the least or the largest by a fair coin.

    Args:
        rate: Share of the values that are set, in [0, 1].
        value_range: Least and largest value of the data.

    Raises:
        UserError: When `rate` is outside [0, 1], or the range is empty.

    Reference:
        Vincent et al. (2010), "Stacked Denoising Autoencoders", section 3.3.
    """

    def __init__(
        self, rate: float = 0.25, value_range: Sequence[float] = (0.0, 1.0), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = _checked_rate(rate)
        self.value_range = _checked_range(value_range)

    def corrupt(self, x: Tensor, noise: Noise) -> Tensor:
        """Corrupted data (batch, *event_shape)."""
        low, high = self.value_range
        coin = noise.uniform("salt or pepper", tuple(x.shape[1:])) < 0.5  # (batch, *event_shape)
        return tf.where(self.touched(x, noise), tf.where(coin, low, high), x)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "value_range": self.value_range}


CORRUPTIONS: dict[str, type[Corruption]] = {
    "gaussian": GaussianCorruption,
    "masking": MaskingCorruption,
    "salt_and_pepper": SaltAndPepperCorruption,
}


def get_corruption(spec: Any) -> Corruption | None:
    """A corruption from its name, a table with `name`, or a `Corruption`; None stays None."""
    return None if spec is None else resolve("corruption", spec, CORRUPTIONS, Corruption)


def _checked_rate(rate: float) -> float:
    if not 0 <= rate <= 1:
        raise UserError(
            f"A corruption's rate is a share of the values, in [0, 1]. Received rate={rate!r}."
        )
    return rate


def _checked_range(value_range: Sequence[float]) -> tuple[float, float]:
    low, high = value_range
    if not low < high:
        raise UserError(
            "value_range is the least and the largest value of the data. "
            f"Received {tuple(value_range)!r}."
        )
    return low, high
