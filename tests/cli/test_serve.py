"""`keras-vae serve`: a process that serves until it is told to stop."""

import json
import signal
import socket
import subprocess
import sys

import grpc
import pytest

from asked import Asked
from keras_vae.serving.local import Served
from tiny_saved_models import sample_request, write_version

# It heeds SIGINT as at a terminal; a background job of a script would hand on that it is ignored.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from keras_vae.cli import main
main()
"""
SIGNALLED_ELSEWHERE = """
import signal, sys, threading

def stop():
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Thread(target=stop, daemon=True).start()
"""
SEEN = "import atexit, sys, json; atexit.register(lambda: print(json.dumps(list(sys.modules))))"


@pytest.fixture
def models(tmp_path):
    for name, offset in (("digits", 0.0), ("tiny", 5.0)):
        (tmp_path / "saved_models" / name).mkdir(parents=True)
        write_version(tmp_path / "saved_models" / name / "1", offset)
    return tmp_path / "saved_models"


@pytest.fixture
def start(monkeypatch):
    """Starts the command in the folder where the test stands, and reads what it prints first."""
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)  # as users have it
    processes = []

    def run(*options, code=PROGRAM):
        process = subprocess.Popen(  # no preexec_fn: gRPC's threads would not survive its fork
            [sys.executable, "-c", code, "serve", *options, "--port", "0", "--rest-port", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        lines = [process.stdout.readline().split(maxsplit=1) for _ in range(5)]
        return process, {name: value.strip() for name, value in lines}

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def ask(printed):
    rest = printed["REST"].removeprefix("http://").split("/")[0]
    return Asked(Served(printed["models"].split(", "), printed["gRPC"], rest))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_it_serves_the_folder_until_it_is_told_to_stop(models, start, number):
    process, printed = start("--engine", "local")
    assert printed["engine"] == "local"
    assert printed["folder"] == "saved_models"
    assert printed["models"] == "digits, tiny"
    assert printed["gRPC"].startswith("127.0.0.1:")
    asked = ask(printed)
    assert asked.predict(sample_request([2], model="digits"))["image"][0, 0, 0, 0] == 2
    assert asked.predict(sample_request([2]))["image"][0, 0, 0, 0] == 7
    assert asked.rest("digits")[0] == 200
    process.send_signal(number)
    output, log = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "")
    *loaded, end = log.splitlines()  # and no note of TensorFlow's
    assert sorted(loaded) == [f"keras-vae: {n}: version 1 is served" for n in ("digits", "tiny")]
    assert end == "stopped"


def test_a_signal_that_another_thread_receives_stops_it_too(models, start):
    process, _ = start("--engine", "local", code=SIGNALLED_ELSEWHERE + PROGRAM)
    _, log = process.communicate("stop\n", timeout=60)
    assert process.returncode == 0
    assert log.endswith("stopped\n")


def test_requests_under_way_are_answered(models, start):
    """Every request that was sent before the end is answered, or was never taken."""
    process, printed = start("--engine", "local")
    asked = ask(printed)
    futures = [asked.prediction.Predict.future(sample_request([seed])) for seed in range(200)]
    futures[0].result(60)
    process.terminate()
    for seed, future in enumerate(futures):
        if future.exception(60) is None:
            assert future.result().outputs["seed"].int64_val == [seed]
        else:
            assert future.code() is grpc.StatusCode.UNAVAILABLE
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_it_imports_neither_tensorflow_nor_keras(models, start):
    process, printed = start("--engine", "local", code=SEEN + PROGRAM)
    ask(printed).predict(sample_request([2]))
    process.terminate()
    output, _ = process.communicate(timeout=60)
    heavy = {"keras", "matplotlib", "tensorflow", "tensorflow_probability", "tf_keras"}
    assert heavy.isdisjoint(json.loads(output))


def test_auto_takes_what_works(models, start, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert start()[1]["engine"] == "local"


def test_a_folder_without_models(refused, tmp_path):
    assert "no models in '.'" in refused("serve", "--engine", "local", "--models", ".")


def test_an_unknown_engine(refused):
    assert "'--engine': 'torch' is not one of 'auto'" in refused("serve", "--engine", "torch")


def test_an_engine_that_is_not_here(refused, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "'docker' does not work here" in refused("serve", "--engine", "docker")


def test_a_port_that_is_none(refused):
    assert "--port" in refused("serve", "--port", "70000")


@pytest.mark.parametrize("option", ["--port", "--rest-port"])
def test_a_taken_port(models, refused, option):
    other = {"--port": "--rest-port", "--rest-port": "--port"}[option]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = refused("serve", "--engine", "local", option, port, other, 0)
    assert f"Port {port} of 127.0.0.1" in sentence
    assert f"another {option}, 0 for" in sentence
