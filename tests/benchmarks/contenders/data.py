"""The images, and the weights that dense networks begin with."""

from __future__ import annotations

import importlib.util
import math
from itertools import pairwise
from pathlib import Path

import numpy as np

from contenders.sizes import IMAGE

Layers = list[tuple[np.ndarray, np.ndarray]]
"""Kernel (width, units) and bias (units,) of each layer."""


def digits(rows: int) -> np.ndarray:
    """The bundled sample of MNIST, uint8 (rows, 28, 28, 1), over and over."""
    spec = importlib.util.find_spec("keras_vae")  # imports nothing: peers do without TensorFlow
    assert spec is not None
    assert spec.origin is not None
    with np.load(Path(spec.origin).parent / "datasets" / "mnist_sample.npz") as file:
        images = file["x_train"]
    return np.resize(images, (rows, *IMAGE))


def glorot(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """A kernel (*window, channels, units), uniform as Keras' layers begin."""
    fans = math.prod(shape[:-2]) * (shape[-2] + shape[-1])
    limit = math.sqrt(6 / fans)
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def dense_layers(*widths: int, seed: int = 0) -> Layers:
    """Glorot's kernels and biases of zeros between the widths."""
    rng = np.random.default_rng(seed)
    return [
        (glorot(rng, width, units), np.zeros(units, np.float32))
        for width, units in pairwise(widths)
    ]
