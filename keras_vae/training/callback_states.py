"""What callbacks remember of a fit, as JSON and arrays."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.training.strategies import from_chief


@dataclasses.dataclass(frozen=True)
class CallbackStates:
    """The plain attributes of callbacks: numbers, truth values, None, arrays, and lists of these.

    Those that the constructor takes, such as `patience`, are no state but the script's to choose.

    Attributes:
        text: JSON: the class and the attributes of each callback, and in the place of an array a
            table of its type and shape.
        arrays: In the order of their tables.
    """

    text: str = "[]"
    arrays: Sequence[Array] = ()

    @classmethod
    def of(cls, callbacks: Sequence[keras.callbacks.Callback]) -> CallbackStates:
        """Copies what the callbacks hold now."""
        arrays: list[Array] = []

        def packed(value: Any) -> Any:
            if isinstance(value, list):
                return [packed(item) for item in value]
            if isinstance(value, (np.ndarray, np.generic)):
                arrays.append(np.array(value))
                return {"dtype": tf.as_dtype(value.dtype).name, "shape": value.shape}
            return value

        states = [
            (_name(callback), [(name, packed(value)) for name, value in _state(callback)])
            for callback in callbacks
        ]
        return cls(json.dumps(states), arrays)

    def put_into(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Gives callbacks of the same classes what those held.

        Raises:
            UserError: For callbacks of other classes.
        """
        arrays = (np.array(array) for array in self._typed())
        states = json.loads(self.text, object_hook=lambda table: next(arrays))
        saved, own = [name for name, _ in states], [_name(callback) for callback in callbacks]
        if saved != own:
            raise UserError(
                f"The checkpoint holds the state of {' and '.join(saved) or 'no callbacks'}, and "
                f"it was given {' and '.join(own) or 'none'}: go on with the callbacks that it was "
                "made with, or begin in another folder."
            )
        for callback, (_, attributes) in zip(callbacks, states, strict=True):
            for name, value in attributes:
                if _is_plain(getattr(callback, name, None)):
                    setattr(callback, name, value)

    def from_chief(self, strategy: tf.distribute.Strategy) -> CallbackStates:
        """The first worker's in place of this one's; all workers call it at the same point."""
        own = np.frombuffer(self.text.encode(), "uint8")
        (size,) = from_chief(strategy, [len(own)])
        (sent,) = from_chief(strategy, [np.resize(own, int(size))])
        text = sent.tobytes().decode()
        zeros = [np.zeros(table["shape"], _dtype(table)) for table in _tables(text)]
        return CallbackStates(
            text, from_chief(strategy, self._typed() if text == self.text else zeros)
        )

    def _typed(self) -> list[Array]:
        """The arrays; of bfloat16, numpy's files know the bytes alone."""
        tables = _tables(self.text)
        return [array.view(_dtype(table)) for array, table in zip(self.arrays, tables, strict=True)]


def _state(callback: keras.callbacks.Callback) -> Iterator[tuple[str, Any]]:
    given = inspect.signature(type(callback)).parameters
    for name, value in vars(callback).items():
        if name not in given and _is_plain(value):
            yield name, value


def _is_plain(value: Any) -> bool:
    if isinstance(value, (np.ndarray, np.generic)):
        return value.dtype.kind in "biuf" or value.dtype == tf.bfloat16.as_numpy_dtype
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float))


def _tables(text: str) -> list[dict[str, Any]]:
    """Those that stand in the places of arrays, in order."""
    tables: list[dict[str, Any]] = []
    json.loads(text, object_hook=tables.append)
    return tables


def _dtype(table: dict[str, Any]) -> Any:
    return tf.as_dtype(table["dtype"]).as_numpy_dtype


def _name(callback: keras.callbacks.Callback) -> str:
    return type(callback).__name__
