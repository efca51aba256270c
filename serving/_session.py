"""A SavedModel in TensorFlow's runtime, without TensorFlow's Python package.

The runtime's C API is called through ctypes: it starts in a second, brings no Keras along, and
leaves Python's lock alone while a graph runs.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.serving._protos import config_pb2, meta_graph_pb2, rewriter_config_pb2
from keras_vae.serving._status import StatusError, invalid
from keras_vae.serving.tensors import dtype_number, numpy_dtype

_STRING_BYTES = 24
"""The size of a TF_TString."""

_CONFIG = config_pb2.ConfigProto(
    graph_options=config_pb2.GraphOptions(
        rewrite_options=rewriter_config_pb2.RewriterConfig(disable_meta_optimizer=True)
    )
).SerializeToString()
"""Graphs run as they are: rewriting one takes longer than loading it, and gains nothing here."""

_RUN = config_pb2.RunOptions(inter_op_thread_pool=-1).SerializeToString()
"""A graph runs in the thread that asks for it: handing small operations on takes longer."""


class _Output(ctypes.Structure):
    """TF_Output: one of an operation's results."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class _Buffer(ctypes.Structure):
    """TF_Buffer: bytes and how to free them."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


_FUNCTIONS: dict[str, tuple[Any, Sequence[Any]]] = {
    "TF_NewStatus": (c_void_p, ()),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_DeleteGraph": (None, (c_void_p,)),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_NewBuffer": (POINTER(_Buffer), ()),
    "TF_NewBufferFromString": (POINTER(_Buffer), (c_char_p, c_size_t)),
    "TF_DeleteBuffer": (None, (POINTER(_Buffer),)),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_SetConfig": (None, (c_void_p, c_char_p, c_size_t, c_void_p)),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (
            *(c_void_p, c_void_p, c_char_p),  # options, run options, folder
            *(POINTER(c_char_p), c_int),  # tags
            *(c_void_p, POINTER(_Buffer), c_void_p),  # graph, description, status
        ),
    ),
    "TF_SessionRun": (
        None,
        (
            *(c_void_p, POINTER(_Buffer)),  # session, run options
            *(POINTER(_Output), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(_Output), POINTER(c_void_p), c_int),  # outputs
            *(c_void_p, c_int, c_void_p, c_void_p),  # targets, metadata, status
        ),
    ),
    "TF_CloseSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_AllocateTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_size_t)),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_StringInit": (None, (c_void_p,)),
    "TF_StringCopy": (None, (c_void_p, c_char_p, c_size_t)),
    "TF_StringDealloc": (None, (c_void_p,)),
    "TF_StringGetDataPointer": (c_void_p, (c_void_p,)),
    "TF_StringGetSize": (c_size_t, (c_void_p,)),
}
"""Name -> the C function's result and arguments."""


@functools.cache
def load_runtime() -> Any:
    """TensorFlow's library, with the types of the functions that are used here.

    Raises:
        UserError: When it is not there.
    """
    spec = importlib.util.find_spec("tensorflow")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    name = "libtensorflow_cc.2.dylib" if sys.platform == "darwin" else "libtensorflow_cc.so.2"
    paths = [path for folder in folders for path in Path(folder).glob(name)]
    if not paths:
        raise UserError(
            f"The local engine needs {name} of TensorFlow's package, for Linux or macOS: "
            "install tensorflow, or serve with another engine."
        )
    library = ctypes.CDLL(str(paths[0]), mode=ctypes.RTLD_LOCAL)
    for function, (result, arguments) in _FUNCTIONS.items():
        getattr(library, function).restype = result
        getattr(library, function).argtypes = arguments
    return library


@contextmanager
def _status() -> Iterator[int]:
    """Gives a status to fill in; afterwards an error in it is raised."""
    runtime = load_runtime()
    status = runtime.TF_NewStatus()
    try:
        yield status
        code = runtime.TF_GetCode(status)
        if code:
            text = runtime.TF_Message(status).decode(errors="replace")
            raise StatusError.of_tensorflow(code, text)
    finally:
        runtime.TF_DeleteStatus(status)


