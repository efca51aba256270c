"""What Keras has to say of a value in a recipe, as one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from keras_vae.errors import UserError


@contextmanager
def as_user_error(table: str) -> Iterator[None]:
    """Within it, an error of Keras or TensorFlow is a `UserError` that names the table."""
    try:
        yield
    except UserError:
        raise
    except (ValueError, TypeError, ArithmeticError, MemoryError, tf.errors.OpError) as error:
        message = re.sub(r"\x1b\[\d*m|\{\{.*?\}\} ?|\[Op:.*", "", str(error))
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        telling = (line for line in lines if not line.startswith("Exception encountered"))
        sentence = next(telling, type(error).__name__)
        raise UserError(f"[{table}] has a value that Keras refuses: {sentence}") from error
