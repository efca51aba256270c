"""`evaluate`."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from keras_vae import VAE, datasets, networks, recipes
from recipes.tiny import write_data


def test_table(keras_vae, fitted):
    result = keras_vae("evaluate", fitted("VAE").folder, "--num-samples", 20)
    names = [line.split("  ")[0] for line in result.stdout.splitlines()]
    for name in ("elbo", "kl", "active units", "nll", "nll standard error", "effective samples"):
        assert name in names
    assert names[-2] == "20 test rows of squares, no binarization"
    assert "nll" in result.stderr


def test_json(keras_vae, fitted):
    folder = fitted("CVAE").folder
    result = keras_vae("evaluate", folder, "--num-samples", 20, "--seed", 1, "--json")
    results = json.loads(result.stdout)
    assert results["model"] == str(folder)
    assert (results["data"], results["protocol"]) == ("squares", "no binarization")
    assert results["test_rows"] == 20
    assert results["likelihood"] == {"estimator": "is", "num_samples": 20, "seed": 1}
    metrics = results["metrics"]
    assert metrics["elbo"] == pytest.approx(-metrics["reconstruction"] - metrics["kl"], rel=1e-4)
    assert metrics["nll"] <= -metrics["elbo"] + 3 * metrics["nll_standard_error"]
    again = json.loads(
        keras_vae("evaluate", folder, "--num-samples", 20, "--seed", 1, "--json").stdout
    )
    assert again == results
    finished = json.loads((folder / "metrics.json").read_text())["metrics"]
    assert {name: metrics[name] for name in finished} == pytest.approx(finished)


def test_limit_and_no_samples(keras_vae, fitted):
    result = keras_vae("evaluate", fitted("VAE").folder, "--limit", 5, "--num-samples", 0, "--json")
    results = json.loads(result.stdout)
    assert results["test_rows"] == 5
    assert "nll" not in results["metrics"]
    assert "likelihood" not in results
    assert result.stderr == ""


@pytest.mark.parametrize("estimator", ["ais", pytest.param("bdmc", marks=pytest.mark.slow)])
def test_annealing(keras_vae, fitted, estimator):
    options = ["--likelihood", estimator, "--num-chains", 2, "--num-temperatures", 3, "--json"]
    result = keras_vae("evaluate", fitted("VAE").folder, "--limit", 5, *options)
    results = json.loads(result.stdout)
    chains = {"num_chains": 2, "num_temperatures": 3}
    assert results["likelihood"] == {"estimator": estimator, **chains, "seed": 0}
    nll = {"ais": "nll", "bdmc": "own_nll_upper"}[estimator]
    assert abs(results["metrics"][nll] + results["metrics"]["elbo"]) < 5
    assert results["units"][nll] == "nats"


def test_hmc(keras_vae, fitted):
    options = ["--likelihood", "hmc", "--num-chains", 2, "--num-samples", 20, "--json"]
    result = keras_vae("evaluate", fitted("VAE").folder, "--limit", 5, *options)
    results = json.loads(result.stdout)
    settings = {"num_samples": 20, "num_chains": 2, "seed": 0}
    assert results["likelihood"] == {"estimator": "hmc", **settings}
    assert abs(results["metrics"]["nll"] + results["metrics"]["elbo"]) < 5
    options = ["--likelihood", "hmc", "--num-samples", 0, "--json"]
    results = json.loads(keras_vae("evaluate", fitted("VAE").folder, *options).stdout)
    assert "nll" not in results["metrics"]


def test_the_table_says_how_the_likelihood_was_estimated(keras_vae, fitted):
    lines = keras_vae("evaluate", fitted("VAE").folder, "--limit", 5, "--num-samples", 20).stdout
    assert lines.splitlines()[-2:] == [
        "5 test rows of squares, no binarization",
        "nll by importance sampling, 20 samples, seed 0",
    ]


@pytest.mark.parametrize(
    ("estimator", "option"),
    [("is", "--num-chains"), ("ais", "--num-samples"), ("hmc", "--num-temperatures")],
)
def test_no_option_is_silently_nothing(refused, fitted, estimator, option):
    message = refused("evaluate", fitted("VAE").folder, "--likelihood", estimator, option, 2)
    assert f"{option} is none of --likelihood {estimator}" in message


@pytest.mark.parametrize(("option", "value"), [("--likelihood", "ais"), ("--num-samples", 20)])
def test_what_has_no_likelihood_has_none_of_its_options(refused, fitted, option, value):
    message = refused("evaluate", fitted("Autoencoder").folder, option, value)
    assert f"{option} is for likelihoods, and Autoencoder has none" in message


def test_an_alarm_where_few_samples_count(keras_vae, fitted, monkeypatch):
    monkeypatch.setattr("keras_vae.evaluation.scores.FEW", 1.1)
    result = keras_vae("evaluate", fitted("VAE").folder, "--num-samples", 20)
    assert "of 100 % of the rows less than 1 % of the samples count" in result.stderr


def test_probe(keras_vae, fitted):
    folder = fitted("Autoencoder").folder
    result = keras_vae("evaluate", folder, "--probe", "--limit", 15)
    lines = [line.split("  ")[0] for line in result.stdout.splitlines()]
    for name in ("squared error", "pca squared error", "jacobian norm", "15 test rows of squares"):
        assert any(line.startswith(name) for line in lines)
    assert lines[-3:] == ["linear", "nearest neighbours", "rbf svm"]
    header = next(line for line in result.stdout.splitlines() if line.startswith("errors in %"))
    assert header.split("  ")[-1].strip() == "50 labels"  # there are no more
    results = json.loads(keras_vae("evaluate", folder, "--probe", "--limit", 15, "--json").stdout)
    for name, errors in results["probes"].items():
        assert (
            f"{errors['50']:.2f}"
            in result.stdout.splitlines()[-3:][
                ["linear", "nearest_neighbours", "rbf_svm"].index(name)
            ]
        )
    assert results["units"]["squared_error"] == "per row"


def test_probe_refuses_a_model_that_is_told_the_label(refused, fitted, monkeypatch):
    """Before the likelihood is estimated, which takes minutes."""
    monkeypatch.setattr(recipes, "evaluate", None)
    message = refused("evaluate", fitted("CVAE").folder, "--probe")
    assert "probe a model without a condition" in message


def test_an_autoencoder_has_its_own_terms(keras_vae, fitted):
    results = json.loads(keras_vae("evaluate", fitted("Autoencoder").folder, "--json").stdout)
    assert set(results["metrics"]) == {"loss", "reconstruction"}


def test_a_keras_file_in_a_run_and_alone(keras_vae, refused, fitted, data, tmp_path):
    inside = fitted("VAE").folder / "model.keras"
    options = ["--num-samples", 0, "--json"]
    assert json.loads(keras_vae("evaluate", inside, *options).stdout)["data"] == "squares"
    alone = shutil.copy(inside, tmp_path / "mine.keras")
    assert "--data" in refused("evaluate", alone)
    assert (
        json.loads(keras_vae("evaluate", alone, "--data", data, *options).stdout)["test_rows"] == 20
    )


def test_a_file_of_another_name_in_a_run_is_what_it_is(fitted, tmp_path):
    """Of its recipe, so that its data are known; but not the model that was measured."""
    folder = shutil.copytree(fitted("VAE").folder, tmp_path / "run")
    other = recipes.open_model(str(folder)).model
    other.decoder.weights[-1].assign_add([1.0] * 64)
    other.save(folder / "epoch-5.keras")
    opened = recipes.open_model(str(folder / "epoch-5.keras"))
    np.testing.assert_array_equal(opened.model.sample(2, seed=0), other.sample(2, seed=0))
    assert (opened.name, opened.run, opened.report) == ("epoch-5", None, {})
    assert opened.dataset().name == "squares"


def test_a_name_means_the_latest_finished_run_here(keras_vae, fitted):
    shutil.copytree(fitted("Autoencoder").folder, "runs/tiny/1")
    shutil.copytree(fitted("VAE").folder, "runs/tiny/2")
    ignore = shutil.ignore_patterns("metrics.json")
    shutil.copytree(fitted("Autoencoder").folder, "runs/tiny/3", ignore=ignore)
    result = keras_vae("evaluate", "tiny", "--num-samples", 0, "--json")
    assert "elbo" in json.loads(result.stdout)["metrics"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no model 'nothing'"),
        (["empty"], "holds neither a model nor a checkpoint"),
        (["none.keras"], "no file 'none.keras'"),
        (["text.keras"], "is damaged, or no .keras file"),
        (["nothing", "--num-samples", "-1"], "-1 is not in the range"),
        (["nothing", "--limit", "1"], "1 is not in the range"),
        (["nothing", "--seed", "x"], "'x' is not a valid integer"),
        ([], "Missing argument 'MODEL'"),
    ],
)
def test_mistakes(refused, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.keras").write_text("no model")
    assert message in refused("evaluate", *arguments)


def test_no_sample_stands_in_for_the_data_of_the_fit(keras_vae, fitted, tmp_path, monkeypatch):
    """The bundled digits are training digits of the full set."""
    monkeypatch.delenv("KERAS_VAE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(datasets.download, "ORIGIN", "http://127.0.0.1:9/")  # nobody answers there
    run = recipes.Run(shutil.copytree(fitted("VAE").folder, tmp_path / "full"))
    run.write_recipe(dataclasses.replace(run.recipe(), data={"name": "mnist"}))
    result = keras_vae("evaluate", "full")
    assert result.exit_code == 2
    assert "fitted to 'mnist', and only 'mnist-sample' is there now" in result.stderr


def test_labels_may_lack_a_class(keras_vae, fitted, tmp_path):
    generator = np.random.default_rng(0)
    x = generator.integers(0, 255, (20, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "two.npz", x_train=x, y_train=np.arange(20) % 2)
    options = ["--data", "two.npz", "--num-samples", 0, "--json"]
    result = keras_vae("evaluate", fitted("CVAE").folder, *options)
    assert json.loads(result.stdout)["test_rows"] == 2


def test_data_without_the_labels_of_a_conditional_model(refused, fitted, tmp_path):
    np.savez(tmp_path / "bare.npz", x_train=np.zeros((20, 8, 8, 1), np.uint8))
    message = refused("evaluate", fitted("CVAE").folder, "--data", "bare.npz")
    assert "'bare' has no labels, and the model takes one with each row" in message


def test_a_model_that_was_never_compiled(keras_vae, data):
    encoder, decoder = networks.dense((8, 8, 1), 2, hidden=(4,))
    VAE(encoder, decoder).save("new.keras")
    options = ["--data", data, "--num-samples", 0, "--json"]
    assert "elbo" in json.loads(keras_vae("evaluate", "new.keras", *options).stdout)["metrics"]


def test_data_of_another_shape(refused, fitted, tmp_path):
    other = write_data(tmp_path, shape=(8, 7, 1))
    message = refused("evaluate", fitted("VAE").folder, "--data", other)
    assert "(8, 7, 1), but the model takes (8, 8, 1)" in message
