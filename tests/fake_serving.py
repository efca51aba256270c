"""A gRPC server in the test's process: TensorFlow Serving's API over functions of numpy arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
import numpy as np

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


def signatures(model: Any, condition: str | None = None) -> dict[str, Function]:
    """The signatures of a local model, each computed by its own methods.

    Args:
        model: A VAE, a CVAE or an autoencoder.
        condition: The input that carries the condition, "label" or "condition".
    """
    given: Specs = {
        None: {},
        "label": {"label": ("int32", ())},
        "condition": {"condition": ("float32", (model.condition_dim,))},
    }[condition]
    data: Specs = {"image": ("float32", model.event_shape)}
    code = ("float32", model.latent_shape)
    number = ("float32", ())

    def of(arrays: dict[str, Any]) -> Any:
        return arrays.get(condition)

    def sample(seed, temperature, **rest):
        np.testing.assert_array_equal(np.diff(seed), 1)
        image = model.sample(len(seed), of(rest), int(seed[0]), float(temperature[0]))
        return {"image": image, "seed": seed}

    def elbo(image, seed, **rest):
        values = model.elbo(image, of(rest), int(seed[0]))
        return {"elbo": values, "reconstruction_log_prob": values, "kl": 0 * values}

    def encode(image, **rest):
        mean = model.encode(image, of(rest))
        return {"z_mean": mean, "z_log_var": mean} if generative else {"code": mean}

    generative = hasattr(model, "sample")
    codes = {"z_mean": code, "z_log_var": code} if generative else {"code": code}
    found = {
        "encode": Function({**data, **given}, codes, encode),
        "decode": Function(
            {"z": code, **given}, data, lambda z, **rest: {"image": model.decode(z, of(rest))}
        ),
        "reconstruct": Function(
            {**data, **given},
            data,
            lambda image, **rest: {"image": model.reconstruct(image, of(rest))},
        ),
    }
    if generative:
        seed = {"seed": ("int64", ())}
        found["sample"] = Function(
            {**seed, "temperature": number, **given}, {**data, **seed}, sample
        )
        found["elbo"] = Function(
            {**data, **given, **seed},
            {"elbo": number, "reconstruction_log_prob": number, "kl": number},
            elbo,
        )
    return found
