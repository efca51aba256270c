"""Reproductions on tiny data: every figure of every paper is measured, and of a trained model."""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from keras_vae import datasets, papers, recipes
from keras_vae.cli import main
from keras_vae.errors import UserError
from keras_vae.papers import aevb_2013, laboratory
from recipes.tiny import write_data

QUICK = ["makhzani-2014"]
MNIST_ALONE = ["figure-2-mnist", "figure-3", "figure-4-mnist", "figure-5"]
FIGURES = {
    "aevb-2013": MNIST_ALONE,
    "burda-2015": [
        "activity",
        *[f"samples-{kind}-layers-{layers}" for layers in (1, 2) for kind in ("vae-1", "iwae-5")],
    ],
    "estimators": ["signal", "variance"],
    "hwalsuklee": [
        *[f"vae-{name}" for name in ("reconstructions", "denoising", "manifold", "latent")],
        *[f"cvae-reconstructions-epoch-{epoch}" for epoch in (1, 2)],
        *[f"cvae-{name}" for name in ("denoising", "manifolds", "latent", "styles", "analogies")],
    ],
    "sohn-2015": [f"completions-{given}" for given in (1, 2, 3)],
}
"""The pictures of each page; the other papers have none."""
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in papers.PAPERS if name not in QUICK]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("paper", [*QUICK, *SLOW])
def test_figures_are_measured_once(paper, data, tmp_path, monkeypatch):
    arguments = {"data": data, "out": tmp_path, "form": "quick", "verbose": 0}
    found = papers.reproduce(paper, **arguments)
    assert (found.data, found.train_rows, found.test_rows) == ("squares", 50, 20)
    comparisons = found.comparisons
    for comparison in comparisons:
        assert np.isfinite(comparison.measured), comparison
        assert comparison.unit
    published = [one for one in comparisons if one.published is not None]
    assert bool(published) == (paper not in ("hwalsuklee", "estimators"))  # pictures alone
    drawn = [Path(picture.file).stem for picture in found.pictures]
    assert sorted(drawn) == sorted(FIGURES.get(paper, []))
    made = sorted(tmp_path.glob("*/*"))
    assert found.page == str(tmp_path / paper / "quick" / "index.html")
    assert made
    assert all(folder.parent.name.startswith(paper) for folder in made)
    # A second time the runs are there, and give the same figures.
    monkeypatch.setattr("keras_vae.recipes.fitting.fit", None)
    again = papers.reproduce(paper, **arguments).comparisons
    assert sorted(tmp_path.glob("*/*")) == made
    page = (tmp_path / paper / "quick" / "index.html").read_text(encoding="utf-8")
    assert "quick form" in page
    assert all(one.name in page and f"{one.measured:.2f}" in page for one in again)
    assert page.count("<img") == len(found.pictures)
    assert [one.name for one in again] == [one.name for one in comparisons]
    for one, other in zip(again, comparisons, strict=True):
        assert one.measured == pytest.approx(other.measured, rel=1e-4)


