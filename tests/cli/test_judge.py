"""`fit` of a classifier, and `evaluate --judge`."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

import keras_vae as package
from keras_vae import recipes
from recipes.tiny import write_data

RECIPE = """
description = "tiny judge"
data.name = "mnist"
network = { name = "convolutional_classifier", filters = [4], hidden = [8], shift = 1 }
model.name = "Classifier"
training = { epochs = 2, batch_size = 16 }
"""


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    """The folder of a classifier's run."""
    folder = tmp_path_factory.mktemp("judge")
    (folder / "judge.toml").write_text(RECIPE)
    recipe = recipes.load(folder / "judge.toml")
    return recipes.fit(recipe, data=write_data(folder), out=folder / "runs", verbose=0).folder


def test_a_run_like_any_other(judge, keras_vae, data):
    run = recipes.Run(judge)
    metrics = run.metrics()
    assert metrics["model"] == "Classifier"
    assert metrics["units"] == {"accuracy": "%", "loss": "nats"}
    assert set(run.history()) >= {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert [file.name for file in run.figures.iterdir()] == ["history.png"]
    results = json.loads(keras_vae("evaluate", judge, "--data", data, "--json").stdout)
    assert results["metrics"] == pytest.approx(metrics["metrics"])
    keras_vae("export", judge)
    model = package.from_preset("judge")
    x = np.load(data)["x_test"]
    expected = recipes.open_model(str(judge)).judge.probabilities(x)
    np.testing.assert_array_equal(model.probabilities(x), expected)


def test_the_share_of_samples_that_show_their_label(judge, keras_vae, fitted, monkeypatch):
    monkeypatch.setattr("keras_vae.cli.evaluate.SAMPLES_PER_LABEL", 7)
    folder = fitted("CVAE").folder
    options = ["--num-samples", 0, "--judge", judge]
    results = json.loads(keras_vae("evaluate", folder, *options, "--json").stdout)
    model = recipes.open_model(str(folder)).model
    found = package.evaluation.judged_accuracy(
        model, recipes.open_model(str(judge)).judge, num_per_class=7
    )
    assert results["metrics"]["judged_accuracy"] == pytest.approx(found)
    assert results["units"]["judged_accuracy"] == "%"
    accuracy = recipes.Run(judge).metrics()["metrics"]["accuracy"]
    assert results["judge"] == {"model": "judge", "accuracy": accuracy, "samples": 21}
    lines = keras_vae("evaluate", folder, *options).stdout.splitlines()
    assert any(line.split() == ["judged", "accuracy", f"{found:.2f}", "%"] for line in lines)
    assert lines[-1] == (f"21 samples judged by judge, right in {accuracy:.2f} % of the test rows")


def test_mistakes(judge, refused, fitted, data, tmp_path):
    cvae = fitted("CVAE").folder
    assert "asked for none" in refused("evaluate", fitted("VAE").folder, "--judge", judge)
    assert "'tiny' is a VAE, and a judge" in refused(
        "evaluate", cvae, "--judge", fitted("VAE").folder
    )
    assert "'judge' is a Classifier, which has no code" in refused(
        "plot", judge, "samples", "--out", "s.png"
    )
    assert "which has no code" in refused("sample", judge, "-n", 1, "--out", "s.png")
    assert "which has no code" in refused("evaluate", judge, "--probe")
    other = recipes.Run(shutil.copytree(judge, tmp_path / "other"))
    other.write_recipe(dataclasses.replace(other.recipe(), data={"name": "fashion-mnist"}))
    message = refused("evaluate", cvae, "--judge", other.folder)
    assert "and its judge to 'fashion-mnist': fit a judge to the same data" in message


def test_values_are_no_labels(judge, refused, fitted, tmp_path):
    values = np.random.default_rng(0).random((20, 3))
    x = np.zeros((20, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "values.npz", x_train=x, y_train=values)
    options = ["--data", "values.npz", "--judge", judge]
    assert "are values, and a judge knows labels" in refused(
        "evaluate", fitted("CVAE").folder, *options
    )


def test_data_without_labels(refused, tmp_path):
    (tmp_path / "judge.toml").write_text(RECIPE)
    np.savez(tmp_path / "bare.npz", x_train=np.zeros((20, 8, 8, 1), np.uint8))
    assert "needs integer labels and 'bare' has none" in refused(
        "fit", "judge.toml", "--data", "bare.npz"
    )


def test_more_classes_than_the_judge_knows(judge, refused, tmp_path):
    x = np.zeros((20, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "four.npz", x_train=x, y_train=np.arange(20) % 4)
    assert "has 4 classes, but the classifier tells 3 apart" in refused(
        "evaluate", judge, "--data", "four.npz"
    )
