"""How long `keras-vae serve` takes to answer, and to take up a new version.

Run `python tests/benchmarks/versions.py VERSION` where the project is installed; VERSION is an
exported one, such as saved_models/mnist-cvae/1. By links it stands for 1, 2 and 12 models. The
clock of the start runs from the program's to its first answer; the one of a new version from the
rename that publishes it to the first answer from it, while a client asks all the time and the first
versions are still warmed up.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc

from keras_vae.serving._ports import free_ports
from keras_vae.serving._protos import predict_pb2, prediction_service_pb2_grpc
from keras_vae.serving._warmup import warmup_requests

MODELS = (1, 2, 12)
LONGEST = 60


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Any]:
    """A call of the server of a folder, which has just been started."""
    port, rest_port = free_ports("127.0.0.1", 0, 0)
    ports = [f"--port={port}", f"--rest-port={rest_port}"]
    program = Path(sys.executable).with_name("keras-vae")
    command = [program, "serve", f"--models={folder}", "--engine=local", *ports]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
    finally:
        process.terminate()
        process.wait()


def request_of(version: Path, model: str) -> predict_pb2.PredictRequest:
    """Of one row, for the newest version of a model."""
    request = next(warmup_requests(version))
    request.model_spec.name = model
    return request


def seconds_until_answered(
    predict: Any, request: predict_pb2.PredictRequest, version: int
) -> float:
    """From now until that version answers."""
    start = time.perf_counter()
    while time.perf_counter() < start + LONGEST:
        with contextlib.suppress(grpc.RpcError):
            if predict(request, timeout=60).model_spec.version.value == version:
                return time.perf_counter() - start
        time.sleep(0.01)
    raise TimeoutError(f"version {version} did not answer within {LONGEST} s")


def measure(version: Path, num: int) -> tuple[float, float]:
    """Seconds to the last model's first answer, and to a new version's."""
    with tempfile.TemporaryDirectory() as name:
        models = [Path(name) / f"model-{index}" for index in range(num)]
        for model in models:
            model.mkdir()
            (model / "1").symlink_to(version)
        request = request_of(version, models[-1].name)
        with served(Path(name)) as predict:
            start = seconds_until_answered(predict, request, 1)
            (models[-1] / "2").symlink_to(version)
            return start, seconds_until_answered(predict, request, 2)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="an exported one, such as saved_models/mnist-cvae/1")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    version = Path(arguments.version).resolve()
    print("models   first answer   new version")
    for num in MODELS:
        rounds = [measure(version, num) for _ in range(arguments.rounds)]
        start, new = (statistics.median(times) for times in zip(*rounds, strict=True))
        print(f"{num:6} {start:12.2f} s {new:11.2f} s")


if __name__ == "__main__":
    main()
