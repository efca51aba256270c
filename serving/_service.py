"""What the local engine answers, over gRPC and REST alike: TensorFlow Serving's messages."""

from __future__ import annotations

from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
)
from keras_vae.serving._repository import Repository
from keras_vae.serving._status import invalid

_SIGNATURES = "signature_def"


class Service:
    """The three calls. Each raises a `StatusError` for a request that it cannot answer."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    def predict(self, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
        """Runs a signature of a model."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        with self.repository.servable(request.model_spec) as servable:
            return servable.predict(request)

    def metadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures of a model."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != _SIGNATURES:
                raise invalid(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self.repository.servable(request.model_spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
        response.metadata[_SIGNATURES].Pack(signatures)
        return response

    def status(
        self, request: get_model_status_pb2.GetModelStatusRequest
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Tells which versions of a model are loaded."""
        if not request.HasField("model_spec"):
            raise invalid("Missing ModelSpec")
        return get_model_status_pb2.GetModelStatusResponse(
            model_version_status=self.repository.statuses(request.model_spec)
        )
