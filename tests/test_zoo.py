"""The models that come with the package are what their cards say."""

import json
import os
from pathlib import Path

import pytest

from keras_vae import model_folders, recipes

MOST_MEGABYTES = 40
PRESETS = sorted(recipes.presets())


def version(name: str) -> Path:
    return model_folders.packaged() / name / "1"


def test_each_is_a_recipe_and_all_are_small():
    assert set(PRESETS) == set(recipes.names())
    assert sum(preset.megabytes for preset in recipes.presets().values()) < MOST_MEGABYTES


@pytest.mark.parametrize("name", PRESETS)
def test_its_card_is_whole(name):
    card = json.loads((version(name) / "card.json").read_text())
    recipe = recipes.load(name)
    trained = recipes.recipe.from_tables(card["recipe"], name)
    assert (trained.network, trained.model) == (recipe.network, recipe.model)
    assert card["data"] == recipe.data["name"] == card["slice"]["data"]
    assert card["seconds"] > 0
    assert card["command"].startswith("keras-vae fit")
    assert card["seed"] == recipe.training["seed"]
    assert card["protocol"] == card["slice"]["protocol"]
    if recipe.model["name"] != "Classifier":  # which draws nothing
        assert (version(name) / "sheet.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", PRESETS)
def test_its_figures_are_found_again(name, eagerly):
    opened = recipes.open_model(str(version(name)))
    slice_ = opened.report["slice"]
    data = Path(os.environ.get("KERAS_VAE_DATA", ""))
    if not any(
        (data / name).is_dir() for name in (slice_["data"], slice_["data"].replace("-", "_"))
    ):
        pytest.skip(f"KERAS_VAE_DATA names no folder with {slice_['data']}, which is measured")
    found = recipes.evaluate(opened.model, opened.dataset(), limit=slice_["test_rows"])
    assert found["metrics"] == pytest.approx(slice_["metrics"], rel=2e-4, abs=2e-2)
