"""The seed of each sample; no TensorFlow, for clients."""

from __future__ import annotations

import math
import secrets
from numbers import Integral
from typing import Any

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array


def check_seed(seed: Any) -> None:
    """Raises a `UserError` for what is no whole number in [0, 2**53)."""
    if not isinstance(seed, Integral) or not 0 <= int(seed) < 2**53:
        raise UserError(f"A seed is a whole number from 0 to 2**53 - 1. Received seed={seed!r}.")


def row_seeds(num: int, seed: int | None, temperature: float) -> Array:
    """The seeds int64 (num,) of what `sample(num, seed=seed, temperature=temperature)` draws.

    Row i has seed + i; None stands for a seed of the system's entropy.

    Raises:
        UserError: For a number out of range.
    """
    is_whole = isinstance(num, Integral) and isinstance(seed, Integral | None)
    if (
        not is_whole
        or num < 1
        or not 0 <= temperature < math.inf
        or not (seed is None or 0 <= seed <= 2**53 - num)
    ):
        raise UserError(
            "sample() takes num >= 1, a finite temperature >= 0 and a seed of at least 0 and at "
            f"most 2**53 - num. Received num={num!r}, temperature={temperature!r}, seed={seed!r}."
        )
    first = secrets.randbelow(2**53 - num) if seed is None else seed
    return np.arange(first, first + num, dtype=np.int64)
