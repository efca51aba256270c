"""A fit whose condition is a part of the image, from the recipe to what is drawn and served."""

import json

import numpy as np
import pytest

import keras_vae
from keras_vae import figures, recipes
from keras_vae.errors import UserError
from loaded_graph import Servable
from recipes.tiny import write_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("quadrants")


@pytest.fixture(scope="module")
def run(folder):
    recipe = recipes.load("mnist-quadrants-2").override(
        [
            "network.hidden=[6]",
            "network.baseline_hidden=[5]",
            "network.latent_dim=3",
            "model.prior.hidden=[4]",
            "model.cvae_weight=0.5",
            "training.min_steps=1",
            "training.jit_compile=false",
        ]
    )
    data = write_data(folder)
    return recipes.fit(recipe.with_epochs(2), data=data, out=folder / "runs", verbose=0)


def test_the_run(run):
    metrics = run.metrics()
    assert metrics["condition"] == "values"
    assert metrics["protocol"] == "dynamic binarization, 32 of 64 values given"
    assert {"baseline", "gsnn", "reconstruction", "kl", "elbo"} <= set(metrics["metrics"])
    assert run.recipe().data["transform"] == {"name": "quadrants", "given": 2}
    names = {file.stem for file in run.figures.iterdir()}
    assert {"completions", "samples", "reconstructions", "history"} <= names
    assert not {"analogies", "tangents"} & names


def test_its_likelihood_is_measured_anew(run):
    opened = recipes.open_model(str(run.folder))
    dataset = opened.dataset()
    found = recipes.evaluate(opened.model, dataset, likelihood={"num_samples": 20})
    expected = opened.model.log_likelihood(dataset.x_test, dataset.y_test, num_samples=20)
    assert found["metrics"]["nll"] == pytest.approx(-expected.mean(), rel=1e-4)
    assert found["metrics"]["nll"] < -found["metrics"]["elbo"] + 1


def test_it_is_served_with_values(run, folder):
    opened = recipes.open_model(str(run.folder))
    version = recipes.export(opened, folder / "saved")
    card = json.loads((version / "card.json").read_text())
    assert card["recipe"]["data"]["transform"] == {"name": "quadrants", "given": 2}
    condition = opened.dataset().y_test[:4]
    answer = Servable(version)(
        "sample",
        condition=condition,
        seed=np.arange(4, dtype="int64"),
        temperature=np.ones(4, "float32"),
    )
    expected = opened.model.sample(4, condition, seed=0)
    np.testing.assert_allclose(answer["image"], expected, atol=1e-5)
    again = recipes.open_model(str(version))
    np.testing.assert_array_equal(again.model.sample(4, condition, seed=0), expected)
    assert again.dataset(folder / "squares.npz").condition_dim == 32


def test_the_picture(run):
    opened = recipes.open_model(str(run.folder))
    dataset = opened.dataset()
    figure = figures.completions(opened.model, dataset, num=3, columns=4)
    labels = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert labels == ["given", "baseline", "1", "2", "3", "4", "original"]


def test_a_label_is_no_part_of_an_image(run, tmp_path):
    model = recipes.open_model(str(run.folder)).model
    for condition in (None, 3):
        with pytest.raises(UserError, match="completions --out"):
            recipes.sample(model, tmp_path / "a.png", 4, condition=condition)
    assert not list(tmp_path.iterdir())


def test_a_file_alone_does_not_tell_what_is_given(run, folder):
    (folder / "alone").mkdir()
    file = folder / "alone" / "mine.keras"
    file.write_bytes(run.model_file.read_bytes())
    with pytest.raises(UserError, match="its file does not tell which"):
        recipes.open_model(str(file)).dataset(folder / "squares.npz")


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["data.transform.given=4"], "1, 2 or 3"),
        (["data.transform.name=halves"], "data.transform.name is 'halves'"),
        (["data.transform={name='quadrants'}"], r"\[data.transform\] lacks given"),
        (["data.transform.given=left"], "data.transform.given is 'left'"),
        (["model.name=CVAE"], "a CompletionCVAE is made of 'dense_completion'"),
    ],
)
def test_mistakes(folder, run, assignments, message):
    recipe = recipes.load("mnist-quadrants-1").override(assignments)
    with pytest.raises(UserError, match=message):
        recipes.fit(recipe, data=folder / "squares.npz", out=folder / "none")
    assert not (folder / "none").exists()


def test_data_of_which_no_part_is_given(folder, run):
    tables = recipes.load("mnist-quadrants-1").override([])
    recipe = recipes.Recipe(**{**vars(tables), "data": {"name": "mnist"}})
    values = np.random.default_rng(0).random((20, 3))
    np.savez(folder / "values.npz", x_train=np.zeros((20, 8, 8, 1), np.uint8), y_train=values)
    with pytest.raises(UserError, match=r"no part is: add data\.transform"):
        recipes.fit(recipe, data=folder / "values.npz", out=folder / "none")


def test_no_other_model_completes(folder, run):
    model = keras_vae.VAE(*keras_vae.networks.dense((8, 8, 1), 2, hidden=(4,)))
    with pytest.raises(UserError, match="needs a model that completes"):
        figures.completions(model, recipes.open_model(str(run.folder)).dataset())
