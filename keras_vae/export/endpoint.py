"""What a served model can be asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import tensorflow as tf

from keras_vae.noise import Tensor


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A function of named tensors.

    Every input and output has the batch for its first axis, so that a server can merge requests.
    Row i of an output is a function of row i of the inputs alone, but for fresh seeds.

    Attributes:
        function: Called with the inputs by name; returns the outputs by name.
        inputs: Name -> `tf.TensorSpec` (None, ...).
    """

    function: Callable[..., dict[str, Tensor]]
    inputs: Mapping[str, tf.TensorSpec]
