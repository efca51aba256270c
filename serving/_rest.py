"""The local engine's REST port: TensorFlow Serving's paths, with JSON in and out."""

from __future__ import annotations

import json
import logging
import re
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.json_format import MessageToDict

from keras_vae.serving import _json
from keras_vae.serving._ports import family, not_listening
from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)
from keras_vae.serving._service import Service
from keras_vae.serving._status import StatusError, invalid

_GET = re.compile(r"/v1/models/([^/:]+)(?:/versions/([0-9]+))?(/metadata)?", re.IGNORECASE)
_POST = re.compile(r"/v1/models/([^/:]+)(?:/versions/([0-9]+))?:predict", re.IGNORECASE)
_DRAIN_SECONDS = 30
_DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
_MOST_CONNECTIONS = 1000 if _DESCRIPTORS == resource.RLIM_INFINITY else min(1000, _DESCRIPTORS // 2)
"""Each has a thread and a descriptor; one more is closed at once."""
_LARGE_BYTES = 2**20
"""Of a body that is read by itself, as long as no other large one is."""
_SILENCE_SECONDS = 60  # after which a connection is closed
_LOG = logging.getLogger(__name__)
_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.FAILED_PRECONDITION: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.OUT_OF_RANGE: HTTPStatus.BAD_REQUEST,
    grpc.StatusCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED: HTTPStatus.TOO_MANY_REQUESTS,
    grpc.StatusCode.UNIMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
    grpc.StatusCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What the graph's errors and ours become; all others are 500."""


@contextmanager
def rest_server(service: Service, host: str, port: int, most_bytes: int) -> Iterator[int]:
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
    try:
        server = _Server(service, host, port, most_bytes)
    except OSError:
        raise not_listening(host, port, "--rest-port") from None
    thread = threading.Thread(target=server.serve_forever, name="rest", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.is_stopping = True
        server.shutdown()
        thread.join()
        server.server_close()
        server.drain()


class _Server(ThreadingHTTPServer):
    """Knows its connections and the requests under way, so that the last of them can be awaited.

    Once `is_stopping`, a connection is closed after the request that it carries.
    """

    daemon_threads = True  # idle connections do not keep the process
    request_queue_size = 128

    def __init__(self, service: Service, host: str, port: int, most_bytes: int) -> None:
        self.address_family = family(host)
        self.service = service
        self.most_bytes = most_bytes
        self.large = threading.Lock()
        self.is_stopping = False
        self.connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._requests = 0
        super().__init__((host, port), _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is a thread left for a connection."""
        return len(self.connections) < _MOST_CONNECTIONS

    @contextmanager
    def request(self) -> Iterator[None]:
        """Counts one."""
        with self._changed:
            self._requests += 1
        try:
            yield
        finally:
            with self._changed:
                self._requests -= 1
                self._changed.notify_all()

    def drain(self) -> None:
        """Waits until no request is under way, and closes the connections that are left."""
        with self._changed:
            self._changed.wait_for(lambda: not self._requests, _DRAIN_SECONDS)
        for connection in list(self.connections):
            with suppress(OSError):  # its client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Logs a defect; a client that is gone is none."""
        if not isinstance(sys.exc_info()[1], OSError):
            _LOG.exception("A request from %s failed", client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two packets: the second would wait
    timeout = _SILENCE_SECONDS

    def setup(self) -> None:
        """Lets the server know the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Lets the server forget it."""
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        """Answers a request for a model's status or metadata."""
        # A body is not read: what is left of it would be taken for the next request.
        self.close_connection |= "Content-Length" in self.headers
        self.close_connection |= "Transfer-Encoding" in self.headers
        with self.server.request():
            self._answer(self._describe)

    def do_POST(self) -> None:
        """Answers a request for a prediction."""
        with self.server.request():
            self._post()

    def _post(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]+", length):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif float(length) > self.server.most_bytes:  # float reads any number of digits
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            self._answer(lambda: self._predict(body))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses what is not HTTP as it is spoken here, and closes the connection."""
        self.close_connection = True
        self._reply(code, {"error": message or HTTPStatus(code).phrase})

    def log_message(self, format: str, *values: Any) -> None:
        """Logs a request, for those who debug."""
        _LOG.debug(format, *values)

    def _answer(self, method: Callable[[], dict[str, Any]]) -> None:
        try:
            self._reply(HTTPStatus.OK, method())
        except StatusError as error:
            status = _HTTP.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
            self._reply(status, {"error": error.text})

    def _reply(self, code: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.close_connection |= self.server.is_stopping
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _match(self, pattern: re.Pattern[str]) -> tuple[model_pb2.ModelSpec, re.Match[str]]:
        """The model that the path names."""
        path = self.path.partition("?")[0]
        match = pattern.fullmatch(path)
        if match is None:
            raise invalid(f"Malformed request: {self.command} {path}")
        spec = model_pb2.ModelSpec(name=unquote(match[1]))
        if match[2] is not None:
            try:
                spec.version.value = int(match[2])
            except ValueError:  # too large
                raise invalid(f"Failed to convert version: {match[2]} to numeric.") from None
        return spec, match

    def _describe(self) -> dict[str, Any]:
        spec, match = self._match(_GET)
        service = self.server.service
        if match[3] is None:
            request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
            return _document(service.status(request))
        response = service.metadata(
            get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec, metadata_field=["signature_def"]
            )
        )
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {
            "model_spec": _document(response.model_spec),
            "metadata": {"signature_def": _document(signatures)},
        }

    def _predict(self, body: bytes) -> dict[str, Any]:
        spec, _ = self._match(_POST)
        with self.server.large if len(body) > _LARGE_BYTES else nullcontext():
            document = _json.parse(body)
            name = document.get("signature_name", "")
            # JSON has more than Unicode.
            spec.signature_name = name.encode(errors="replace").decode()
            with self.server.service.repository.servable(spec) as servable:
                request = _json.to_request(document, spec, servable.signature(spec))
                return _json.from_response(servable.predict(request), document)


def _document(message: Any) -> dict[str, Any]:
    """A message as JSON, with all of its fields."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