class Session:
    """A loaded SavedModel. `run` may be called from many threads; nothing may after `close`.

    Args:
        folder: That of saved_model.pb.

    Attributes:
        signatures: Name -> what it takes and gives, those of prediction alone.

    Raises:
        StatusError: With TensorFlow's reason why it cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        runtime = load_runtime()
        self._graph = runtime.TF_NewGraph()
        options, description = runtime.TF_NewSessionOptions(), runtime.TF_NewBuffer()
        try:
            with _status() as status:
                runtime.TF_SetConfig(options, _CONFIG, len(_CONFIG), status)
            with _status() as status:
                self._session = runtime.TF_LoadSessionFromSavedModel(
                    options,
                    None,
                    bytes(folder),
                    (c_char_p * 1)(b"serve"),
                    1,
                    self._graph,
                    description,
                    status,
                )
            written = ctypes.string_at(description.contents.data, description.contents.length)
        except StatusError:
            runtime.TF_DeleteGraph(self._graph)
            raise
        finally:
            runtime.TF_DeleteSessionOptions(options)
            runtime.TF_DeleteBuffer(description)
        self._run_options = runtime.TF_NewBufferFromString(_RUN, len(_RUN))
        self.signatures: Mapping[str, meta_graph_pb2.SignatureDef] = {
            name: signature
            for name, signature in meta_graph_pb2.MetaGraphDef.FromString(
                written
            ).signature_def.items()
            if signature.method_name == "tensorflow/serving/predict"
        }
        try:
            self._places = {
                info.name: self._place(info.name)
                for signature in self.signatures.values()
                for info in (*signature.inputs.values(), *signature.outputs.values())
            }
        except StatusError:
            self.close()
            raise

    def _place(self, tensor: str) -> _Output:
        operation, _, index = tensor.partition(":")
        found = load_runtime().TF_GraphOperationByName(self._graph, operation.encode())
        if found is None:
            raise invalid(f"A signature has the tensor {tensor}, which is not in the graph")
        return _Output(found, int(index or 0))

    def run(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs a signature.

        Args:
            name: Of the signature.
            inputs: All of its inputs, of its dtypes; strings are arrays of `bytes` objects.

        Returns:
            All of its outputs.

        Raises:
            StatusError: With TensorFlow's reason why the graph fails.
        """
        runtime, signature = load_runtime(), self.signatures[name]
        names = list(signature.outputs)
        feeds = [self._places[signature.inputs[key].name] for key in inputs]
        fetches = [self._places[signature.outputs[key].name] for key in names]
        results = (c_void_p * len(fetches))()
        with _fed(inputs.values()) as tensors:
            try:
                with _status() as status:
                    runtime.TF_SessionRun(
                        self._session,
                        self._run_options,
                        (_Output * len(feeds))(*feeds),
                        (c_void_p * len(feeds))(*tensors),
                        len(feeds),
                        (_Output * len(fetches))(*fetches),
                        results,
                        len(fetches),
                        None,
                        0,
                        None,
                        status,
                    )
                return {key: _read(tensor) for key, tensor in zip(names, results, strict=True)}
            finally:
                for tensor in results:
                    runtime.TF_DeleteTensor(tensor)

    def close(self) -> None:
        """Frees the model's memory."""
        runtime = load_runtime()
        with _status() as status:
            runtime.TF_CloseSession(self._session, status)
        with _status() as status:
            runtime.TF_DeleteSession(self._session, status)
        runtime.TF_DeleteGraph(self._graph)
        runtime.TF_DeleteBuffer(self._run_options)


@contextmanager
def _fed(arrays: Iterable[Array]) -> Iterator[list[int]]:
    """Gives the arrays as TensorFlow's tensors, and frees them afterwards."""
    runtime = load_runtime()
    tensors: list[int] = []
    strings: list[int] = []
    try:
        for array in arrays:
            shape = (c_int64 * array.ndim)(*array.shape)
            is_string = array.dtype.hasobject
            size = array.size * _STRING_BYTES if is_string else array.nbytes
            tensor = runtime.TF_AllocateTensor(dtype_number(array.dtype), shape, array.ndim, size)
            tensors.append(tensor)
            data = runtime.TF_TensorData(tensor)
            if is_string:
                for place, value in zip(_places(data, array.size), array.flat, strict=True):
                    runtime.TF_StringInit(place)
                    runtime.TF_StringCopy(place, value, len(value))
                    strings.append(place)
            else:
                ctypes.memmove(data, np.ascontiguousarray(array).ctypes.data, size)
        yield tensors
    finally:
        for place in strings:
            runtime.TF_StringDealloc(place)
        for tensor in tensors:
            runtime.TF_DeleteTensor(tensor)


def _read(tensor: int) -> Array:
    """A copy of what a tensor holds."""
    runtime = load_runtime()
    try:
        dtype = numpy_dtype(runtime.TF_TensorType(tensor))
    except UserError as error:
        raise StatusError(grpc.StatusCode.UNIMPLEMENTED, str(error)) from None
    shape = [runtime.TF_Dim(tensor, axis) for axis in range(runtime.TF_NumDims(tensor))]
    data, size = runtime.TF_TensorData(tensor), math.prod(shape)
    array = np.empty(size, dtype)  # (size,)
    if dtype.hasobject:
        for index, place in enumerate(_places(data, size)):
            start, length = (
                runtime.TF_StringGetDataPointer(place),
                runtime.TF_StringGetSize(place),
            )
            array[index] = ctypes.string_at(start, length)
    else:
        ctypes.memmove(array.ctypes.data, data, array.nbytes)
    return array.reshape(shape)


def _places(data: int, num: int) -> range:
    """The addresses of a tensor's strings."""
    return range(data, data + num * _STRING_BYTES, _STRING_BYTES)
