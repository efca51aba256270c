"""The local engine: a model server with the API of TensorFlow Serving, in this process.

It is a compatibility server for laptops and tests. It answers Predict, GetModelMetadata and
GetModelStatus and their REST forms with the same messages, errors and rules for versions; it is
neither tuned nor hardened for the open network, and listens to this machine alone unless told
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keras_vae.serving._grpc import grpc_server
from keras_vae.serving._ports import address, free_ports
from keras_vae.serving._repository import Repository
from keras_vae.serving._rest import rest_server
from keras_vae.serving._service import Service

_MOST_REQUEST_BYTES = 64 * 2**20
_MOST_JSON_BYTES = 16 * 2**20  # which take thirty times as much memory while they are read


@dataclass(frozen=True)
class Served:
    """What is served, and where.

    Attributes:
        models: Their names.
        address: Of gRPC, such as "127.0.0.1:8500".
        rest_address: Of REST.
    """

    models: list[str]
    address: str
    rest_address: str


@contextmanager
def serve(
    models: str | Path, port: int = 8500, rest_port: int = 8501, host: str = "127.0.0.1"
) -> Iterator[Served]:
    """Serves a folder of models within the context; at its end requests under way are finished.

    Args:
        models: A folder with <model>/<version>/saved_model.pb. What comes later is picked up.
        port: For gRPC; 0 is any that is free.
        rest_port: The same for REST.
        host: The address to listen at; "0.0.0.0" for all of this machine's.

    Raises:
        UserError: For a folder without models, or a port that cannot be listened at.
    """
    free_ports(host, port, rest_port)  # a taken one is told before all models are loaded
    repository = Repository(Path(models))
    service = Service(repository)
    with (
        repository.followed(),
        grpc_server(service, host, port, _MOST_REQUEST_BYTES) as bound,
        rest_server(service, host, rest_port, _MOST_JSON_BYTES) as rest_bound,
    ):
        yield Served(repository.names, address(host, bound), address(host, rest_bound))
