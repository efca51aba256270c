"""What users hand in becomes float32 of the model's shapes, or one clear sentence."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae import arrays, rows
from keras_vae.errors import UserError

ONE_HOT = [[0, 0, 1], [1, 0, 0]]


def test_uint8_is_read_as_a_share_of_255():
    x = arrays.as_data(np.array([[0, 51, 255]], np.uint8), (3,))
    assert x.dtype == tf.float32
    np.testing.assert_allclose(x, [[0, 0.2, 1]], rtol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_uint8_has_numpys_bits_in_graphs(jit_compile):
    """Evaluation noise is a function of the bits of x: a compiler must not round another way."""
    x = np.arange(256, dtype=np.uint8)[np.newaxis]
    compiled = tf.function(lambda x: arrays.as_data(x, (256,)), jit_compile=jit_compile)
    np.testing.assert_array_equal(compiled(x), x / np.float32(255))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_stay_as_they_are(dtype):
    x = arrays.as_data(np.array([[-3, 0.5, 255]], dtype), (3,))
    assert x.dtype == tf.float32
    np.testing.assert_array_equal(x, [[-3, 0.5, 255]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 4), "float32"), r"shape \(2, 4\).*\(3,\).*Reshape"),
        (np.zeros((2, 3, 1), "float32"), r"shape \(2, 3, 1\).*\(3,\)"),
        (np.zeros((3,), "float32"), r"one example, of shape \(3,\).* give x\[None\]"),
        (np.zeros((2, 3), "int32"), "dtype int32; expected uint8"),
        (np.zeros((2, 3), "bool"), "dtype bool; expected uint8"),
    ],
)
def test_data_of_another_kind(x, message):
    with pytest.raises(UserError, match=message) as error:
        arrays.as_data(x, (3,))
    assert "\n" not in str(error.value)


def test_what_is_made_an_array():
    class Column:
        def to_numpy(self):
            return np.array([2, 0])

    for column in (Column(), tf.constant([2, 0])):
        assert isinstance(arrays.as_array(column), np.ndarray)
        np.testing.assert_array_equal(arrays.as_array(column), [2, 0])
    rows = [[1.0], [2.0]]
    assert arrays.as_array(rows) is rows


@pytest.mark.parametrize(
    "condition",
    [
        np.array([2, 0]),
        np.array([2, 0], np.uint8),
        np.array([[2], [0]]),
        np.array(ONE_HOT),
        np.array(ONE_HOT, np.float64),
    ],
    ids=["labels", "uint8 labels", "a column of labels", "one-hot integers", "one-hot floats"],
)
def test_forms_of_one_label(condition):
    for values in (
        arrays.as_condition(condition, 3),
        rows.as_condition(condition, 2, 3),
    ):
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, ONE_HOT)


def test_real_values_stay_as_they_are():
    values = np.array([[0.5, -2.0, 7.0], [0.0, 0.25, 1.0]])
    np.testing.assert_array_equal(arrays.as_condition(values, 3), values)
    np.testing.assert_array_equal(arrays.as_condition(values[:, 0], 1), values[:, :1])
    np.testing.assert_array_equal(arrays.as_condition(values[:, :1], 1), values[:, :1])
    # One number per row is no label where the networks take one number.
    np.testing.assert_array_equal(arrays.as_condition(np.array([[5], [7]]), 1), [[5], [7]])


@pytest.mark.parametrize("labels", [[3, 1], [-1, 1], [[3], [1]]])
def test_a_label_out_of_range_is_nan_in_a_graph(labels):
    values = tf.function(arrays.as_condition)(tf.constant(labels), 3).numpy()
    assert np.isnan(values[0]).all()
    np.testing.assert_array_equal(values[1], [0, 1, 0])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (1, [[0, 1, 0]] * 2),
        (np.uint8(1), [[0, 1, 0]] * 2),
        ([2, 0], ONE_HOT),
        ([0.5, 0.0, 2.0], [[0.5, 0.0, 2.0]] * 2),
    ],
    ids=["one label", "one uint8 label", "labels", "one vector"],
)
def test_one_for_all_or_one_each(condition, expected):
    np.testing.assert_array_equal(rows.as_condition(condition, 2, 3), expected)


def test_one_real_number_for_all():
    np.testing.assert_array_equal(rows.as_condition(0.5, 2, 1), [[0.5], [0.5]])


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (None, "needs a condition: a label below 3"),
        (3, "the label 3; expected them from 0 to 2"),
        (-1, "the label -1;"),
        ([0, 7], "from 0 to 7"),
        ([[0], [7]], "from 0 to 7"),
        ([0, 1, 2], r"shape \(3,\) and dtype int64 for 2 rows.* of shape \(\), or .* \(2,\)"),
        (np.zeros((2, 4)), r"shape \(2, 4\).* of shape \(3,\), or .* \(2, 3\)"),
        (np.zeros((2, 3, 1)), r"shape \(2, 3, 1\)"),
        ([0.0, np.nan, 1.0], "has NaN or infinite"),
        (["two", "one"], r"shape \(2,\) and dtype <U3 .* expected integer labels"),
        (1.5, r"shape \(\) and dtype float64 .* expected integer labels, or"),
    ],
)
def test_conditions_that_cannot_be(condition, message):
    with pytest.raises(UserError, match=message) as error:
        rows.as_condition(condition, 2, 3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("num", [0, 1, 5, 10, 11])
def test_over_batches_keeps_every_row(num):
    sizes = []

    def total(x, y):
        sizes.append(len(x))
        return x + y

    x = np.arange(num, dtype="float32")
    np.testing.assert_array_equal(arrays.over_batches(total, x, 10 * x, batch_size=5), 11 * x)
    assert max(sizes) <= 5
    assert sum(sizes) == num
