"""Which calls of `fit` are about arrays that can stay in memory while batches of rows pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_vae.models.shuffled_batches import ShuffledBatches

if TYPE_CHECKING:
    from keras_vae.models.latent_model import LatentModel

MOST_BYTES = 2**31
"""Of the arrays together: they are copied to the device that trains."""

KERAS_OWN = ("steps_per_epoch", "validation_split", "class_weight")
"""Arguments of `fit` with which Keras makes other batches of arrays, or weights them."""


def in_memory(
    model: LatentModel,
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
    if own or weights_alone or whole_list or not _can_stay(arrays):
        return None, {}
    batch_size = 32 if batch_size is None else batch_size
    # The step at which epoch 0 began, or would have begun: another fit, another order.
    num_batches = math.ceil(len(x) / (batch_size or 1))
    first = (
        int(keras.ops.convert_to_numpy(model.step)) - kwargs.get("initial_epoch", 0) * num_batches
    )
    batches = ShuffledBatches(
        *(array.astype("float32") if array.dtype == np.float64 else array for array in arrays),
        batch_size=batch_size,
        seed=(model.seed, first % 2**32) if shuffle else None,
    )
    if kwargs.get("validation_batch_size") is None:
        kwargs["validation_batch_size"] = batch_size
    return batches, kwargs


def _can_stay(arrays: list[Any]) -> bool:
    """Whether these are arrays of numbers, of one length, that fit into memory a second time."""
    if not all(isinstance(a, np.ndarray) and not isinstance(a, np.memmap) for a in arrays):
        return False
    if any(array.ndim == 0 or array.dtype.kind not in "fiub" for array in arrays):
        return False
    one_length = len({len(array) for array in arrays}) == 1
    return one_length and 0 < sum(array.nbytes for array in arrays) <= MOST_BYTES
