"""The local engine's gRPC port."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.serving._ports import address, not_listening
from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)
from keras_vae.serving._service import Service
from keras_vae.serving._status import StatusError, invalid

_HAND_ON_SECONDS = 0.2  # gRPC cancels what it has received and not yet handed to this process
_DRAIN_SECONDS = 30
_MOST_CALLS = 1000  # under way or waiting; one more is RESOURCE_EXHAUSTED
_LONGEST_TEXT = 1000  # an error's text travels in a header, whose size is limited


class _Calls(ThreadPoolExecutor):
    """Counts the calls that gRPC has handed on."""

    taken = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.taken += 1
        return super().submit(*args, **kwargs)


@contextmanager
def grpc_server(service: Service, host: str, port: int, most_bytes: int) -> Iterator[int]:
    """Answers within the context; at its end requests under way are finished first.

    Args:
        service: What answers.
        host: The address to listen at.
        port: 0 for any that is free.
        most_bytes: Of one request.

    Yields:
        The port.

    Raises:
        UserError: When the port cannot be listened at.
    """
    pool = _Calls(ALLOWED_BATCH_SIZES[-1], "grpc")  # enough to fill the largest batch
    options = [("grpc.max_receive_message_length", most_bytes), ("grpc.so_reuseport", 0)]
    server = grpc.server(pool, options=options, maximum_concurrent_rpcs=_MOST_CALLS)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.PredictionService",
                {
                    "Predict": _handler(service.predict, predict_pb2.PredictRequest),
                    "GetModelMetadata": _handler(
                        service.metadata, get_model_metadata_pb2.GetModelMetadataRequest
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                "tensorflow.serving.ModelService",
                {
                    "GetModelStatus": _handler(
                        service.status, get_model_status_pb2.GetModelStatusRequest
                    )
                },
            ),
        )
    )
    try:
        bound = server.add_insecure_port(address(host, port))
    except RuntimeError:
        raise not_listening(host, port, "--port") from None
    server.start()
    try:
        yield bound
    finally:
        taken = -1
        while taken < pool.taken:  # more have been handed on meanwhile
            taken = pool.taken
            time.sleep(_HAND_ON_SECONDS)
        server.stop(_DRAIN_SECONDS).wait()
        pool.shutdown()


def _handler(answer: Callable[[Any], Any], request_type: Any) -> Any:
    """A method whose requests are parsed here: gRPC would log a traceback for each that is none."""

    def handle(body: bytes, context: Any) -> Any:
        try:
            return answer(request_type.FromString(body)).SerializeToString()
        except DecodeError:
            error = invalid(f"The bytes are no {request_type.DESCRIPTOR.full_name}")
        except StatusError as caught:
            error = caught
        context.abort(error.code, error.text[:_LONGEST_TEXT])

    return grpc.unary_unary_rpc_method_handler(handle)
