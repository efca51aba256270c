"""One loaded version of a model, which answers requests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path

import grpc

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.model_folders import DEFAULT_SIGNATURE
from keras_vae.serving._batcher import Batcher
from keras_vae.serving._checks import checked_inputs, checked_outputs
from keras_vae.serving._protos import meta_graph_pb2, model_pb2, predict_pb2
from keras_vae.serving._session import Session
from keras_vae.serving._status import StatusError
from keras_vae.serving._warmup import warmup_requests
from keras_vae.serving.tensors import to_proto


class Servable:
    """A loaded version of a model.

    Attributes:
        folder: That of saved_model.pb.
        is_warm: Whether it has been warmed up.

    Args:
        name: The model's.
        version: Its number.
        folder: That of saved_model.pb.

    Raises:
        StatusError: For a folder that TensorFlow cannot load.
    """

    def __init__(self, name: str, version: int, folder: Path) -> None:
        self.name = name
        self.version = version
        self.is_warm = False
        self.folder = folder
        self._session = Session(folder)
        self._batchers = {
            key: Batcher(partial(self._session.run, key), ALLOWED_BATCH_SIZES)
            for key in self.signatures
        }

    @property
    def signatures(self) -> Mapping[str, meta_graph_pb2.SignatureDef]:
        """Name -> what it takes and gives."""
        return self._session.signatures

    def signature(self, spec: model_pb2.ModelSpec) -> meta_graph_pb2.SignatureDef:
        """The signature that a request's model spec asks for.

        Raises:
            StatusError: When there is none of that name.
        """
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        return self.signatures[name]

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Answers a request, whatever model and version it asks for.

        Raises:
            StatusError: For a request that does not fit the signature or fails in the graph.
        """
        signature = self.signature(request.model_spec)
        names = checked_outputs(signature, request.output_filter)
        inputs = checked_inputs(signature, request.inputs, most_rows=ALLOWED_BATCH_SIZES[-1])
        key = request.model_spec.signature_name or DEFAULT_SIGNATURE
        outputs = self._batchers[key](inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self.name
        response.model_spec.version.value = self.version
        response.model_spec.signature_name = key
        for name in names:
            response.outputs[name].CopyFrom(to_proto(outputs[name]))
        return response

    def warm_up(self, threads: int | None = None) -> None:
        """Answers the requests in its folder: the first of each signature takes long.

        Signatures side by side, the requests of one in turn, as they would be merged otherwise.

        Args:
            threads: How many signatures at once; None for as many as there are processors.

        Raises:
            Exception: Of any kind, when they are damaged or one fails.
        """
        groups = groupby(warmup_requests(self.folder), lambda one: one.model_spec.signature_name)
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            replays = [pool.submit(self._replay, list(requests)) for _, requests in groups]
        for replay in replays:
            replay.result()
        self.is_warm = True

    def _replay(self, requests: Iterable[predict_pb2.PredictRequest]) -> None:
        for request in requests:
            self.predict(request)

    def close(self) -> None:
        """Frees its memory; no request may be under way."""
        self._session.close()
