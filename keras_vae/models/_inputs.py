"""What users give a model: arrays and tensors, checked, in the shapes that it computes with."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae import arrays, rows
from keras_vae.arrays import as_array, check_shape
from keras_vae.distributions import Likelihood
from keras_vae.errors import UserError
from keras_vae.models._streams import checked_stream
from keras_vae.noise import Tensor
from keras_vae.ranges import Range
from keras_vae.rows import Array


class Inputs:
    """Data, and the conditions that may go with them.

    A part of `LatentModel`, which has the attributes.
    """

    event_shape: tuple[int, ...]
    condition_dim: int | None
    condition_support: tuple[float, float] = (-math.inf, math.inf)
    """Least and largest value that a condition may have."""
    likelihood_layer: Likelihood
    corruption_layer: Any

    # --- whole arrays ---

    def data_arrays(self, x: Any, condition: Any) -> tuple[Array, ...]:
        """As `as_arrays`, for data x, which are checked too."""
        x = np.asarray(x)
        self.check_data(x)
        if self.condition_dim is not None:
            rows.check_each(condition, len(x), self.condition_dim)
        return self.as_arrays(x, condition)

    def check_data(self, x: Array) -> None:
        """Raises a `UserError` for an array that has no rows, or others than the model takes."""
        if not x.size:
            raise UserError(f"Received data of shape {x.shape}; expected at least one row.")
        check_shape(x, self.event_shape)
        Range(*self.likelihood_layer.support).check("x", x)

    def as_arrays(self, values: Any, condition: Any) -> tuple[Array, ...]:
        """The values alone, or with one checked condition per value (num, condition_dim)."""
        values = np.asarray(values)
        if self.condition_dim is not None:
            return values, rows.as_condition(condition, len(values), self.condition_dim)
        if condition is not None:
            raise UserError(
                f"This {type(self).__name__} takes no condition: leave it out, or use a CVAE."
            )
        return (values,)

    # --- as Keras is given them ---

    def checked(self, x: Any, y: Any, training: bool = False) -> tuple[Any, Any]:
        """Refuses what cannot be meant, and returns x and y, labels made one-hot vectors.

        Arrays at once, and the batches of a `tf.data.Dataset` when they are read. A compiled step
        cannot tell values out of range, which would give figures that look right; and one that has
        seen several shapes knows none any more.
        """
        if isinstance(x, tf.data.Dataset):
            return checked_stream(self, x, self._ranges(training)), y
        if isinstance(x, (list, tuple)) and len(x) == 2:  # x and the condition
            first, second = x
            return list(self.checked(first, second, training)), y
        x, y = as_array(x), as_array(y)
        if isinstance(x, np.ndarray):
            self.check_data(x)
            for values in self._ranges(training):
                values.check("x", x)
        return x, self.checked_beside(x, y) if isinstance(y, np.ndarray) else y

    def checked_beside(self, x: Any, y: Array) -> Array:
        """The same of y alone, which may be a condition or nothing that counts."""
        if self.condition_dim is not None:
            rows.check_each(y, len(y), self.condition_dim)
            return rows.as_condition(y, len(y), self.condition_dim)
        if isinstance(x, np.ndarray):
            _refuse_target(type(self).__name__, x, y)
        return y

    def _ranges(self, training: bool) -> list[Range]:
        """What the values of data have to be, to evaluate them or to train on them."""
        ranges = [Range(*self.likelihood_layer.support)]
        if training and self.corruption_layer is not None:
            least, most = self.corruption_layer.value_range
            mend = "scale it, or give the corruption a value_range"
            ranges.append(Range(least, most, "corruption", mend))
        return ranges

    def checked_validation(self, data: Any) -> Any:
        """The same of what `fit` is given as `validation_data`."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        x, y = self.checked(x, y)
        return keras.utils.pack_x_y_sample_weight(x, self.target(y, sample_weight), sample_weight)

    def target(self, y: Any, sample_weight: Any) -> Any:
        """Keras drops the weights of arrays without y, so they stand in for a y that is ignored."""
        return sample_weight if y is None and self.condition_dim is None else y

    def unpacked(self, data: Any) -> tuple[Tensor, Tensor | None, Tensor]:
        """Data in Keras' forms -> x (batch, *event_shape), condition or None, weights (batch,)."""
        inputs, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        x, condition = self.as_inputs(inputs, y)
        weight = (
            tf.ones([tf.shape(x)[0]]) if sample_weight is None else tf.reshape(sample_weight, [-1])
        )
        return x, condition, tf.cast(weight, tf.float32)

    def as_inputs(self, inputs: Any, y: Any) -> tuple[Tensor, Tensor | None]:
        """Inputs x or (x, condition), and y -> float32 x and condition of the model's shapes."""
        if isinstance(inputs, (list, tuple)):
            inputs, y = inputs
        x = arrays.as_data(inputs, self.event_shape)
        if self.condition_dim is not None:
            if y is None:
                raise UserError(
                    f"This {type(self).__name__} needs a condition beside x, and received none: "
                    "call fit(x, y), predict([x, y]), sample(num, condition=...)."
                )
            return x, arrays.as_condition(y, self.condition_dim)
        if y is not None:
            _refuse_target(type(self).__name__, x, y)
        return x, None


def _refuse_target(model: str, x: Any, y: Any) -> None:
    """Raises a `UserError` for a target: y of x's own shape."""
    if y.shape[1:] == x.shape[1:]:
        raise UserError(
            f"This {model} reconstructs x itself: call fit(x), not fit(x, x). "
            f"Received a target of x's shape {tuple(y.shape)}."
        )
