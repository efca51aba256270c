"""What the local engine costs: one client after another in time, and 16 at once.

Run `python tests/benchmarks/serving.py MODEL` where the project is installed; MODEL is an exported
version, such as saved_models/mnist-cvae/1. "In process" is the signature of what TensorFlow loads
into Python, called with arrays and read as arrays; "graph" is its run in the C runtime alone. The
servers are processes of their own, and all clients are one. Times in process and over gRPC are
taken in turn, as are those of the two servers, so that a busy machine harms both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import tensorflow as tf

from keras_vae.serving import _servable, local
from keras_vae.serving._protos import prediction_service_pb2_grpc
from keras_vae.serving._session import Session
from keras_vae.serving._warmup import warmup_requests
from keras_vae.serving.tensors import to_array

CLIENTS = 16

Predict = Callable[[Any], Any]


class Alone:
    """A batcher's place without micro-batching."""

    def __init__(self, function: Callable[[Any], Any], sizes: object) -> None:
        self.function = function

    def __call__(self, inputs: Any) -> Any:
        return self.function(inputs)


def serve(folder: str, batching: bool) -> None:
    """Serves a folder, until standard input ends."""
    if not batching:
        _servable.Batcher = Alone
    with local.serve(folder, 0, 0) as served:
        print(served.address, flush=True)
        sys.stdin.read()


class Server:
    """A process that serves the model "model" of a folder."""

    def __init__(self, folder: Path, *, batching: bool) -> None:
        command = [sys.executable, __file__, str(folder), f"--serve={int(batching)}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()

    def predict(self) -> Predict:
        """A client's call, over a connection of its own."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.insecure_channel(self.address, options)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict

    def close(self) -> None:
        """Ends it."""
        self.process.communicate()


def milliseconds(call: Callable[[], object]) -> float:
    """The time of one call."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def latencies(
    session: Session, loaded: Any, predict: Predict, request: Any, num: int
) -> list[float]:
    """The median times of a request: of its graph, in process, and over gRPC."""
    name = request.model_spec.signature_name
    arrays = {key: to_array(tensor) for key, tensor in request.inputs.items()}
    signature = loaded.signatures[name]

    def in_process() -> list[Any]:
        outputs = signature(**{key: tf.constant(array) for key, array in arrays.items()})
        return [output.numpy() for output in outputs.values()]

    ways = (lambda: session.run(name, arrays), in_process, lambda: predict(request))
    times = [[milliseconds(way) for way in ways] for _ in range(20 + num)][20:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def throughput(server: Server, request: Any, seconds: float) -> float:
    """Requests per second that all clients together get answered."""
    counts = [0] * CLIENTS
    calls = [server.predict() for _ in counts]
    for call in calls:
        call(request)
    end = time.perf_counter() + seconds

    def client(index: int) -> None:
        while time.perf_counter() < end:
            calls[index](request)
            counts[index] += 1

    threads = [threading.Thread(target=client, args=(index,)) for index in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="an exported version, such as saved_models/mnist-cvae/1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.model, bool(arguments.serve))
        return
    version = Path(arguments.model).resolve()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model").mkdir()
        (Path(folder) / "model" / "1").symlink_to(version)
        merging = Server(Path(folder), batching=True)
        alone = Server(Path(folder), batching=False)
        session, loaded = Session(version), tf.saved_model.load(str(version))
        requests = {}
        for request in warmup_requests(version):
            request.model_spec.name = "model"
            requests.setdefault(request.model_spec.signature_name, request)  # of one row
        print(
            "signature          graph  in process   over gRPC       added   16 clients"
            "   without merging   ratio"
        )
        for name, request in requests.items():
            graph, inside, outside = latencies(
                session, loaded, merging.predict(), request, 200 * arguments.rounds
            )
            rates = [
                (throughput(merging, request, 2.0), throughput(alone, request, 2.0))
                for _ in range(arguments.rounds)
            ]
            merged, single = (statistics.median(rate) for rate in zip(*rates, strict=True))
            ratio = statistics.median(first / second for first, second in rates)
            print(
                f"{name:12} {graph:8.2f} ms {inside:8.2f} ms {outside:8.2f} ms"
                f" {outside - inside:8.2f} ms {merged:9.0f} /s {single:13.0f} /s {ratio:9.2f}"
            )
        merging.close()
        alone.close()


if __name__ == "__main__":
    main()
