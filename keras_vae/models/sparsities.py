"""What makes a code sparse: a penalty on it, or a selection of its largest values."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.float32 import Float32Layer
from keras_vae.models._replicas import global_largest, global_mean, global_rows
from keras_vae.noise import Tensor
from keras_vae.registry import resolve

_ROUNDING = 1e-9
"""A share of a number may miss a whole one by this: 0.3 * 100 is more than 30 in binary."""


@keras.saving.register_keras_serializable("keras_vae")
class Sparsity(Float32Layer):
    """A way to sparse codes, itself none; a subclass fills `select`, or `penalty` and `weight`.

    `build` is called with the shape of a batch of codes before all else.
    """

    weight: float = 0.0
    """Of the penalty in the loss."""
    support: tuple[float, float] = (-math.inf, math.inf)
    """Least and largest value of a code that it can take."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = False  # until it is told

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Is told the shape of codes (None, *latent_shape), to make weights or to check it."""

    def select(self, code: Tensor, training: bool) -> Tensor:
        """What the decoder sees of a code (batch, *latent_shape): all of it, unless overridden."""
        return code

    def penalty(self, code: Tensor, training: bool) -> Tensor | None:
        """What the code costs each example (batch,), unweighted; None where it costs nothing."""
        return None


@keras.saving.register_keras_serializable("keras_vae")
class KLSparsity(Sparsity):
    """Presses the mean activation of each unit towards a small target rho.

    The penalty, in nats and the same for every example, for codes in (0, 1):

        sum_j KL(Bernoulli(rho) || Bernoulli(rho_j)),  rho_j = mean of unit j

    A unit is one number of a vector, or one of the feature maps. The mean is over a map's places
    and over the global batch, however many replicas share it. While evaluating it is the running
    mean of training, so that batches do not matter.

    Args:
        target: rho, in (0, 1).
        weight: Of the penalty in the loss.
        momentum: Of the running mean, in [0, 1).

    Raises:
        UserError: For an argument out of range.

    Reference:
        Ng (2011), "Sparse autoencoder", CS294A lecture notes, section 3.
    """

    support = (0.0, 1.0)

    def __init__(
        self, target: float = 0.05, weight: float = 3.0, momentum: float = 0.9, **kwargs: Any
    ) -> None:
        if not 0 < target < 1:
            raise UserError(f"The target is a mean activation, in (0, 1). Received {target!r}.")
        super().__init__(**kwargs)
        self.supports_jit = not tf.distribute.has_strategy()  # replicas share their means
        self.target = target
        self.weight = _checked_weight(weight)
        self.momentum = _checked_momentum(momentum)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the running mean (units,)."""
        self.running_mean = self.add_weight(
            shape=input_shape[-1:],
            initializer=keras.initializers.Constant(self.target),
            trainable=False,
            aggregation="only_first_replica",
            name="running_mean",
        )

    def penalty(self, code: Tensor, training: bool) -> Tensor:
        """The same number for each example (batch,)."""
        mean = tf.convert_to_tensor(self.running_mean)  # (units,)
        if training:
            places = global_mean(code)  # (*latent_shape)
            mean = tf.reduce_mean(places, axis=list(range(places.shape.rank - 1)))  # (units,)
            step = (1.0 - self.momentum) * (mean - self.running_mean)
            self.running_mean.assign_add(step)
        # A unit that never fires, or always, costs much, and not infinitely much.
        mean = tf.clip_by_value(mean, 1e-6, 1.0 - 1e-6)
        rho = self.target
        kl = rho * tf.math.log(rho / mean) + (1.0 - rho) * tf.math.log((1.0 - rho) / (1.0 - mean))
        return tf.fill([tf.shape(code)[0]], tf.reduce_sum(kl))  # (batch,)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "target": self.target,
            "weight": self.weight,
            "momentum": self.momentum,
        }


