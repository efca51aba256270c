"""Calls of a served model's signatures: read once, split, sent, put together, errors told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import grpc
import numpy as np

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    meta_graph_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from keras_vae.serving.channel import MESSAGE_BYTES, open_channel
from keras_vae.serving.signatures import Signature
from keras_vae.serving.tensors import to_array, to_proto

_ROOM = 2**18  # bytes of a message for what is no row: names, shapes, the model

_ADVICE = {
    grpc.StatusCode.UNAVAILABLE: "check that a server runs there",
    grpc.StatusCode.DEADLINE_EXCEEDED: "give the client a longer timeout",
    grpc.StatusCode.NOT_FOUND: "check the model's name and version",
}


class ServingError(OSError):
    """The server refused a call, or did not answer.

    It is no `UserError`, which the client raises before it sends anything: a caller can tell what
    may pass by itself from a mistake, and wait.

    Attributes:
        code: gRPC's status, such as `grpc.StatusCode.UNAVAILABLE`.
    """

    def __init__(self, message: str, code: grpc.StatusCode) -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """One model of one server; the arguments are those of `keras_vae.serving.Client`."""

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None,
        timeout: float,
        credentials: grpc.ChannelCredentials | None,
    ) -> None:
        self._address = address
        self._spec = model_pb2.ModelSpec(name=model)
        if version is not None:
            self._spec.version.value = version
        self._timeout = timeout
        self._channel = open_channel(address, credentials)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __str__(self) -> str:
        return f"the model {self._spec.name!r} at {self._address}"

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def signature(self, name: str) -> Signature:
        """A signature of the model; they are asked for once.

        Raises:
            UserError: When the model has no such signature.
            ServingError: When the server does not tell.
        """
        if name not in self._definitions:
            offered = ", ".join(key for key in sorted(self._definitions) if key[:2] != "__")
            raise UserError(f"There is no {name!r} in {self}: it offers {offered}.")
        return Signature.read(self._definitions[name])

    def call(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of a signature for checked inputs of one length, in one request or more.

        A request has no more rows than TensorFlow Serving accepts where it batches, and neither it
        nor its reply is larger than a message may be, unless one row is.

        Raises:
            ServingError: When the server refuses or does not answer.
        """
        signature = self.signature(name)
        num = len(next(iter(inputs.values())))
        fitting = (MESSAGE_BYTES - _ROOM) // signature.row_bytes
        size = max(1, min(fitting, ALLOWED_BATCH_SIZES[-1]))
        replies = [
            self._predict(
                name,
                {
                    key: rows[start : start + size].astype(signature.inputs[key].dtype)
                    for key, rows in inputs.items()
                },
            )
            for start in range(0, num, size)
        ]
        return {
            key: np.concatenate([reply[key] for reply in replies])  # (num, ...)
            for key in signature.outputs
        }

    @cached_property
    def _definitions(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """TensorFlow's descriptions of the signatures by name."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=self._spec, metadata_field=["signature_def"]
        )
        reply = self._send(self._stub.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        reply.metadata["signature_def"].Unpack(signatures)
        return signatures.signature_def

    def _predict(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of one request."""
        request = predict_pb2.PredictRequest(
            model_spec=self._spec,
            inputs={key: to_proto(rows, packed=True) for key, rows in inputs.items()},
        )
        request.model_spec.signature_name = name
        reply = self._send(self._stub.Predict, request)
        return {key: to_array(proto) for key, proto in reply.outputs.items()}

    def _send(self, method: Callable[..., Any], request: Any) -> Any:
        """The reply, or gRPC's error as one sentence."""
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            code = error.code()
            told = " ".join(f"{error.details()}".split()).rstrip(".")
            advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
            raise ServingError(f"{code.name} from {self}: {told}{advice}.", code) from error
