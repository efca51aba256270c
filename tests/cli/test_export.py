"""`export`, the end of `fit`, and exported models by their names."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import keras_vae as package
from keras_vae.errors import UserError
from keras_vae.recipes import Run, export, open_model

VERSION = {"saved_model.pb", "variables", "assets.extra", "model.keras", "card.json"}


def test_fit_ends_with_an_export(keras_vae, recipe, data):
    recipe.write_text(recipe.read_text().replace('"VAE"', '"Autoencoder"'))
    arguments = ("fit", recipe, "--data", data, "--epochs", 1)
    result = keras_vae(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "saved_models/tiny/1"
    assert {path.name for path in Path("saved_models/tiny/1").iterdir()} >= VERSION
    result = keras_vae(*arguments, "--no-export")
    assert result.stdout.splitlines()[-1].endswith(".png")
    assert [path.name for path in Path("saved_models/tiny").iterdir()] == ["1"]


def test_an_exported_model_is_documented_and_has_the_next_version(keras_vae, fitted):
    run = Run(fitted("CVAE").folder)
    Path("models/tiny/1").mkdir(parents=True)
    result = keras_vae("export", run.folder, "--to", "models")
    assert result.exit_code == 0, result.output
    assert result.stdout == "models/tiny/2\n"
    card = json.loads(Path("models/tiny/2/card.json").read_text())
    assert card["metrics"] == run.metrics()["metrics"]
    assert card["command"] == run.metrics()["command"]
    assert card["recipe"]["model"]["name"] == "CVAE"
    checksum = run.recipe().data["checksum"]
    assert card["recipe"]["data"] == {"name": "squares", "checksum": checksum}
    assert card["signatures"]["sample"]["inputs"]["label"] == ["int32", [None]]


@pytest.fixture(scope="module")
def saved(fitted, tmp_path_factory):
    """The folder of exported models, with that of a VAE's run."""
    folder = tmp_path_factory.mktemp("exported") / "saved_models"
    export(open_model(str(fitted("VAE").folder)), folder)
    return folder


@pytest.fixture
def exported(fitted, saved):
    """The run of a VAE, exported to ./saved_models."""
    shutil.copytree(saved, "saved_models")
    return fitted("VAE").folder


def test_an_exported_model_has_four_names(keras_vae, exported, data):
    model = open_model(str(exported)).model
    expected = model.sample(3, seed=0)
    names = ("tiny", "saved_models/tiny", "saved_models/tiny/1", "saved_models/tiny/1/model.keras")
    for name in names:
        np.testing.assert_array_equal(open_model(name).model.sample(3, seed=0), expected)
    np.testing.assert_array_equal(package.from_preset("tiny").sample(3, seed=0), expected)
    opened = open_model("tiny")
    assert (opened.name, opened.recipe.training["epochs"]) == ("tiny", 2)
    assert keras_vae("sample", "tiny", "--out", "sheet.png").exit_code == 0
    assert keras_vae("plot", "tiny", "latent", "--data", data, "--out", "l.png").exit_code == 0


def test_an_exported_model_is_exported_again_as_it_was(keras_vae, exported):
    assert keras_vae("export", "saved_models/tiny/1/model.keras").stdout == "saved_models/tiny/2\n"
    first, second = (
        json.loads(Path(f"saved_models/tiny/{number}/card.json").read_text()) for number in (1, 2)
    )
    assert first == second


def test_values_stay_values(tmp_path):
    encoder, decoder = package.networks.dense((8, 8, 1), latent_dim=2, condition_dim=3)
    package.CVAE(encoder, decoder).export("saved_models/values", labels=False)
    export(open_model("values"))
    card = json.loads(Path("saved_models/values/2/card.json").read_text())
    assert set(card["signatures"]["decode"]["inputs"]) == {"z", "condition"}


def test_a_finished_run_comes_before_an_exported_model(exported):
    shutil.copytree(exported, "runs/tiny/5")
    assert open_model("tiny").run == Run(Path("runs/tiny/5"))
    shutil.copytree("saved_models/tiny/1", "saved_models/tiny/10")
    shutil.rmtree("runs")
    shutil.copytree("saved_models/tiny/1", "saved_models/tiny/9")
    Path("saved_models/tiny/9/model.keras").write_bytes(b"")  # not the latest, so not read
    assert open_model("tiny").name == "tiny"


def test_mistakes(refused, exported):
    Path("7.keras").write_bytes(Path("saved_models/tiny/1/model.keras").read_bytes())
    assert "Received '7'" in refused("export", "7.keras")
    shutil.copytree("saved_models/tiny", "saved_models/broken")
    Path("saved_models/broken/1/card.json").write_text('{"recipe": 3}')
    assert "card.json' is damaged" in refused("export", "broken")
    shutil.rmtree("saved_models/broken")
    assert "There is no model 'tony'" in refused("export", "tony")
    Path("file").touch()
    assert refused("export", exported, "--to", "file").startswith("file")
    assert "history" in refused("plot", "tiny", "history", "--out", "h.png")
    with pytest.raises(UserError, match="'saved_models': did you mean 'mnist-cvae'"):
        package.from_preset("mnist-cvea")
    with pytest.raises(UserError, match=r"under 'nowhere'\. A preset"):
        package.from_preset("mnist-cvae", models="nowhere")


def test_the_seed_of_a_compact_models_card_is_that_of_its_training(keras_vae, fitted, data):
    """Its likelihood has its own, and is forgotten where none is measured."""
    cards = []
    for version, options in ((1, ["--num-samples", 20]), (2, [])):
        name = [fitted("VAE").folder, "saved_models/tiny/1"][version - 1]
        assert keras_vae("export", name, "--compact", "--data", data, *options).exit_code == 0
        cards.append(json.loads(Path(f"saved_models/tiny/{version}/card.json").read_text()))
    first, second = cards
    assert first["seed"] == second["seed"] == 7
    assert first["likelihood"] == {"estimator": "is", "num_samples": 20, "seed": 0}
    assert "nll" in first["metrics"]
    assert "likelihood" not in second
    assert "nll" not in second["metrics"]


def test_values_stay_values_of_a_fit_that_was_stopped(keras_vae, fitted, data, tmp_path):
    arrays = dict(np.load(data))
    for part in ("train", "test"):
        arrays[f"y_{part}"] = np.eye(3, dtype="float32")[arrays[f"y_{part}"]] / 2
    np.savez(tmp_path / "values.npz", **arrays)
    folder = shutil.copytree(fitted("CVAE").folder, tmp_path / "run")
    (folder / "metrics.json").unlink()
    path = fitted("CVAE").folder.parents[2] / "squares.npz"
    written = (folder / "recipe.toml").read_text()
    assert str(path) in written
    moved = written.replace(str(path), str(tmp_path / "values.npz")).replace("squares", "values")
    (folder / "recipe.toml").write_text(moved)
    assert keras_vae("export", folder).exit_code == 0
    card = json.loads(Path("saved_models/tiny/1/card.json").read_text())
    assert card["signatures"]["sample"]["inputs"]["condition"] == ["float32", [None, 3]]
