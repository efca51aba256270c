"""Arrays as TensorFlow's tensor messages and back, without TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.serving._protos import tensor_pb2, types_pb2

_FIELDS: dict[int, tuple[np.dtype[Any], str]] = {
    types_pb2.DT_FLOAT: (np.dtype("float32"), "float_val"),
    types_pb2.DT_DOUBLE: (np.dtype("float64"), "double_val"),
    types_pb2.DT_INT32: (np.dtype("int32"), "int_val"),
    types_pb2.DT_INT64: (np.dtype("int64"), "int64_val"),
    types_pb2.DT_UINT8: (np.dtype("uint8"), "int_val"),
    types_pb2.DT_BOOL: (np.dtype("bool"), "bool_val"),
    types_pb2.DT_STRING: (np.dtype("object"), "string_val"),
}
"""TensorFlow's number of a dtype -> numpy's dtype, and the message's field for typed values."""

LARGEST_TENSOR = 2**28
"""Bytes: a message of a few bytes can stand for a tensor that repeats one value without end."""

_NUMBERS = {dtype: number for number, (dtype, _) in _FIELDS.items()}


def dtype_name(number: int) -> str:
    """TensorFlow's name of a dtype, such as "int32" for 3; a text for one that does not exist."""
    if number not in types_pb2.DataType.values():
        return f"unknown dtype enum: {number}"
    name: str = types_pb2.DataType.Name(number)
    return name.removeprefix("DT_").lower()


def dtype_number(dtype: np.dtype[Any]) -> int:
    """TensorFlow's number of a numpy dtype.

    Raises:
        UserError: For one that has none here.
    """
    if dtype not in _NUMBERS:
        raise UserError(
            f"Tensors of dtype {dtype} are not sent: expected one of "
            f"{', '.join(dtype_name(number) for number in _FIELDS)}."
        )
    return _NUMBERS[dtype]


def numpy_dtype(number: int) -> np.dtype[Any]:
    """The numpy dtype of TensorFlow's number; object for strings.

    Raises:
        UserError: For one that has none here.
    """
    if number not in _FIELDS:
        raise UserError(f"Tensors of dtype {dtype_name(number)} are not known here.")
    return _FIELDS[number][0]


def to_proto(array: Array, *, packed: bool = False) -> tensor_pb2.TensorProto:
    """A message that holds an array.

    Args:
        array: Of one of the dtypes here; strings are arrays of `bytes` objects.
        packed: Whether to send the memory as it is (`tensor_content`) in place of the typed field,
            such as `float_val`. Strings are always typed.

    Raises:
        UserError: For another dtype.
    """
    number = dtype_number(array.dtype)
    proto = tensor_pb2.TensorProto(dtype=number)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    dtype, field = _FIELDS[number]
    if packed and not dtype.hasobject:
        proto.tensor_content = np.ascontiguousarray(array, dtype.newbyteorder("<")).tobytes()
    else:
        getattr(proto, field).extend(array.ravel().tolist())
    return proto


def to_array(proto: tensor_pb2.TensorProto) -> Array:
    """The array that a message holds.

    A typed field shorter than the shape's size stands for a tensor whose end repeats its last
    value, as TensorFlow has it.

    Raises:
        UserError: For a message that is no tensor: an unknown dtype, a shape that is not known
            or too large, or a number of values that is not the shape's.
    """
    dtype = numpy_dtype(proto.dtype)
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise UserError(f"A tensor's shape is known. Received {list(shape)}.")
    size = math.prod(shape)
    if size * dtype.itemsize > LARGEST_TENSOR:
        raise UserError(f"A tensor of shape {list(shape)} is larger than {LARGEST_TENSOR} bytes.")
    if proto.tensor_content:
        if dtype.hasobject or len(proto.tensor_content) != size * dtype.itemsize:
            raise UserError(
                f"A tensor of shape {list(shape)} and dtype {dtype_name(proto.dtype)} does not fit "
                f"tensor_content of {len(proto.tensor_content)} bytes."
            )
        flat = np.frombuffer(proto.tensor_content, dtype.newbyteorder("<")).astype(dtype)  # (size,)
        return flat.reshape(shape)
    typed = getattr(proto, _FIELDS[proto.dtype][1])
    if len(typed) > size or (size and not len(typed)):
        raise UserError(
            f"A tensor of shape {list(shape)} has {size} values. Received {len(typed)}."
        )
    if dtype == np.uint8 and any(not 0 <= value < 256 for value in typed):
        raise UserError("Values of dtype uint8 are from 0 to 255. Received others.")
    values = np.array(typed, dtype)  # (num,)
    repeated = np.full(size - len(values), values[-1] if len(values) else 0, dtype)  # (size - num,)
    return np.concatenate([values, repeated]).reshape(shape)
