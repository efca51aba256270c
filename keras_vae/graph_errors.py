"""A `UserError` out of a graph, which can only fail with an error of TensorFlow's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.noise import Tensor

_MARK = "keras-vae"


def require(condition: Tensor, sentence: Tensor | str) -> None:
    """Fails where a graph runs, unless a condition holds. XLA leaves it out of what it compiles.

    Args:
        condition: Bool ().
        sentence: What `told` raises, string ().
    """
    tf.debugging.Assert(condition, [_MARK, sentence])


@contextmanager
def told() -> Iterator[None]:
    """Raises the sentence of a `require` that failed in place of TensorFlow's error.

    Raises:
        UserError: With that sentence.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        found = re.search(rf"\[{_MARK}\] \[([^\]]*)\]", error.message)
        if found is None:
            raise
        raise UserError(found[1].replace('\\"', '"')) from None  # TensorFlow's way with quotes
