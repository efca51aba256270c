"""The seed of each sample; no TensorFlow, for clients."""

from __future__ import annotations

import secrets

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array


def row_seeds(num: int, seed: int | None, temperature: float) -> Array:
    """The seeds int64 (num,) of what `sample(num, seed=seed, temperature=temperature)` draws.

    Row i has seed + i; None stands for a seed of the system's entropy.

    Raises:
        UserError: For a number out of range.
    """
    if num < 1 or not temperature >= 0 or not (seed is None or 0 <= seed <= 2**53 - num):
        raise UserError(
            "sample() takes num >= 1, temperature >= 0 and a seed of at least 0 and at most "
            f"2**53 - num. Received num={num!r}, temperature={temperature!r}, seed={seed!r}."
        )
    first = secrets.randbelow(2**53 - num) if seed is None else seed
    return np.arange(first, first + num, dtype=np.int64)
