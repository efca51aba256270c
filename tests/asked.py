"""A running server, asked over both of its ports; and what a process takes."""

import http.client
import json
from pathlib import Path

import grpc

from keras_vae.serving._protos import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from keras_vae.serving.tensors import to_array


class Asked:
    """A running server, asked over both ports."""

    def __init__(self, served):
        self.served = served
        self.channel = grpc.insecure_channel(served.address)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, request: predict_pb2.PredictRequest):
        """The outputs' arrays."""
        outputs = self.prediction.Predict(request).outputs
        return {name: to_array(tensor) for name, tensor in outputs.items()}

    def rest(self, path, body=None):
        """The HTTP status and the document of a model's path."""
        return self.http(f"v1/models/{path}", body)

    def http(self, path, body=None):
        """The same of any path."""
        connection = http.client.HTTPConnection(self.served.rest_address, timeout=60)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request("GET" if body is None else "POST", f"/{path}", data)
        reply = connection.getresponse()
        document = json.loads(reply.read())
        connection.close()
        return reply.status, document


def memory(pid):
    """Bytes of a process that are in memory; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024
