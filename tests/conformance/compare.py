"""Lists of arrays against each other."""

import numpy as np


def assert_same(arrays, others):
    """Bit for bit."""
    arrays, others = list(arrays), list(others)
    assert len(arrays) == len(others) > 0
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(array, other)


def assert_close(arrays, others, rtol=1e-4, atol=1e-5):
    """But for the order in which sums were taken."""
    arrays, others = list(arrays), list(others)
    assert len(arrays) == len(others) > 0
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_allclose(array, other, rtol=rtol, atol=atol)