@keras.saving.register_keras_serializable("keras_vae")
class L1Sparsity(Sparsity):
    """The penalty sum_j |z_j|.

    Args:
        weight: Of the penalty in the loss.

    Reference:
        Tibshirani (1996), "Regression Shrinkage and Selection via the Lasso", for the penalty.
    """

    def __init__(self, weight: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = _checked_weight(weight)

    def penalty(self, code: Tensor, training: bool) -> Tensor:
        """The sum of magnitudes (batch,)."""
        return tf.reduce_sum(tf.abs(code), axis=list(range(1, code.shape.rank)))  # (batch,)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable("keras_vae")
class TopK(Sparsity):
    """Keeps the k largest values of each code and sets the others to zero.

    Args:
        k: How many to keep while training.
        evaluation_factor: While evaluating, k times this many are kept, rounded down; alpha of the
            paper.

    Raises:
        UserError: When k, or k times the factor, is not between 1 and the code's size.

    Reference:
        Makhzani and Frey (2014), "k-Sparse Autoencoders", section 2.1.
    """

    def __init__(self, k: int = 25, evaluation_factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.k = k
        self.evaluation_factor = evaluation_factor

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Checks k against the size of the code."""
        size = math.prod(input_shape[1:])
        if int(self.k) != self.k:
            raise UserError(f"topk keeps a whole number of values. Received k={self.k!r}.")
        for kept in (self.k, self.k * self.evaluation_factor):
            if not 1 <= kept <= size:
                raise UserError(
                    f"topk keeps at least 1 and at most {size} values of a code of {size}. "
                    f"Received k={self.k!r} and evaluation_factor={self.evaluation_factor!r}."
                )

    def select(self, code: Tensor, training: bool) -> Tensor:
        """The code (batch, *latent_shape) with k values left."""
        kept = int(self.k if training else self.k * self.evaluation_factor + _ROUNDING)
        size = code.shape[1:].num_elements()
        values = tf.reshape(code, [-1, size])  # (batch, latent_dim)
        indices = tf.math.top_k(values, kept).indices  # (batch, kept)
        mask = tf.reduce_sum(tf.one_hot(indices, size), axis=1)  # (batch, latent_dim)
        return code * tf.reshape(mask, tf.shape(code))  # (batch, *latent_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "k": self.k, "evaluation_factor": self.evaluation_factor}


@keras.saving.register_keras_serializable("keras_vae")
class WinnerTakeAll(Sparsity):
    """Keeps the largest activations of each unit over the batch, and of each map over its places.

    In feature maps only the largest value of each map is kept ("spatial sparsity"). While training,
    each unit or map keeps its value only for the share `rate` of the examples of the global batch
    where that value is largest ("lifetime sparsity"). Of equal values the first wins.

    While evaluating, a value is kept where it reaches the running mean of the least value that won
    in training, so that batches do not matter and codes are as sparse as those that the decoder
    was trained on. The paper keeps all values then, as features for a classifier; `encoder` gives
    these before any selection.

    Args:
        rate: Share of the examples, in (0, 1]; at least one example is kept.
        momentum: Of the running mean, in [0, 1).

    Raises:
        UserError: For an argument out of range.

    Reference:
        Makhzani and Frey (2015), "Winner-Take-All Autoencoders", sections 2 and 3.
    """

    def __init__(self, rate: float = 0.05, momentum: float = 0.9, **kwargs: Any) -> None:
        if not 0 < rate <= 1:
            raise UserError(f"The rate is a share of the examples, in (0, 1]. Received {rate!r}.")
        super().__init__(**kwargs)
        self.supports_jit = not tf.distribute.has_strategy()  # replicas share their values
        self.rate = rate
        self.momentum = _checked_momentum(momentum)

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Makes the running mean (units,), which keeps all values above 0 before training."""
        self.running_threshold = self.add_weight(
            shape=input_shape[-1:],
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="running_threshold",
        )

    def select(self, code: Tensor, training: bool) -> Tensor:
        """The winners among a code (batch, *latent_shape)."""
        num_places, units = math.prod(code.shape[1:-1]), code.shape[-1]
        maps = tf.reshape(code, [-1, num_places, units])  # (batch, places, units)
        place = tf.argmax(maps, axis=1, output_type=tf.int32)  # (batch, units)
        kept = tf.one_hot(place, num_places, axis=1)  # (batch, places, units)
        largest = tf.reduce_max(maps, axis=1)  # (batch, units)
        if training:
            _, num = global_rows(tf.shape(code)[0])
            share = self.rate * tf.cast(num, tf.float64)
            num_kept = tf.cast(tf.math.ceil(share - _ROUNDING), tf.int32)
            wins, least = global_largest(largest, num_kept)  # (batch, units), (units,)
            step = (1.0 - self.momentum) * (least - self.running_threshold)
            self.running_threshold.assign_add(step)
        else:
            wins = largest >= self.running_threshold  # (batch, units)
        kept *= tf.cast(wins, tf.float32)[:, tf.newaxis]
        return code * tf.reshape(kept, tf.shape(code))  # (batch, *latent_shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "momentum": self.momentum}


@keras.saving.register_keras_serializable("keras_vae")
class Selection(Float32Layer):
    """The selection of a sparsity as a layer of a network, always that of `encode`.

    Args:
        sparsity: A `Sparsity`, which knows the code's shape.
    """

    def __init__(self, sparsity: Sparsity, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sparsity = sparsity

    def call(self, code: Tensor) -> Tensor:
        """The code (batch, *latent_shape) that the decoder sees while evaluating."""
        return self.sparsity.select(code, training=False)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The same."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "sparsity": keras.saving.serialize_keras_object(self.sparsity),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Selection:
        """A layer from its config, the sparsity included."""
        return cls(
            **{**config, "sparsity": keras.saving.deserialize_keras_object(config["sparsity"])}
        )


SPARSITIES: dict[str, type[Sparsity]] = {
    "kl": KLSparsity,
    "l1": L1Sparsity,
    "topk": TopK,
    "winner_take_all": WinnerTakeAll,
}


def get_sparsity(spec: Any) -> Sparsity:
    """A sparsity from its name, a table with `name`, or a `Sparsity`."""
    return resolve("sparsity", spec, SPARSITIES, Sparsity)


def _checked_weight(weight: float) -> float:
    if not 0 <= weight < math.inf:
        raise UserError(f"A penalty's weight is at least 0, and finite. Received {weight!r}.")
    return weight


def _checked_momentum(momentum: float) -> float:
    if not 0 <= momentum < 1:
        raise UserError(f"The momentum lies in [0, 1). Received {momentum!r}.")
    return momentum
