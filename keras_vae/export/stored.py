"""How a version holds the model itself, for Keras to load: whole, or its weights but once.

A version has the weights in its graph, for a server, and `model.keras` has them a second time. A
compact version has them in the graph alone, in half precision, a quarter of the size, and the names
in its graph are short.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.export.endpoint import Endpoint
from keras_vae.export.shrunk import shrink
from keras_vae.model_folders import CONFIG, GRAPH, MODEL
from keras_vae.noise import Tensor

_NAME = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""What TensorFlow calls the tensor of the n-th weight."""


class Stored(Protocol):
    """A way to hold the model."""

    def served(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is traced."""

    def weights(self, read: Sequence[tf.Variable]) -> list[tf.Variable]:
        """What the graph saves, given what its functions read."""

    def write(self, folder: Path) -> None:
        """Writes what Keras needs beside the graph, which is there already."""


class Whole:
    """A model in `model.keras`.

    Args:
        save: Writes the model into the `.keras` file that it is given.
    """

    def __init__(self, save: Callable[[Path], object]) -> None:
        self._save = save

    def served(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint itself."""
        return endpoint

    def weights(self, read: Sequence[tf.Variable]) -> list[tf.Variable]:
        """What is read."""
        return list(read)

    def write(self, folder: Path) -> None:
        """Writes `model.keras`."""
        self._save(folder / MODEL)


class Compact:
    """A model whose structure stands in `model.json`, and whose weights are the graph's, halved.

    Args:
        model: What is loaded again, compiled or not.
        weights: Those that the endpoints read; they are not changed, see `halve`.

    Raises:
        UserError: For a weight beyond the range of half precision.
    """

    def __init__(self, model: keras.Model, weights: Sequence[keras.Variable]) -> None:
        self._config = keras.saving.serialize_keras_object(model)
        self._originals = weights
        self._weights = [tf.Variable(half, trainable=False) for half in map(_half, self._originals)]

    def served(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the halves in place of the weights; it computes as before."""

        def function(**inputs: Tensor) -> dict[str, Tensor]:
            values = [
                (original, tf.cast(half, original.dtype))
                for original, half in zip(self._originals, self._weights, strict=True)
            ]
            with keras.StatelessScope(state_mapping=values):
                return endpoint.function(**inputs)

        return Endpoint(function, endpoint.inputs)

    def weights(self, read: Sequence[tf.Variable]) -> list[tf.Variable]:
        """All of the model's, in their order, whether they are read or not."""
        return self._weights

    def write(self, folder: Path) -> None:
        """Writes `model.json`, and makes the graph small."""
        (folder / CONFIG).write_text(json.dumps(self._config), encoding="utf-8")
        shrink(folder / GRAPH)


def halve(model: keras.Model) -> None:
    """Rounds a model's weights to half precision, so that it is what a compact version holds.

    Args:
        model: Keeps the types of its weights.

    Raises:
        UserError: For a weight beyond the range of half precision.
    """
    for weight in model.weights:
        weight.assign(tf.cast(_half(weight), weight.dtype))


def read_compact(folder: Path) -> Any:
    """The model of a compact version, its weights in their own precision.

    Args:
        folder: Has `model.json` and the graph's variables.
    """
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    model = keras.saving.deserialize_keras_object(config)
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    for number, weight in enumerate(model.weights):
        weight.assign(tf.cast(reader.get_tensor(_NAME.format(number)), weight.dtype))
    return model


def _half(weight: keras.Variable) -> Tensor:
    """In half precision, unless it holds integers."""
    value = tf.convert_to_tensor(weight)
    if not value.dtype.is_floating:
        return value
    half = tf.cast(value, tf.float16)
    if not np.all(np.isfinite(half)):
        raise UserError(
            f"A compact model holds weights of at most 65504, and {weight.path!r} goes up to "
            f"{np.abs(value).max():.3g}: export it without compact."
        )
    return half
