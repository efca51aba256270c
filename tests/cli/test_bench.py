"""`bench`."""

import json
from itertools import accumulate, chain

import pytest

from keras_vae import recipes
from keras_vae.recipes import speed
from recipes.tiny import write_recipe


@pytest.fixture
def clock(monkeypatch):
    """Rounds take 9, 2, 1 and 4 seconds, and nothing goes by between them."""
    ticks = accumulate(chain.from_iterable((0.0, seconds) for seconds in (9.0, 2.0, 1.0, 4.0)))
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(ticks))


def test_json(keras_vae, recipe, data, clock, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    arguments = ["--data", data, "--set", "training.batch_size=20", "--strategy", "none"]
    result = keras_vae("bench", recipe, *arguments, "--num-steps", 2, "--json")
    measured = json.loads(result.stdout)
    versions = measured.pop("versions")
    assert "tensorflow" in versions
    assert measured == {
        "recipe": "tiny",
        "data": "squares",
        "train_rows": 50,
        "batch_size": 20,
        "replicas": 1,
        "steps": 2,
        "first_seconds": 9.0,
        "step_seconds": 1.0,
        "rows_per_second": 20.0,
        "epoch_seconds": 2.5,
        "epochs": 2,
        "fit_seconds": 5.0,
    }
    assert sorted(tmp_path.rglob("*")) == before


def test_table_of_a_conditional_model(keras_vae, data, clock, tmp_path):
    result = keras_vae("bench", write_recipe(tmp_path, model="CVAE"), "--data", data)
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["first", "4", "steps,", "with", "compiling", "9.0", "s"] in lines  # all 50 rows
    assert ["step", "500.0", "ms"] in lines
    assert ["epoch", "2.0", "s"] in lines
    assert result.stdout.splitlines()[-1] == (
        "tiny, 50 rows of squares, batches of 16, replicas: 1"
    )


def test_mnist_vae_is_the_default(keras_vae, monkeypatch):
    asked = []
    monkeypatch.setattr(speed, "measure_speed", lambda recipe, **_: asked.append(recipe) or {})
    assert keras_vae("bench", "--json").stdout == "{}\n"
    assert asked == [recipes.load("mnist-vae")]


def test_mistakes(refused):
    assert "mnist-vae" in refused("bench", "mnist-va")
    assert "--num-steps" in refused("bench", "mnist-vae", "--num-steps", 0)
