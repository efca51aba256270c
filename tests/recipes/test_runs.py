"""Run folders."""

import dataclasses
import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from keras_vae import datasets, recipes
from keras_vae.errors import UserError
from keras_vae.recipes.runs import Run, latest_finished, latest_unfinished, runs
from recipes.tiny import write_data, write_recipe

NUM = 4
"""Fits that begin at the same moment."""


@pytest.fixture
def recipe():
    return recipes.load("mnist-vae")


def test_numbers_count_up(tmp_path, recipe):
    folders = [Run.create(tmp_path, recipe).folder for _ in range(11)]
    assert folders == [tmp_path / "mnist-vae" / str(n) for n in range(1, 12)]
    assert [run.folder for run in runs(tmp_path, "mnist-vae")] == folders


def test_a_gap_is_not_filled_and_other_files_are_left(tmp_path, recipe):
    (tmp_path / "mnist-vae" / "7").mkdir(parents=True)
    (tmp_path / "mnist-vae" / "notes").mkdir()
    (tmp_path / "mnist-vae" / "8").write_text("mine")
    assert Run.create(tmp_path, recipe).folder.name == "9"
    assert (tmp_path / "mnist-vae" / "8").read_text() == "mine"


def wait_after_listing(barrier, monkeypatch):
    """All see the same runs before any of them makes its own folder."""

    def listed(out, name):
        found = runs(out, name)
        barrier.wait(300)
        return found

    monkeypatch.setattr("keras_vae.recipes.runs.runs", listed)


def test_runs_made_at_the_same_moment_are_apart(tmp_path, recipe, monkeypatch):
    wait_after_listing(threading.Barrier(NUM), monkeypatch)
    with ThreadPoolExecutor(NUM) as pool:
        made = list(pool.map(lambda _: Run.create(tmp_path, recipe), range(NUM)))
    assert sorted(run.folder.name for run in made) == ["1", "2", "3", "4"]
    assert [run.recipe() for run in made] == [recipe] * NUM


def share(barrier):
    wait_after_listing(barrier, pytest.MonkeyPatch())


def fit(folder):
    recipe = recipes.load(folder / "tiny.toml")
    return recipes.fit(recipe, data=folder / "squares.npz", out=folder / "runs", verbose=0)


@pytest.mark.slow
def test_fits_begun_at_the_same_moment_all_finish(tmp_path):
    write_recipe(tmp_path)
    write_data(tmp_path)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(NUM, context, share, [context.Barrier(NUM)]) as pool:
        made = list(pool.map(fit, [tmp_path] * NUM))
    assert sorted(run.folder.name for run in made) == ["1", "2", "3", "4"]
    weights = [recipes.open_model(str(run.folder)).model.get_weights() for run in made]
    for run, other in zip(made, weights, strict=True):
        assert run.finished
        assert run.history()["epoch"] == [1, 2]
        for one, another in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


def test_the_recipe_is_in_the_folder(tmp_path, recipe):
    assert Run.create(tmp_path, recipe).recipe() == recipe


def test_a_folder_with_a_recipe_has_the_command_too(tmp_path, recipe, monkeypatch):
    """Killed between the two, a run is none to go on with."""
    monkeypatch.setattr(Run, "write_recipe", lambda self, recipe: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Run.create(tmp_path, recipe)
    assert Run(tmp_path / "mnist-vae" / "1").command()
    with pytest.raises(UserError, match="no unfinished run"):
        latest_unfinished(tmp_path, "mnist-vae")


def test_one_process_at_a_time_trains_in_a_folder(tmp_path):
    tiny = recipes.load(write_recipe(tmp_path))
    path = write_data(tmp_path)
    table = {
        "name": "squares",
        "path": str(path),
        "checksum": datasets.load("", path).checksum(),
    }
    run, other = (Run.create(tmp_path, dataclasses.replace(tiny, data=table)) for _ in range(2))
    with run.alone(), other.alone():
        with pytest.raises(UserError, match=f"Another process trains in {other.folder}"):
            recipes.resume("tiny", out=tmp_path, verbose=0)
        assert not other.checkpoints.exists()
    with run.alone():  # its end, in whatever way, unlocks it
        pass


def test_the_latest_by_number_not_by_name(tmp_path, recipe):
    made = [Run.create(tmp_path, recipe) for _ in range(11)]
    for run in made[:10]:
        run.write_metrics({"metrics": {}})
    assert latest_finished(tmp_path, "mnist-vae") == made[9]
    assert latest_unfinished(tmp_path, "mnist-vae") == made[10]


def test_none_is_a_clear_sentence(tmp_path, recipe):
    with pytest.raises(UserError, match=r"no finished run.*keras-vae fit mnist-vae"):
        latest_finished(tmp_path, "mnist-vae")
    with pytest.raises(UserError, match=r"no unfinished run.*without --resume"):
        latest_unfinished(tmp_path, "mnist-vae")
    begun = Run.create(tmp_path, recipe)
    with pytest.raises(
        UserError, match=rf"is finished: go on.*--resume`, or name '{begun.folder}'"
    ):
        latest_finished(tmp_path, "mnist-vae")


def test_history_has_the_models_quantities_alone(tmp_path, recipe):
    run = Run.create(tmp_path, recipe)
    assert run.history() == {}
    run.add_history({"epoch": 1, "loss": 2.5, "seconds": 0.1, "data": "mnist"})
    assert run.history() == {"epoch": [1.0], "loss": [2.5]}
    assert run.history_file.read_text().splitlines()[0] == "epoch,loss,seconds,data"
