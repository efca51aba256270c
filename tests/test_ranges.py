"""What a `Range` refuses, of an array and in a graph, is one thing and one sentence."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.graph_errors import told
from keras_vae.ranges import Range

ALL = Range(-np.inf, np.inf)
PIXELS = Range(0.0, 1.0)


def check(values, x):
    values.check("x", x)


def require(values, x):
    """In a graph that has seen other shapes."""
    function = tf.function(lambda x: values.require("x", x), autograph=False)
    with told():
        function.get_concrete_function(tf.TensorSpec(None, x.dtype))(tf.constant(x))


WAYS = pytest.mark.parametrize("way", [check, require])


@WAYS
@pytest.mark.parametrize("values", [ALL, PIXELS])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(way, values, value):
    with pytest.raises(UserError, match=r"^x has NaN or infinite values: .*[.]$"):
        way(values, np.array([[0.5, value]]))
    way(values, np.array([[0.5, 1.0]]))


@WAYS
@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            [0.5, 255.0],
            "^x ranges from 0.5 to 255, and the likelihood takes 0 to 1: scale it.*[.]$",
        ),
        ([-1.0, 1.0], "^x ranges from -1 to 1, and the likelihood"),
    ],
)
def test_values_out_of_range_are_refused(way, x, message):
    x = np.array(x, "float32")
    with pytest.raises(UserError, match=message) as error:
        way(PIXELS, x)
    assert str(error.value).endswith('or use the likelihood "normal".')
    assert "\n" not in str(error.value)
    way(ALL, x)


@WAYS
@pytest.mark.parametrize("x", [np.zeros((0, 3), "float32"), np.array([0, 255], np.uint8)])
def test_no_values_and_bytes_are_in_range(way, x):
    way(PIXELS, x)


def test_errors_of_others_stay():
    with pytest.raises(tf.errors.InvalidArgumentError, match="another's"), told():
        tf.debugging.Assert(False, ["another's"])
