"""What a transform makes of data."""

import numpy as np
import pytest

from keras_vae.datasets import Dataset, transformed
from keras_vae.errors import UserError


def dataset(shape=(4, 5, 1)):
    size = int(np.prod(shape))
    x = np.arange(3 * size, dtype=np.uint8).reshape(3, *shape)
    return Dataset("numbers", x, x[:2], np.arange(3), np.arange(2))


@pytest.mark.parametrize(
    ("given", "picture"),
    [
        (1, [".....", ".....", "##...", "##..."]),
        (2, ["##...", "##...", "##...", "##..."]),
        (3, ["#####", "#####", "##...", "##..."]),
    ],
)
def test_quadrants(given, picture):
    before = dataset()
    found = transformed(before, {"name": "quadrants", "given": given})
    places = [place for place, mark in enumerate("".join(picture)) if mark == "#"]
    np.testing.assert_array_equal(found.given, places)
    for x, y in ((found.x_train, found.y_train), (found.x_test, found.y_test)):
        np.testing.assert_allclose(y, x.reshape(len(x), -1)[:, places] / 255, rtol=1e-6)
        assert y.dtype == np.float32
    np.testing.assert_array_equal(found.x_train, before.x_train)
    assert (found.num_classes, found.condition_dim) == (None, len(places))


def test_none():
    before = dataset()
    assert transformed(before, None) is before


@pytest.mark.parametrize("given", [0, 4])
def test_another_number(given):
    with pytest.raises(UserError, match="1, 2 or 3"):
        transformed(dataset(), {"name": "quadrants", "given": given})


@pytest.mark.parametrize("shape", [(20,), (1, 5, 1)])
def test_no_images(shape):
    with pytest.raises(UserError, match="images of 2 x 2 pixels"):
        transformed(dataset(shape), {"name": "quadrants", "given": 1})
