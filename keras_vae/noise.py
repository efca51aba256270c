"""Random numbers as a pure function of a row's key and a name: the only noise in the library.

No generator, no state: the same key gives the same numbers on any device, in any batch, on any
number of replicas. Keys come from (seed, step, global row) while training, from (seed, the row
itself) while evaluating, and from one seed per row while sampling.
"""

from __future__ import annotations

import functools
import math
import zlib
from typing import Any

import numpy as np
import tensorflow as tf

Tensor = Any
"""A `tf.Tensor`; TensorFlow ships no types that a checker could use."""

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_WORD = 0xFFFFFFFF


def threefry2x32(
    key: tuple[Tensor, Tensor], counter: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Encrypts a counter under a key with Threefry-2x32, 20 rounds.

    Args:
        key: Two uint32 tensors of broadcastable shapes.
        counter: Two uint32 tensors of broadcastable shapes.

    Returns:
        Two uint32 tensors of the broadcast shape: 64 random bits each.

    Reference:
        Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
    """
    words = _rounds(*key, *counter)
    shape = functools.reduce(
        tf.broadcast_static_shape, [tf.convert_to_tensor(word).shape for word in (*key, *counter)]
    )
    for word in words:
        word.set_shape(shape)
    return words


@functools.partial(
    tf.function, autograph=False, input_signature=4 * [tf.TensorSpec(None, tf.uint32)]
)
def _rounds(key0: Tensor, key1: Tensor, x0: Tensor, x1: Tensor) -> tuple[Tensor, Tensor]:
    """Threefry's rounds, traced once: they are most of the operations of every graph."""
    xor = tf.bitwise.bitwise_xor
    keys = (key0, key1, xor(xor(key0, key1), tf.constant(_PARITY, tf.uint32)))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            left = tf.bitwise.left_shift(x1, tf.constant(rotation, tf.uint32))
            right = tf.bitwise.right_shift(x1, tf.constant(32 - rotation, tf.uint32))
            x1 = xor(tf.bitwise.bitwise_or(left, right), x0)
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + tf.constant(group + 1, tf.uint32)
    return x0, x1


def fresh_seeds(num: Tensor) -> Tensor:
    """Seeds int64 (num,) from the clock, in microseconds, and the row's place.

    The clock is all that a served graph has for it: random operations repeat their numbers whenever
    the graph is loaded. Calls in one microsecond give the same seeds, so a client that asks many
    servers or threads at once does better to draw its own, as `keras_vae.serving.Client` does.
    """
    now = tf.bitcast(tf.timestamp(), tf.uint32)  # (2,)
    index = tf.cast(tf.range(num), tf.uint32)  # (num,)
    low, high = threefry2x32((now[0], now[1]), (index, tf.constant(_stream("seed"), tf.uint32)))
    high = tf.bitwise.right_shift(high, tf.constant(11, tf.uint32))  # 21 bits
    return tf.cast(low, tf.int64) + tf.cast(high, tf.int64) * 2**32  # (num,)


class Noise:
    """A batch of independent random streams, one key per row.

    Every method takes a name, so that two draws of one step never share numbers, and the shape of
    one row's draw.

    Args:
        keys: Two uint32 tensors (batch,).
    """

    def __init__(self, keys: tuple[Tensor, Tensor]) -> None:
        self._keys = keys

    @property
    def num_rows(self) -> Tensor:
        """How many rows there are, a scalar."""
        return tf.shape(self._keys[0])[0]

    @classmethod
    def from_seeds(cls, seeds: Tensor) -> Noise:
        """One stream per seed: `seeds` is int64 (batch,), each in [0, 2**53)."""
        seeds = tf.cast(seeds, tf.int64)
        low = tf.bitwise.bitwise_and(seeds, tf.constant(_WORD, tf.int64))
        high = tf.bitwise.right_shift(seeds, tf.constant(32, tf.int64))
        return cls((tf.cast(low, tf.uint32), tf.cast(high, tf.uint32)))

    @classmethod
    def for_step(cls, seed: int | Tensor, step: Tensor, rows: Tensor) -> Noise:
        """Training noise by seed, step (scalar) and the rows' global indices (batch,)."""
        return (
            cls.from_seeds(tf.reshape(seed, [1])).fold(step).fold(rows)
        )  # keys (1,), (1,), (batch,)

    @classmethod
    def for_rows(cls, seed: int | Tensor, x: Tensor) -> Noise:
        """Evaluation noise by seed and the row's own values, in whatever batch.

        Args:
            seed: One for all rows, or one for each (batch,).
            x: Data (batch, ...).
        """
        values = tf.reshape(tf.cast(x, tf.float32), [tf.shape(x)[0], -1])  # (batch, event_size)
        words = _mixed(tf.bitcast(values, tf.uint32))
        index = tf.cast(tf.range(tf.shape(words)[1]), tf.uint32)  # (event_size,)
        zero = tf.zeros_like(index)
        digest = tuple(
            # Different rows have the same sum of products with odd random weights by chance alone.
            tf.reduce_sum(
                words * tf.bitwise.bitwise_or(weights, tf.constant(1, tf.uint32)), axis=1
            )  # (batch,)
            for weights in threefry2x32((zero, zero), (index, zero))
        )
        return cls(
            threefry2x32(cls.from_seeds(tf.reshape(seed, [-1]))._keys, (digest[0], digest[1]))
        )

    def fold(self, index: Tensor) -> Noise:
        """New streams that depend on `index` too: a scalar, or one integer per row."""
        index = tf.cast(index, tf.uint32)
        return Noise(threefry2x32(self._keys, (index, tf.constant(_stream("fold"), tf.uint32))))

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, float32 (batch, *shape), by Box and Muller's transform."""
        first, second = (
            _unit(word) for word in self._blocks(name, math.prod(shape), values_per_block=2)
        )
        radius = tf.sqrt(-2.0 * tf.math.log(first))
        angle = 2.0 * math.pi * second
        return _rows([radius * tf.cos(angle), radius * tf.sin(angle)], shape)

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Uniform numbers in (0, 1) with 23 bits, float32 (batch, *shape)."""
        return _rows(
            [_unit(word) for word in self._blocks(name, math.prod(shape), values_per_block=2)],
            shape,
        )

    def bernoulli(self, name: str, probs: Tensor) -> Tensor:
        """Zeros and ones with probabilities `probs` (batch, ...), to 16 bits; float32, same shape.

        A probability of 0 or 1 is kept exactly, so binary data stay as they are, and NaN stays NaN.
        """
        shape = tuple(probs.shape[1:])
        halves = []
        for word in self._blocks(name, math.prod(shape), values_per_block=4):
            halves.append(tf.bitwise.bitwise_and(word, tf.constant(0xFFFF, tf.uint32)))
            halves.append(tf.bitwise.right_shift(word, tf.constant(16, tf.uint32)))
        # By way of int32: a cast from uint32 to float is not vectorized on CPUs.
        draws = _rows([tf.cast(tf.cast(half, tf.int32), tf.float32) for half in halves], shape)
        ones = tf.cast(draws < tf.cast(probs, tf.float32) * 65536.0, tf.float32)
        return tf.where(tf.math.is_nan(probs), np.nan, ones)

    def _blocks(self, name: str, size: int, values_per_block: int) -> tuple[Tensor, Tensor]:
        """Two uint32 words (batch, blocks) for `size` values, rounded up to a multiple of 32."""
        blocks = 32 * math.ceil(size / 32) // values_per_block
        index = tf.range(blocks, dtype=tf.int32)[tf.newaxis]  # (1, blocks)
        stream = tf.constant(_stream(name), tf.uint32)
        keys = (self._keys[0][:, tf.newaxis], self._keys[1][:, tf.newaxis])  # (batch, 1)
        return threefry2x32(keys, (tf.cast(index, tf.uint32), stream))


def _mixed(words: Tensor) -> Tensor:
    """Lets every bit of a word matter for its lowest: the low bits of most floats are zeros.

    The finalizer of Austin Appleby's MurmurHash3, which is in the public domain.
    """
    shifts, factors = (16, 13, 16), (0x85EBCA6B, 0xC2B2AE35, 1)
    for shift, factor in zip(shifts, factors, strict=True):
        shifted = tf.bitwise.right_shift(words, tf.constant(shift, tf.uint32))
        words = tf.bitwise.bitwise_xor(words, shifted) * tf.constant(factor, tf.uint32)
    return words


def _stream(name: str) -> int:
    """A stable 32-bit number for a name."""
    return zlib.crc32(name.encode())


def _unit(word: Tensor) -> Tensor:
    """Maps uint32 words to the midpoints of 2**23 equal cells of (0, 1)."""
    bits = tf.cast(tf.bitwise.right_shift(word, tf.constant(9, tf.uint32)), tf.int32)
    return (tf.cast(bits, tf.float32) + 0.5) * 2.0**-23


def _rows(parts: list[Tensor], shape: tuple[int, ...]) -> Tensor:
    """Joins parts (batch, blocks) and cuts them to (batch, *shape)."""
    values = tf.concat(parts, axis=1)[:, : math.prod(shape)]  # (batch, size)
    return tf.reshape(values, [-1, *shape])  # (batch, *shape)
