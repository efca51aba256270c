"""What estimators by Markov chains share: where chains begin, and a few examples at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.models import Generative
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array
from keras_vae.seeds import check_seed

Start = Literal["prior", "posterior"]
STARTS = get_args(Start)

Progress = Callable[[int], object]
"""Called with the number of examples just done."""

_EXAMPLES = 50
"""At a time."""


def check_start(start: str) -> None:
    """Raises a `UserError` for what is no `Start`."""
    if start not in STARTS:
        raise UserError(f"Unknown start: {start!r}. Expected one of {', '.join(STARTS)}.")


def key(seed: int, number: int) -> tuple[int, int]:
    """Two int32, as stateless random numbers take them, for a seed and the number of a batch."""
    first, second = np.random.SeedSequence((seed, number)).generate_state(2).view(np.int32)
    return int(first), int(second)


def start_chains(
    model: Generative,
    start: str,
    num_chains: int,
    x: Tensor,
    condition: Tensor | None,
    noise: Noise,
) -> Tensor:
    """Samples of the prior or of the encoder's posterior, (chains, batch, latent_dim)."""
    if start == "prior":
        ones = tf.ones([tf.shape(x)[0]])
        draws = (noise.fold(chain) for chain in range(num_chains))
        return tf.stack([model.prior_layer.draw(one, ones, condition) for one in draws])
    standard = noise.normal("annealing", (num_chains, model.latent_dim))
    return model.posterior(x, condition).bijector.forward(
        tf.transpose(standard, [1, 0, 2])
    )  # (chains, batch, latent_dim)


def batches(*arrays: Array, progress: Progress | None = None) -> Iterator[tuple[Array, ...]]:
    """Parts of arrays (num, ...), all of one size, so that one program serves them.

    The last is filled up with the first rows: what is made of the parts, put together, has `num`
    rows and perhaps a few that are not wanted.
    """
    num = len(arrays[0])
    size = math.ceil(num / math.ceil(num / _EXAMPLES))
    for start in range(0, num, size):
        rows = np.arange(start, start + size) % num
        yield tuple(array[rows] for array in arrays)
        if progress is not None:
            progress(min(size, num - start))


def observed_batches(
    model: Generative, x: Any, condition: Any, seed: int, progress: Progress | None
) -> Iterator[tuple[Tensor, Tensor | None, Noise]]:
    """As `batches` of the data: what is observed of x, the condition, and the rows' noise."""
    check_seed(seed)
    for rows, *conditions in batches(*model.data_arrays(x, condition), progress=progress):
        yield model.observation(seed, rows, conditions[0] if conditions else None)
