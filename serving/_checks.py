"""What a request must be for a signature, in the order and the words of TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.serving._protos import meta_graph_pb2, tensor_pb2, tensor_shape_pb2
from keras_vae.serving._status import invalid
from keras_vae.serving.tensors import dtype_name, to_array


def check_names(signature: meta_graph_pb2.SignatureDef, names: Iterable[str]) -> None:
    """Raises a `StatusError` unless these are the signature's inputs."""
    sent, required = set(names), set(signature.inputs)
    if sent != required:
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(required)} "
            f"len({_braces(sent)}) != len({_braces(required)}). "
            f"Sent extra: {_braces(sent - required)}. "
            f"Missing but required: {_braces(required - sent)}."
        )


def checked_inputs(
    signature: meta_graph_pb2.SignatureDef,
    tensors: Mapping[str, tensor_pb2.TensorProto],
    *,
    most_rows: int,
) -> dict[str, Array]:
    """A request's inputs (batch, ...), which the signature takes.

    Everything is checked before a message becomes an array, as one of a few bytes can stand for a
    tensor of any size.

    Raises:
        StatusError: For other names, dtypes or shapes, or too many rows.
    """
    check_names(signature, tensors)
    for index, name in enumerate(sorted(tensors)):
        sent, expected = tensors[name].dtype, signature.inputs[name].dtype
        if sent != expected:
            raise invalid(
                f"Expects arg[{index}] to be {dtype_name(expected)} "
                f"but {dtype_name(sent)} is provided"
            )
    shapes = {name: _shape(tensor.tensor_shape) for name, tensor in tensors.items()}
    for name, shape in shapes.items():
        expected_shape = _shape(signature.inputs[name].tensor_shape)
        if not _fits(shape, expected_shape):
            raise invalid(f"Input {name} has the shape {shape}, and {expected_shape} is expected")
    rows = {shape[0] for shape in shapes.values() if shape}
    if len(rows) != 1 or not all(shapes.values()):
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    if max(rows) > most_rows:
        raise invalid(f"Task size {max(rows)} is larger than maximum input batch size {most_rows}")
    arrays = {}
    for name, tensor in tensors.items():
        try:
            arrays[name] = to_array(tensor)  # (batch, ...)
        except UserError as error:
            raise invalid(f"tensor parsing error: {name}. {error}") from None
    return arrays


def checked_outputs(signature: meta_graph_pb2.SignatureDef, names: Sequence[str]) -> Sequence[str]:
    """The outputs that a request asks for: those it names, or all.

    Raises:
        StatusError: For one that does not exist, or is named twice.
    """
    for index, name in enumerate(names):
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_braces(signature.outputs)}."
            )
        if name in names[:index]:
            raise invalid(f"duplicate output tensor alias: {name}")
    return names or sorted(signature.outputs)


def _braces(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"


def _shape(message: tensor_shape_pb2.TensorShapeProto) -> list[int]:
    return [dim.size for dim in message.dim]


def _fits(shape: Sequence[int], expected: Sequence[int]) -> bool:
    """Whether a shape is the expected one, in which -1 stands for any size."""
    return len(shape) == len(expected) and all(
        size == wanted or (wanted == -1 and size >= 0)
        for size, wanted in zip(shape, expected, strict=True)
    )
