"""Which engine is taken, and how the programs of others are run: with stand-ins for them."""

import json
import os
import signal
import socket
import stat
import sys

import pytest

from keras_vae.errors import UserError
from keras_vae.serving import engines
from tiny_saved_models import write_version

STAND_IN = """#!{python}
import http.server, json, os, sys

arguments = sys.argv[1:]
if arguments[:2] == ["image", "inspect"]:
    sys.exit({missing})
if arguments[0] == "rm":
    with open({record!r} + ".removed", "w") as file:
        file.write(arguments[-1])
    sys.exit()
flags = dict(one.lstrip("-").partition("=")[::2] for one in arguments)
sizes = {{name: os.path.getsize(flags[name]) for name in flags if os.path.isfile(flags[name])}}
with open({record!r}, "w") as file:
    json.dump([arguments, sizes], file)
if {fails}:
    sys.exit(3)

class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Handler.asked += 1  # it takes a while until the models are loaded
        self.send_response(200 if Handler.asked > 2 else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass

published = [one.split(":")[1] for one in arguments if one.startswith("--publish")]
port = int(published[1] if published else flags["rest_api_port"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no program but those that are put there; gives how to put one there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(name, *, missing=0, fails=False):
        record = tmp_path / f"{name}.json"
        path = folder / name
        path.write_text(
            STAND_IN.format(python=sys.executable, missing=missing, fails=fails, record=str(record))
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return record

    return install


@pytest.fixture
def models(tmp_path):
    version = tmp_path / "models" / "tiny" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    return tmp_path / "models"


def test_auto_takes_the_first_that_works(machine):
    assert engines.choose("auto").name == "local"
    machine("docker", missing=1)
    assert engines.choose("auto").name == "local"
    machine("docker")
    assert engines.choose("auto").name == "docker"
    machine("tensorflow_model_server")
    assert engines.choose("auto").name == "docker"  # the program would listen at all addresses
    assert engines.choose("auto", "0.0.0.0").name == "tensorflow_model_server"
    assert engines.choose("local").name == "local"


@pytest.mark.parametrize("name", ["tensorflow_model_server", "docker"])
def test_an_engine_that_is_not_there(machine, name):
    with pytest.raises(UserError, match=f"'{name}' does not work here: {name} needs"):
        engines.choose(name)


def flags(arguments):
    return dict(one.partition("=")[::2] for one in arguments)


def test_tensorflow_model_server(machine, models):
    record = machine("tensorflow_model_server")
    engine = engines.choose("tensorflow_model_server")
    with engine.serve(models, 0, 0, "0.0.0.0") as running:
        assert running.served.models == ["tiny"]
        arguments, sizes = json.loads(record.read_text())
        sent = flags(arguments)
        assert running.served.address == f"0.0.0.0:{sent['--port']}"
        assert running.served.rest_address == f"0.0.0.0:{sent['--rest_api_port']}"
        assert sent["--enable_batching"] == "true"
        written = {"model_config_file", "batching_parameters_file", "monitoring_config_file"}
        assert set(sizes) == written
        assert all(sizes.values())
    assert not any(os.path.exists(sent[f"--{name}"]) for name in written)


def test_tensorflow_model_server_cannot_keep_to_one_address(machine, models):
    machine("tensorflow_model_server")
    served = engines.choose("tensorflow_model_server").serve(models, 0, 0, "127.0.0.1")
    with pytest.warns(match="listens at all addresses, not at 127.0.0.1 alone"):
        served.__enter__()
    served.__exit__(None, None, None)


def test_docker(machine, models):
    record = machine("docker")
    with engines.choose("docker").serve(models, 0, 0, "127.0.0.1") as running:
        arguments, _ = json.loads(record.read_text())
        port, rest_port = (
            address.split(":")[1]
            for address in (running.served.address, running.served.rest_address)
        )
        assert arguments[0] == "run"
        assert f"--publish=127.0.0.1:{port}:8500" in arguments
        assert f"--publish=127.0.0.1:{rest_port}:8501" in arguments
        mounts = [one for one in arguments if one.startswith("--mount")]
        assert len(mounts) == 2
        assert all(one.endswith(",readonly") for one in mounts)
        assert f"--mount=type=bind,source={models},target=/models,readonly" in mounts
        assert engines.IMAGE in arguments
        assert "--model_config_file=/configuration/models.config" in arguments
    removed = record.with_name(f"{record.name}.removed").read_text()
    assert f"--name={removed}" in arguments


def test_a_program_that_ends_before_it_serves(machine, models):
    machine("docker", fails=True)
    engine = engines.choose("docker")
    with pytest.raises(UserError, match="docker has ended with status 3"):
        engine.serve(models, 0, 0, "127.0.0.1").__enter__()


def test_a_program_that_ends_by_itself(machine, models, monkeypatch):
    machine("docker")
    started = []
    popen = engines.subprocess.Popen
    monkeypatch.setattr(
        engines.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1]
    )
    engine = engines.choose("docker")
    with engine.serve(models, 0, 0, "127.0.0.1") as running:
        assert os.getsid(started[-1].pid) != os.getsid(0)  # which Ctrl-C would reach
        os.kill(started[-1].pid, signal.SIGKILL)
        with pytest.raises(UserError, match="docker has ended with status -9"):
            running.wait(60)


@pytest.mark.filterwarnings("ignore:.*all addresses")
@pytest.mark.parametrize("engine", engines.ENGINES, ids=lambda engine: engine.name)
def test_no_models(engine, tmp_path):
    with pytest.raises(UserError, match="no"), engine.serve(tmp_path, 0, 0, "127.0.0.1"):
        pass


@pytest.mark.parametrize("name", ["docker", "local"])
def test_a_host_that_is_not_this_machine(machine, tmp_path, name):
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    write_version(tmp_path / "models" / "tiny" / "1")
    machine("docker")
    served = engines.choose(name).serve(tmp_path / "models", 0, 0, "203.0.113.9")
    with pytest.raises(UserError, match=r"'203.0.113.9' cannot be .* as --host"), served:
        pass


@pytest.mark.parametrize("name", ["tensorflow_model_server", "docker"])
@pytest.mark.filterwarnings("ignore:.*all addresses")
def test_a_taken_port(machine, models, name):
    machine(name)
    engine = engines.choose(name)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        for ports, option in (((port, 0), "--port"), ((0, port), "--rest-port")):
            with (
                pytest.raises(UserError, match=f"Port {port} of .* another {option},"),
                engine.serve(models, *ports, "127.0.0.1"),
            ):
                pass
