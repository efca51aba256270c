"""Batches of a `tf.data.Dataset`, checked where they are made.

A compiled step cannot raise, and values out of range would give figures that look right. Looking at
a first batch beforehand would shuffle anew, and break what is cached.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from keras_vae.graph_errors import require
from keras_vae.models.shuffled_batches import PREFETCHED_BATCHES
from keras_vae.noise import Tensor
from keras_vae.ranges import Range

if TYPE_CHECKING:
    from keras_vae.models._inputs import Inputs


def checked_stream(
    model: Inputs, stream: tf.data.Dataset, ranges: Iterable[Range]
) -> tf.data.Dataset:
    """The same batches, of which one that the model cannot take fails as `require` does.

    Args:
        model: What they are for.
        stream: Batches in one of Keras' forms.
        ranges: What the values of x have to be.
    """
    is_tuple = isinstance(stream.element_spec, tuple)

    @tf.autograph.experimental.do_not_convert
    def check(*batch: Any) -> Any:
        x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
        if isinstance(x, tuple):
            x, y = x
        for values in ranges if isinstance(x, tf.Tensor) else []:
            values.require("x", x)
        if model.condition_dim is not None and isinstance(y, tf.Tensor):
            _require_condition(y, model.condition_dim, Range(*model.condition_support))
        return batch if is_tuple else batch[0]

    return stream.map(check).prefetch(PREFETCHED_BATCHES)


def _require_condition(y: Tensor, condition_dim: int, values: Range) -> None:
    """Labels (batch,) or (batch, 1) below `condition_dim`, or values (batch, condition_dim)."""
    is_label = y.dtype.is_integer and (y.shape.rank == 1 or y.shape[1:] == [1])
    if not is_label or condition_dim == 1:
        values.require("The condition", y)
        return
    labels = tf.cast(y, tf.int64)  # (batch,) or (batch, 1)
    least, most = tf.reduce_min(labels), tf.reduce_max(labels)
    require(
        (least >= 0) & (most < condition_dim),
        tf.strings.format(
            f"Received labels from {{}} to {{}}; expected them from 0 to {condition_dim - 1}.",
            (least, most),
        ),
    )
