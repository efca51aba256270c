"""REST's JSON as messages and back, in the layout of TensorFlow Serving.

A request has its inputs by rows, `{"instances": [{"z": [0.1, 0.2], "label": 3}, ...]}`, or by
columns, `{"inputs": {"z": [[0.1, 0.2], ...], "label": [3, ...]}}`; where there is one input alone
its name may be left out. A reply is laid out in the same way, under "predictions" or "outputs".
Bytes are `{"b64": "..."}`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from keras_vae.rows import Array
from keras_vae.serving._checks import check_names
from keras_vae.serving._protos import meta_graph_pb2, model_pb2, predict_pb2, types_pb2
from keras_vae.serving._status import invalid
from keras_vae.serving.tensors import dtype_name, numpy_dtype, to_array, to_proto

_ROWS, _COLUMNS = "instances", "inputs"
_MOST_PARTS, _LONGEST_QUOTE = 100, 256  # parts and characters of a value that an error quotes
_LEAVES: dict[str, tuple[type, ...]] = {"f": (int, float), "i": (int,), "u": (int,), "b": (bool,)}
"""Kind of a numpy dtype -> what stands for it in JSON."""


def parse(body: bytes) -> dict[str, Any]:
    """The object that a request's body is.

    Raises:
        StatusError: When it is none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {_quote(document)} Is not object")
    if (_ROWS in document) == (_COLUMNS in document):
        raise invalid(f"Expecting one of the keys '{_COLUMNS}' and '{_ROWS}'")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid("'signature_name' key must be a string value.")
    return document


def to_request(
    document: Mapping[str, Any],
    spec: model_pb2.ModelSpec,
    signature: meta_graph_pb2.SignatureDef,
) -> predict_pb2.PredictRequest:
    """The message that a parsed body stands for.

    Raises:
        StatusError: When its values are not those of the signature's inputs.
    """
    columns = _columns(document, sorted(signature.inputs))
    check_names(signature, columns)
    request = predict_pb2.PredictRequest(model_spec=spec)
    for name, value in columns.items():
        array = _array(value, signature.inputs[name].dtype)
        request.inputs[name].CopyFrom(to_proto(array, packed=True))
    return request


def from_response(
    response: predict_pb2.PredictResponse, document: Mapping[str, Any]
) -> dict[str, Any]:
    """The reply, laid out as the request was."""
    columns = {
        name: _values(to_array(response.outputs[name]), is_bytes=name.endswith("_bytes"))
        for name in sorted(response.outputs)
    }
    is_one = len(columns) == 1
    if _COLUMNS in document:
        return {"outputs": next(iter(columns.values())) if is_one else columns}
    rows = zip(*columns.values(), strict=True)
    return {
        "predictions": [row[0] if is_one else dict(zip(columns, row, strict=True)) for row in rows]
    }


def _columns(document: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Input name -> its values in all rows."""
    if _COLUMNS in document:
        value = document[_COLUMNS]
        return value if _is_named(value) else {_only(names, _COLUMNS): value}
    rows = document[_ROWS]
    if not isinstance(rows, list) or not rows:
        raise invalid(f"JSON Value: {_quote(rows)} Expecting '{_ROWS}' to be a list with values")
    if not _is_named(rows[0]):
        return {_only(names, _ROWS): rows}
    for index, row in enumerate(rows):
        if not _is_named(row) or row.keys() != rows[0].keys():
            raise invalid(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{_quote(row)} keys must be equal to: {','.join(sorted(rows[0]))}"
            )
    return {name: [row[name] for row in rows] for name in rows[0]}


def _is_named(value: Any) -> bool:
    """Whether it is an object of named inputs, and not one of bytes."""
    return isinstance(value, dict) and not _is_bytes(value)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _only(names: list[str], key: str) -> str:
    """The name of the one input, for values without names."""
    if len(names) != 1:
        raise invalid(
            f"{key} is a plain value/list, but expecting an object as multiple input tensors "
            f"required: {','.join(names)}"
        )
    return names[0]


def _array(value: Any, number: int) -> Array:
    """Nested lists as an array of TensorFlow's dtype of that number."""
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    try:
        with np.errstate(over="ignore"):  # as in C, a number too large for float32 is infinite
            flat = np.array(list(_leaves(value, shape, number)), numpy_dtype(number))  # (size,)
        return flat.reshape(shape)
    except (OverflowError, ValueError, RecursionError) as error:
        raise invalid(f"JSON Value: {_quote(value)} is no tensor: {error}") from None


def _leaves(value: Any, shape: list[int], number: int) -> Iterator[Any]:
    """The values in nested lists, checked for the lists' lengths and the values' type."""
    if not shape:
        yield _leaf(value, number)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        raise invalid(f"JSON Value: {_quote(value)} Expecting a list of size: {shape[0]}")
    for item in value:
        yield from _leaves(item, shape[1:], number)


def _leaf(value: Any, number: int) -> Any:
    if number == types_pb2.DT_STRING:
        if isinstance(value, str):
            return value.encode()
        if _is_bytes(value):
            return base64.b64decode(value["b64"], validate=True)
    elif isinstance(value, _LEAVES[numpy_dtype(number).kind]) and (
        isinstance(value, bool) == (number == types_pb2.DT_BOOL)
    ):
        return value
    raise invalid(
        f"JSON Value: {_quote(value)} Type: {type(value).__name__} "
        f"is not of expected type: {dtype_name(number)}"
    )


def _values(array: Array, *, is_bytes: bool) -> Any:
    """An array as nested lists of what JSON has."""
    if array.dtype.hasobject:
        texts = [_text(value, is_bytes=is_bytes) for value in array.flat]
        array = np.array(texts, object).reshape(array.shape)
    elif array.dtype == np.float32:
        array = array.astype(str).astype(np.float64)  # 0.1, not 0.10000000149
    return array.tolist()


def _text(value: bytes, *, is_bytes: bool) -> Any:
    if is_bytes:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")


def _quote(value: Any) -> str:
    """The beginning of a value, however long or deep it is."""
    return "".join(islice(json.JSONEncoder().iterencode(value), _MOST_PARTS))[:_LONGEST_QUOTE]
