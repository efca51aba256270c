"""The products of matrices alone, by numpy: what no implementation can leave out."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from contenders import sizes
from contenders.work import Run, Work


class Product(NamedTuple):
    """Of a layer: (rows, width) x (width, units)."""

    rows: int
    width: int
    units: int


def mlp(work: Work) -> Run:
    encoder = _dense(work.batch_size, sizes.PIXELS, *sizes.MLP, 2 * sizes.MLP_LATENT)
    decoder = _dense(work.batch_size, sizes.MLP_LATENT, *sizes.MLP, sizes.PIXELS)
    return _train(work, encoder + decoder)


def conv(work: Work) -> Run:
    """A convolution counts as the product of windows with its kernel; none are gathered."""
    first, second = sizes.FILTERS
    hidden, latent_dim, features = sizes.CONV_HIDDEN, sizes.CONV_LATENT, 7 * 7 * second
    large, small = 14 * 14 * work.batch_size, 7 * 7 * work.batch_size
    encoder = [Product(large, 9, first), Product(small, 9 * first, second)]
    encoder += _dense(work.batch_size, features, hidden, 2 * latent_dim)
    decoder = _dense(work.batch_size, latent_dim, hidden, features)
    decoder += [Product(small, second, 9 * first), Product(large, first, 9)]
    return _train(work, encoder + decoder)


def contractive(work: Work) -> Run:
    return _train(work, _dense(work.batch_size, sizes.PIXELS, sizes.CODE, sizes.PIXELS))


def iwae(work: Work) -> Run:
    codes = work.batch_size * sizes.IWAE_SAMPLES
    encoder = _dense(work.batch_size, sizes.PIXELS, *sizes.DEEP, 2 * sizes.DEEP_LATENT)
    decoder = _dense(codes, sizes.DEEP_LATENT, *sizes.DEEP[::-1], sizes.PIXELS)
    return _train(work, encoder + decoder)


def evaluation(work: Work, samples_at_a_time: int = 50) -> Run:
    """The decoder alone, forwards."""
    codes = work.batch_size * samples_at_a_time
    layers = list(map(_arrays, _dense(codes, sizes.DEEP_LATENT, *sizes.DEEP[::-1], sizes.PIXELS)))

    def run() -> float:
        for _ in range(work.epochs * work.steps * sizes.NLL_SAMPLES // samples_at_a_time):
            for x, kernel, _ in layers:
                x @ kernel
        return math.nan

    return run


def _dense(rows: int, *widths: int) -> list[Product]:
    return [Product(rows, width, units) for width, units in pairwise(widths)]


def _arrays(product: Product) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs (rows, width), kernel (width, units), gradients of the outputs (rows, units)."""
    rows, width, units = product
    rng = np.random.default_rng(0)
    return tuple(
        rng.random(shape, "float32") for shape in ((rows, width), (width, units), (rows, units))
    )


def _train(work: Work, products: list[Product]) -> Run:
    """Forwards, and the gradients of kernels and inputs, but none of the data."""
    first, *others = map(_arrays, products)

    def run() -> float:
        for _ in range(work.epochs * work.steps):
            for x, kernel, gradient in (first, *others):
                x @ kernel
                x.T @ gradient
            for _, kernel, gradient in others:
                gradient @ kernel.T
        return math.nan

    return run
