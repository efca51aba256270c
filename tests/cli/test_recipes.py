"""`list` and `show`."""

import dataclasses
import json
import subprocess
import sys

import pytest

from keras_vae import model_folders, recipes


def test_list(keras_vae):
    result = keras_vae("list")
    header, rule, *rows = result.stdout.splitlines()
    assert header.split() == ["recipe", "figure", "size", "training", "description"]
    assert set(rule) == {"-", " "}
    assert [row.split()[0] for row in rows] == recipes.names()
    assert "mnist-cvae" in result.stdout
    assert result.exit_code == 0


def test_list_has_the_figures_of_the_cards(keras_vae, monkeypatch, tmp_path):
    version = tmp_path / "mnist-vae" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").write_bytes(bytes(2_500_000))
    metrics = {"loss": 99.5, "elbo": -99.5, "nll": 93.125}
    card = {"metrics": metrics, "units": dict.fromkeys(metrics, "nats"), "seconds": 90}
    (version / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(model_folders, "packaged", lambda: tmp_path)
    lines = {line.split()[0]: line for line in keras_vae("list").stdout.splitlines()}
    assert lines["mnist-vae"].split()[1:7] == ["nll", "93.12", "2.5", "MB", "1.5", "min"]
    assert lines["mnist-cvae"].split()[1:3] == recipes.load("mnist-cvae").description.split()[:2]
    found = {one["recipe"]: one["preset"] for one in json.loads(keras_vae("list", "--json").stdout)}
    assert found["mnist-cvae"] is None
    assert (found["mnist-vae"]["headline"], found["mnist-vae"]["unit"]) == ("nll", "nats")
    assert found["mnist-vae"]["value"] == 93.125


def test_show_prints_what_load_reads_as_a_recipe_of_its_own_name(keras_vae, tmp_path):
    (tmp_path / "mine.toml").write_text(keras_vae("show", "mnist-cvae").stdout)
    expected = dataclasses.replace(recipes.load("mnist-cvae"), name="mine")
    assert recipes.load(tmp_path / "mine.toml") == expected


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
