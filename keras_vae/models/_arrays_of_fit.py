"""Which calls of `fit` are about arrays whose rows a step can gather itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_vae.errors import UserError
from keras_vae.models.shuffled_batches import ShuffledBatches
from keras_vae.rows import MOST_BYTES, is_mapped

if TYPE_CHECKING:
    from keras_vae.models.trainable import Trainable

KERAS_OWN = ("steps_per_epoch", "validation_split", "class_weight")
"""Arguments of `fit` with which Keras makes other batches of arrays, or weights them."""


def batches_of_arrays(
    model: Trainable,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    *args: Any,
    sample_weight: Any = None,
    shuffle: Any = True,
    **kwargs: Any,
) -> tuple[ShuffledBatches | None, dict[str, Any]]:
    """Takes what `fit` takes; returns the batches and the other arguments, or None and nothing.

    None for all that Keras does better itself: other kinds of data, and what it counts or weights
    on its own.
    """
    arrays = [array for array in (x, y, sample_weight) if array is not None]
    own = any(kwargs.get(name) for name in KERAS_OWN) or args or not isinstance(shuffle, bool)
    weights_alone = y is None and sample_weight is not None
    whole_list = isinstance(kwargs.get("callbacks"), keras.callbacks.CallbackList)
    if not _can_be_gathered(arrays):
        return None, {}
    if own or weights_alone or whole_list:
        if any(map(is_mapped, arrays)):
            raise UserError(
                "Of arrays on a disk, `fit` takes no other arguments that make batches than "
                f"batch_size and shuffle; leave out {', '.join(KERAS_OWN)}."
            )
        return None, {}
    batch_size = 32 if batch_size is None else batch_size
    # The step at which epoch 0 began, or would have begun: another fit, another order.
    num_batches = math.ceil(len(x) / (batch_size or 1))
    first = (
        int(keras.ops.convert_to_numpy(model.step)) - kwargs.get("initial_epoch", 0) * num_batches
    )
    batches = ShuffledBatches(
        *arrays,
        batch_size=batch_size,
        seed=(model.seed, first % 2**32) if shuffle else None,
    )
    if kwargs.get("validation_batch_size") is None:
        kwargs["validation_batch_size"] = batch_size
    return batches, kwargs


def _can_be_gathered(arrays: list[Any]) -> bool:
    """Whether these are arrays of numbers, of one length, on a disk or few enough for memory."""
    if not all(isinstance(array, np.ndarray) for array in arrays):
        return False
    if any(array.ndim == 0 or array.dtype.kind not in "fiub" for array in arrays):
        return False
    if len({len(array) for array in arrays}) > 1 or not len(arrays[0]):
        return False
    return any(map(is_mapped, arrays)) or sum(array.nbytes for array in arrays) <= MOST_BYTES
