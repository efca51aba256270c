"""Tensor messages without TensorFlow are TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.serving._protos import tensor_pb2, types_pb2
from keras_vae.serving.tensors import dtype_name, to_array, to_proto

ARRAYS = {
    "floats": np.linspace(-1, 1, 12, dtype="float32").reshape(2, 3, 2),
    "doubles": np.array([1e300, np.nan, -np.inf]),
    "int32": np.array([[-(2**31)], [2**31 - 1]], "int32"),
    "int64": np.array([2**53 - 1, -1], "int64"),
    "uint8": np.arange(256, dtype="uint8"),
    "bool": np.array([True, False, True]),
    "strings": np.array([b"\x89PNG", b"", b"\x00a\x00"], object),
    "scalar": np.array(3.5, "float32"),
    "empty": np.zeros([0, 4], "float32"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["typed", "packed"])
@pytest.mark.parametrize("name", ARRAYS)
def test_tensorflow_reads_what_is_written_and_writes_what_is_read(name, packed):
    array = ARRAYS[name]
    for read in (tf.make_ndarray(to_proto(array, packed=packed)), to_array(to_proto(array))):
        np.testing.assert_array_equal(read, array)
        assert read.dtype == array.dtype
    np.testing.assert_array_equal(to_array(tf.make_tensor_proto(array)), array)


def test_the_typed_field_is_the_default():
    proto = to_proto(ARRAYS["floats"])
    assert len(proto.float_val) == 12
    assert not proto.tensor_content
    assert len(to_proto(ARRAYS["floats"], packed=True).tensor_content) == 48


def test_a_short_field_repeats_its_last_value():
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add(size=2)
    proto.tensor_shape.dim.add(size=2)
    np.testing.assert_array_equal(to_array(proto), [[1, 2], [2, 2]])
    np.testing.assert_array_equal(to_array(proto), tf.make_ndarray(proto))


def _message(sizes, **fields):
    proto = tensor_pb2.TensorProto(**{"dtype": types_pb2.DT_FLOAT, **fields})
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    return proto


@pytest.mark.parametrize(
    ("proto", "words"),
    [
        (_message([2], float_val=[1, 2, 3]), "Received 3"),
        (_message([2]), "Received 0"),
        (_message([-1], float_val=[1]), r"\[-1\]"),
        (_message([2], tensor_content=b"1234567"), "7 bytes"),
        (_message([1], dtype=types_pb2.DT_STRING, tensor_content=b"1"), "string"),
        (_message([1], dtype=types_pb2.DT_COMPLEX64), "complex64"),
        (_message([1], dtype=99), "99"),
        (_message([2**40], float_val=[1]), "larger than"),
        (_message([2], dtype=types_pb2.DT_UINT8, int_val=[3, 300]), "from 0 to 255"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_tensor_is_told(proto, words):
    with pytest.raises(UserError, match=words):
        to_array(proto)


def test_what_is_not_sent_is_told():
    with pytest.raises(UserError, match="complex64"):
        to_proto(np.zeros(1, "complex64"))


def test_dtypes_have_tensorflows_names():
    assert [dtype_name(number) for number in (1, 3, 7, 9)] == ["float", "int32", "string", "int64"]
