"""The package and every --help answer without the heavy libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"keras", "matplotlib", "tensorflow", "tensorflow_probability", "tf_keras"}

PACKAGE = "import keras_vae"
MODEL = "import keras_vae; keras_vae.VAE"
CLIENT = "import keras_vae; keras_vae.serving.Client('localhost:8500', 'mnist-cvae').close()"

EVERY_HELP = """
import click, io, contextlib, sys
from keras_vae.cli import main

def visit(command, path):
    with contextlib.redirect_stdout(io.StringIO()) as help_text:
        main([*path, "--help"], prog_name="keras-vae", standalone_mode=False)
    if not help_text.getvalue().startswith("Usage: keras-vae"):
        sys.exit(f"no help for {path}")
    visited.append(" ".join(path))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            visit(command.get_command(context, name), [*path, name])

visited = []
visit(main, [])
"""


def run(code: str, result: str, folder: Path) -> list[str]:
    """Runs the code in a new process, outside of the checkout, and returns the list `result`."""
    code += f"\nimport json, sys; print(json.dumps(list({result})))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code", [PACKAGE, CLIENT, EVERY_HELP], ids=["package", "client", "every --help"]
)
def test_import_is_light(code, tmp_path):
    assert HEAVY.isdisjoint(run(code, "sys.modules", tmp_path))


@pytest.mark.slow
def test_a_model_brings_the_heavy_libraries(tmp_path):
    assert {"keras", "tensorflow"} <= set(run(MODEL, "sys.modules", tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        "export",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("distributions", "float32", "layers", "training")
        ),
    ],
)
def test_whichever_comes_first_brings_the_classes(name, tmp_path):
    code = f"import keras_vae.{name}, keras; registered = keras.saving.get_custom_objects()"
    assert "keras_vae>VAE" in run(code, "registered", tmp_path)


def test_every_command_has_help(tmp_path):
    commands = {"list", "show", "fit", "evaluate", "plot", "sample"}
    assert commands <= set(run(EVERY_HELP, "visited", tmp_path))


def test_another_backend_is_refused(tmp_path):
    """A module stands for Keras, which takes seconds to import."""
    (tmp_path / "keras.py").write_text("class backend:\n    backend = lambda: 'jax'\n")
    process = subprocess.run(
        [sys.executable, "-c", "import keras_vae, keras"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert process.returncode == 1
    assert "Received the backend 'jax'; set KERAS_BACKEND=tensorflow" in process.stderr


@pytest.mark.slow
def test_the_command_line_has_its_own_backend(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    code = "from keras_vae.cli import main; main(['sample', 'no.keras', '--out', 'no.png'])"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert "There is no file 'no.keras'" in process.stderr
