"""Executions of several steps that end where the caller wants to end.

Keras goes on in whole executions: 5 steps in executions of 20 would be 20 steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_vae.models.trainable import Trainable


@contextmanager
def whole_executions(model: Trainable, *steps: int | None) -> Iterator[None]:
    """For one call, the longest execution, of at most `steps_per_execution`, that divides `steps`.

    Args:
        model: A compiled model.
        *steps: Numbers of steps that the caller asks for; None where the data tell it.
    """
    wanted = [number for number in steps if number]
    longest = model.steps_per_execution
    fitting = max(
        length for length in range(1, longest + 1) if all(number % length == 0 for number in wanted)
    )
    if fitting == longest:
        yield
        return
    _set_length(model, fitting)
    try:
        yield
    finally:
        _set_length(model, longest)


def _set_length(model: Trainable, length: int) -> None:
    """The length is written into the functions that Keras has made, so they are made anew."""
    model.steps_per_execution = length
    model.train_function = model.test_function = model.predict_function = None
