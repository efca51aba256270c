"""`list` and `show`."""

import subprocess
import sys

import pytest

from keras_vae import recipes


def test_list(keras_vae):
    result = keras_vae("list")
    header, rule, *rows = result.stdout.splitlines()
    assert header.split() == ["recipe", "model", "data", "description"]
    assert set(rule) == {"-", " "}
    assert [row.split()[0] for row in rows] == recipes.names()
    assert "mnist-cvae" in result.stdout
    assert result.exit_code == 0


def test_show_prints_what_load_reads(keras_vae, tmp_path):
    (tmp_path / "mine.toml").write_text(keras_vae("show", "mnist-cvae").stdout)
    assert recipes.load(tmp_path / "mine.toml") == recipes.load("mnist-cvae")


def test_show_a_file_with_values_replaced(keras_vae, recipe):
    shown = keras_vae("show", recipe, "--set", "model.beta=4", "--set", "training.epochs=9").stdout
    assert "beta = 4" in shown
    assert "epochs = 9" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-cvea"], "did you mean 'mnist-cvae'"),
        (["none.toml"], "no recipe file 'none.toml'"),
        (["mnist-vae", "--set", "beta"], "expected table.key=value"),
        (["mnist-vae", "--set", "training.epochs=x"], "expected a whole number"),
        ([], "Missing argument 'RECIPE'"),
        (["mnist-vae", "--colour"], "No such option"),
    ],
)
def test_show_refuses(refused, arguments, message):
    assert message in refused("show", *arguments)


@pytest.mark.parametrize("command", ["list", "show mnist-vae", "show nothing", "fit nothing"])
def test_no_tensorflow_for_what_only_reads(command):
    code = f"""
import sys
from keras_vae.cli import main
try:
    main({command.split()})
finally:
    sys.exit(9 if "tensorflow" in sys.modules or "keras" in sys.modules else 0)
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
