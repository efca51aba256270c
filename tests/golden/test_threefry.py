"""Threefry-2x32-20 against the answers that its authors publish."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.noise import threefry2x32

# Random123, tests/kat_vectors: counter, key, result.
KNOWN_ANSWERS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


def words(values):
    return tuple(tf.constant([value], tf.uint32) for value in values)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_known_answers(counter, key, expected):
    result = threefry2x32(words(key), words(counter))
    assert tuple(int(word[0]) for word in result) == expected


def test_known_answers_as_one_batch():
    counters, keys, expected = (
        np.array(column, np.uint32).T for column in zip(*KNOWN_ANSWERS, strict=True)
    )
    result = threefry2x32(
        tuple(tf.constant(key) for key in keys), tuple(tf.constant(word) for word in counters)
    )
    np.testing.assert_array_equal(result, expected)
