"""Who serves a folder of models: TensorFlow Serving's binary, its Docker image, or this library."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import quote

from keras_vae.errors import UserError
from keras_vae.model_folders import expect_models
from keras_vae.serving import configuration, local
from keras_vae.serving._ports import address, free_ports
from keras_vae.serving._session import load_runtime
from keras_vae.serving.local import Served

IMAGE = "tensorflow/serving:2.20.0"

_BINARY = "tensorflow_model_server"
_EVERYWHERE = "0.0.0.0"
_DOCKER_SECONDS = 20
_ANSWER_SECONDS = 5
_STOP_SECONDS = 40
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        served: What and where.
        wait: Waits for some seconds; raises a `UserError` when the server has ended by itself.
    """

    served: Served
    wait: Callable[[float], object]


@dataclass(frozen=True)
class Engine:
    """A way to serve.

    Attributes:
        name: As the command line has it.
        needs: What it takes, in words.
        works: Whether this machine has that.
        serve: Serves within a context: (folder of models, port, REST port, host). Port 0 is any
            that is free.
        keeps_to_host: Whether it can listen at one address alone.
    """

    name: str
    needs: str
    works: Callable[[], bool]
    serve: Callable[[Path, int, int, str], AbstractContextManager[Running]]
    keeps_to_host: bool = True


def choose(name: str, host: str = "127.0.0.1") -> Engine:
    """The engine of that name; for "auto" the first of `ENGINES` that works and keeps to the host.

    Raises:
        UserError: When it does not work here.
    """
    wanted = [
        engine
        for engine in ENGINES
        if name == engine.name or (name == "auto" and (engine.keeps_to_host or host == _EVERYWHERE))
    ]
    for engine in wanted:
        if engine.works():
            return engine
    needs = ", ".join(f"{engine.name} needs {engine.needs}" for engine in wanted)
    raise UserError(f"The engine {name!r} does not work here: {needs}.")


def _has_binary() -> bool:
    return shutil.which(_BINARY) is not None


def _has_image() -> bool:
    try:
        return _docker("image", "inspect", IMAGE).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _has_runtime() -> bool:
    try:
        load_runtime()
    except (UserError, OSError):
        return False
    return True


def _docker(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], capture_output=True, timeout=_DOCKER_SECONDS)


@contextmanager
def _serve_with_binary(models: Path, port: int, rest_port: int, host: str) -> Iterator[Running]:
    if host != _EVERYWHERE:
        warnings.warn(f"{_BINARY} listens at all addresses, not at {host} alone.", stacklevel=2)
    port, rest_port = free_ports(_EVERYWHERE, port, rest_port)
    with tempfile.TemporaryDirectory() as folder:
        written = configuration.write(models, Path(folder))
        ports = (f"--port={port}", f"--rest_api_port={rest_port}")
        command = [_BINARY, *ports, *_flags(written.models, written.batching, written.monitoring)]
        with _process(command, models, port, rest_port, _EVERYWHERE) as running:
            yield running


@contextmanager
def _serve_in_docker(models: Path, port: int, rest_port: int, host: str) -> Iterator[Running]:
    port, rest_port = free_ports(host, port, rest_port)
    name = f"keras-vae-{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        written = configuration.write(models, Path(folder), base="/models")
        files = (written.models, written.batching, written.monitoring)
        inside = PurePosixPath("/configuration")
        command = [
            *("docker", "run", "--rm", "--init", f"--name={name}"),  # an init passes signals on
            f"--publish={address(host, port)}:8500",
            f"--publish={address(host, rest_port)}:8501",
            f"--mount=type=bind,source={models.resolve()},target=/models,readonly",
            f"--mount=type=bind,source={folder},target={inside},readonly",
            *(f"--entrypoint={_BINARY}", IMAGE, "--port=8500", "--rest_api_port=8501"),
            *_flags(*(inside / file.name for file in files)),
        ]
        try:
            with _process(command, models, port, rest_port, host) as running:
                yield running
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                _docker("rm", "--force", name)  # which outlives a command that had to be killed


@contextmanager
def _serve_locally(models: Path, port: int, rest_port: int, host: str) -> Iterator[Running]:
    with local.serve(models, port, rest_port, host) as served:
        yield Running(served, threading.Event().wait)


ENGINES = (
    Engine(
        _BINARY, "that program on the PATH", _has_binary, _serve_with_binary, keeps_to_host=False
    ),
    Engine("docker", f"Docker running, and `docker pull {IMAGE}`", _has_image, _serve_in_docker),
    Engine("local", "TensorFlow's package, on Linux or macOS", _has_runtime, _serve_locally),
)
"""In the order in which "auto" tries them."""


def _flags(models: PurePath, batching: PurePath, monitoring: PurePath) -> list[str]:
    """What tells tensorflow_model_server what to serve, and how."""
    return [
        f"--model_config_file={models}",
        "--enable_batching=true",
        f"--batching_parameters_file={batching}",
        f"--monitoring_config_file={monitoring}",
        "--file_system_poll_wait_seconds=1",
    ]


@contextmanager
def _process(
    command: Sequence[str], models: Path, port: int, rest_port: int, host: str
) -> Iterator[Running]:
    """Runs a server from when it answers to the end of the context, where it is told to stop."""
    names = [folder.name for folder in expect_models(models)]
    served = Served(names, address(host, port), address(host, rest_port))
    process = subprocess.Popen(command, start_new_session=True)  # Ctrl-C is for this program alone

    def wait(seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(seconds)
            raise UserError(f"{command[0]} has ended with status {status}; what it said is above.")

    try:
        while not _answers(served):
            wait(_POLL_SECONDS)
        yield Running(served, wait)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(served: Served) -> bool:
    """Whether the models are loaded: the ports may be open long before."""
    connection = http.client.HTTPConnection(served.rest_address, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", f"/v1/models/{quote(served.models[0])}/metadata")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