@pytest.mark.slow
def test_frey_faces_have_their_own_half(tmp_path, write_idx):
    arrays, generator = np.load(write_data(tmp_path)), np.random.default_rng(0)
    for key, file in (("train", "train"), ("test", "t10k")):
        images, labels = arrays[f"x_{key}"][..., 0], arrays[f"y_{key}"].astype(np.uint8)
        write_idx(tmp_path / "data" / "mnist" / f"{file}-images-idx3-ubyte", images)
        write_idx(tmp_path / "data" / "mnist" / f"{file}-labels-idx1-ubyte", labels)
    (tmp_path / "data" / "frey_faces").mkdir()
    faces = generator.integers(0, 256, (1965, 28, 20), dtype=np.uint8)
    np.savez(tmp_path / "data" / "frey_faces" / "frey_faces.npz", images=faces)
    found = papers.reproduce(
        "aevb-2013", data=tmp_path / "data", out=tmp_path, form="quick", verbose=0
    )
    drawn = [Path(picture.file).stem for picture in found.pictures]
    assert sorted(drawn) == sorted([*MNIST_ALONE, "figure-2-frey-faces", "figure-4-frey-faces"])
    bounds = [one for one in found.comparisons if one.name.startswith("Frey Faces")]
    assert [one.name.split(", ", 1)[1] for one in bounds] == [
        f"N_z = {width}, {algorithm}: test bound"
        for width in (2, 20)
        for algorithm in ("AEVB", "wake-sleep")
    ]
    assert np.all(np.isfinite([one.measured for one in bounds]))
    assert "not at hand" not in Path(found.page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_hinton_by_hand(data, tmp_path):
    principal, deep = papers.reproduce(
        "hinton-2006", data=data, out=tmp_path, form="quick", verbose=0
    ).comparisons
    arrays = np.load(data)
    train, test = (arrays[key].reshape(len(arrays[key]), -1) / 255 for key in ("x_train", "x_test"))
    components = np.linalg.svd(train - train.mean(axis=0))[2][:30]
    centred = test - train.mean(axis=0)
    left = centred - centred @ components.T @ components
    assert principal.measured == pytest.approx(np.square(left).sum(axis=1).mean(), rel=1e-4)
    model = recipes.open_model(str(tmp_path / "hinton-2006-deep" / "1")).model
    assert [part.latent_dim for part in model.autoencoders] == [1000, 500, 250, 30]
    error = np.square(model.reconstruct(arrays["x_test"]).reshape(20, -1) - test).sum(axis=1).mean()
    assert deep.measured == pytest.approx(error, rel=1e-4)


def test_another_budget_is_another_run(data, tmp_path, lean):
    recipe = recipes.load("mnist-ae").override(["network.hidden=[4]"]).with_epochs(1)
    first = recipes.fit_once(recipe, data=data, out=tmp_path, verbose=0)
    assert recipes.fit_once(recipe, data=data, out=tmp_path, verbose=0) == first
    longer = recipes.fit_once(recipe.with_epochs(2), data=data, out=tmp_path, verbose=0)
    assert longer.folder.name == "2"
    assert recipes.fit_once(recipe, data=data, out=tmp_path, verbose=0) == first


def test_other_data_at_the_same_place_is_another_run(data, tmp_path, lean):
    """And no run can go on with them."""
    path = shutil.copy(data, tmp_path)
    recipe = recipes.load("mnist-ae").override(["network.hidden=[4]"]).with_epochs(1)
    first = recipes.fit_once(recipe, data=path, out=tmp_path, verbose=0)
    np.savez(path, **{key: value[:-1] for key, value in np.load(data).items()})
    second = recipes.fit_once(recipe, data=path, out=tmp_path, verbose=0)
    assert second.folder.name == "2"
    shutil.copy(data, tmp_path)
    assert recipes.fit_once(recipe, data=path, out=tmp_path, verbose=0) == first
    second.metrics_file.unlink()
    with pytest.raises(UserError, match="fitted to other data of the name 'squares'"):
        recipes.resume("mnist-ae", out=tmp_path, verbose=0)


def test_rows_are_repeated(data, tmp_path, monkeypatch):
    monkeypatch.setattr(laboratory, "EPOCH", 60)
    lab = laboratory.Laboratory("paper", data, tmp_path, form="quick", verbose=0)
    dataset = lab.dataset()
    assert lab.repeated(dataset, 50) == laboratory.Rows("squares", data, 50)  # as they stand
    rows = lab.repeated(dataset, 20)
    assert (rows.name, rows.num_rows) == ("squares-20x3", 60)
    again = datasets.load("mnist", rows.path)
    assert again.name == rows.name
    np.testing.assert_array_equal(again.x_train, np.tile(dataset.x_train[:20], (3, 1, 1, 1)))
    np.testing.assert_array_equal(again.x_test, dataset.x_test)
    # Other values under the same names stand elsewhere.
    other = dataclasses.replace(dataset, x_test=dataset.x_test[::-1])
    assert lab.repeated(other, 20).path != rows.path == lab.repeated(dataset, 20).path


def test_a_run_that_another_command_finished(data, tmp_path):
    lab = laboratory.Laboratory("paper", data, tmp_path, form="quick", verbose=0)
    run = recipes.Run.create(tmp_path, recipes.load("mnist-vae"))
    run.add_history({"epoch": 1, "loss": 2.0, "score": 3.0})
    assert lab.column(run, "score") == [3.0]
    run.add_history({"epoch": 2, "loss": 1.0})
    assert lab.column(run, "loss") == [2.0, 1.0]
    with pytest.raises(UserError, match="did not measure 'score': remove that folder"):
        lab.column(run, "score")


def test_without_frey_faces_the_rest_is_made(tmp_path):
    """They have no download; what is left out is said."""
    (tmp_path / "data" / "mnist-sample").mkdir(parents=True)
    lab = laboratory.Laboratory("aevb-2013", tmp_path / "data", tmp_path, form="quick", verbose=0)
    with pytest.warns(UserWarning, match="MNIST alone: .*frey_faces"):
        assert list(aevb_2013.frey_faces(lab)) == []


def test_an_unknown_paper():
    with pytest.raises(UserError, match="did you mean 'rifai-2011'"):
        papers.reproduce("rifai")


def test_data_without_labels_are_refused_before_training(data, tmp_path):
    arrays = np.load(data)
    np.savez(tmp_path / "bare.npz", x_train=arrays["x_train"])
    with pytest.raises(UserError, match="need integer labels, and 'bare' has none"):
        papers.reproduce("rifai-2011", data=tmp_path / "bare.npz", out=tmp_path)
    assert not (tmp_path / "rifai-2011-ae").exists()


def test_labels_are_asked_for_before_training_where_a_cvae_needs_them(data, tmp_path):
    np.savez(tmp_path / "bare.npz", x_train=np.load(data)["x_train"])
    with pytest.raises(UserError, match="needs integer labels, and 'bare' has none"):
        papers.reproduce("hwalsuklee", data=tmp_path / "bare.npz", out=tmp_path)
    assert not [*tmp_path.glob("hwalsuklee*")]


def test_scikit_learn_is_asked_for_before_training(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UserError, match="pip install scikit-learn"):
        papers.reproduce("rifai-2011", data=data, out=tmp_path)


def test_the_command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = [papers.Comparison("errors", 1.14, 1.0, "%"), papers.Comparison("ratio", None, 2, "x")]
    found = papers.Reproduction(
        "rifai-2011", "quick", "mnist-sample", 4000, 1000, 0, rows, [], "page"
    )
    seen = {}

    def reproduce(paper, **arguments):
        seen.update(paper=paper, **arguments)
        return found

    monkeypatch.setattr(papers, "reproduce", reproduce)
    result = CliRunner().invoke(main, ["reproduce", "rifai-2011", "--quick", "--data", "d"])
    lines = result.output.splitlines()
    assert [line.split() for line in lines[2:4]] == [
        ["errors", "1.14", "1.00", "%"],
        ["ratio", "2.00", "x"],
    ]
    assert lines[4:] == [
        "1000 test rows of mnist-sample, trained on 4000; seed 0; quick form",
        "page",
    ]
    assert (seen["paper"], seen["form"], seen["data"], seen["out"]) == (
        "rifai-2011",
        "quick",
        "d",
        "runs",
    )
    result = CliRunner().invoke(main, ["reproduce", "rifai-2011", "--json", "--exact"])
    assert json.loads(result.stdout) == dataclasses.asdict(found)
    assert seen["form"] == "exact"
    CliRunner().invoke(main, ["reproduce", "rifai-2011", "--json"])
    assert seen["form"] == "full"
    names = CliRunner().invoke(main, ["reproduce"]).output
    assert all(name in names for name in papers.PAPERS)
