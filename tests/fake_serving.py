"""A gRPC server in the test's process: TensorFlow Serving's API over functions of numpy arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import tensorflow as tf

from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    meta_graph_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from keras_vae.serving.tensors import dtype_number, to_array, to_proto

Specs = dict[str, tuple[str, tuple[int, ...]]]  # name -> dtype, shape of a row


class Function(NamedTuple):
    """One signature of a served model."""

    inputs: Specs
    outputs: Specs
    compute: Callable[..., dict[str, Any]]


class Served(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The state of a fake server.

    Attributes:
        models: Name -> signatures.
        asked: (signature, rows) of each Predict that came, and ("metadata", 0).
        failures: Statuses for the next calls of Predict, the first one first.
        free: While it is cleared, Predict waits.
        versions: The version that each Predict asked for; 0 for the latest.
    """

    def __init__(self, models: dict[str, dict[str, Function]]) -> None:
        self.models = models
        self.address = ""
        self.asked: list[tuple[str, int]] = []
        self.failures: list[grpc.StatusCode] = []
        self.versions: list[int] = []
        self.free = threading.Event()
        self.free.set()

    @property
    def sizes(self) -> list[int]:
        """Rows of each Predict."""
        return [rows for name, rows in self.asked if name != "metadata"]

    def GetModelMetadata(self, request, context):
        self.asked.append(("metadata", 0))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, function in self._model(request, context).items():
            definition = signatures.signature_def[name]
            for infos, specs in (
                (definition.inputs, function.inputs),
                (definition.outputs, function.outputs),
            ):
                for key, (dtype, shape) in specs.items():
                    infos[key].CopyFrom(_tensor_info(dtype, shape))
        # TensorFlow Serving tells this one too: no inputs, an output without dtype or rank.
        init = signatures.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"]
        init.tensor_shape.unknown_rank = True
        reply = get_model_metadata_pb2.GetModelMetadataResponse(model_spec=request.model_spec)
        reply.metadata["signature_def"].Pack(signatures)
        return reply

    def Predict(self, request, context):
        name = request.model_spec.signature_name
        function = self._model(request, context)[name]
        arrays = {key: to_array(proto) for key, proto in request.inputs.items()}
        self.asked.append((name, len(next(iter(arrays.values())))))
        self.versions.append(request.model_spec.version.value)
        if self.failures:
            context.abort(self.failures.pop(0), "told to\n  fail.")
        self.free.wait()
        found = {key: (array.dtype.name, array.shape[1:]) for key, array in arrays.items()}
        if found != function.inputs:
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, f"expected {function.inputs}, received {found}"
            )
        reply = predict_pb2.PredictResponse()
        for key, values in function.compute(**arrays).items():
            dtype, _ = function.outputs[key]
            reply.outputs[key].CopyFrom(to_proto(np.asarray(values, dtype)))
        return reply

    def _model(self, request, context):
        name = request.model_spec.name
        if name not in self.models:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({name})"
            )
        return self.models[name]


def _tensor_info(dtype: str, shape: tuple[int, ...]) -> meta_graph_pb2.TensorInfo:
    info = meta_graph_pb2.TensorInfo(dtype=dtype_number(np.dtype(dtype)))
    for size in (-1, *shape):
        info.tensor_shape.dim.add(size=size)
    return info


@contextmanager
def serving(
    models: dict[str, dict[str, Function]], credentials: grpc.ServerCredentials | None = None
) -> Iterator[Served]:
    """Serves models on a free port of the loopback until the block ends."""
    served = Served(models)
    server = grpc.server(ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(served, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    served.address = f"127.0.0.1:{port}"
    server.start()
    try:
        yield served
    finally:
        served.free.set()
        server.stop(None).wait()


def exported(version: Path) -> dict[str, Function]:
    """The signatures of an exported model, computed by what TensorFlow loads."""
    loaded = tf.saved_model.load(version)
    return {name: _function(function) for name, function in loaded.signatures.items()}


def _function(function: Any) -> Function:
    def compute(**arrays):
        tensors = {key: tf.constant(array) for key, array in arrays.items()}
        return {key: value.numpy() for key, value in function(**tensors).items()}

    _, inputs = function.structured_input_signature
    return Function(_specs(inputs), _specs(function.structured_outputs), compute)


def _specs(tensors: Any) -> Specs:
    return {
        key: (np.dtype(spec.dtype.as_numpy_dtype).name, tuple(spec.shape[1:]))
        for key, spec in tensors.items()
    }
