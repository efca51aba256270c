"""Reading, checking and writing recipes."""

import pytest

from keras_vae import recipes
from keras_vae.errors import UserError

WANTED = {
    "mnist-ae",
    "mnist-conv-ae",
    "mnist-vae",
    "mnist-vae-2d",
    "mnist-conv-vae",
    "mnist-cvae",
    "frey-vae",
    "fashion-conv-vae",
}

SMALLEST = """
[data]
name = "mnist"
[network]
name = "dense"
[model]
name = "VAE"
[training]
epochs = 1
batch_size = 10
"""


def test_packaged_recipes_are_all_there():
    assert set(recipes.names()) >= WANTED


@pytest.mark.parametrize("name", recipes.names())
def test_packaged_recipe_survives_writing(name, tmp_path):
    recipe = recipes.load(name)
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    assert recipes.load(path) == recipe
    assert recipe.name == name
    assert recipe.description


def test_an_overridden_recipe_survives_writing(tmp_path):
    recipe = recipes.load("mnist-vae").override(
        ["model.beta={name='linear_warmup', steps=10}", "network.hidden=[3, 4]", "data.path=a 'b'"]
    )
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml())
    assert recipes.load(path) == recipe


def test_a_file_is_named_after_its_stem(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST)
    recipe = recipes.load(path)
    assert recipe.name == "mine"
    assert recipe.training == {
        "optimizer": "adam",
        "seed": 0,
        "validation": True,
        "keep": "last",
        "epochs": 1,
        "batch_size": 10,
    }


def test_the_last_epoch_needs_no_validation(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SMALLEST + 'keep = "last"\nvalidation = false')
    assert recipes.load(path).training["validation"] is False


def test_unknown_name_gives_the_nearest_and_how_to_list():
    with pytest.raises(UserError, match=r"'mnist-vea'.*'mnist-vae'.*keras-vae list"):
        recipes.load("mnist-vea")


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no recipe file"):
        recipes.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data", "is no TOML file"),
        (SMALLEST + "epoch = 3", r"'epoch' in \[training\].*'epochs'"),
        (SMALLEST + "[modle]", r"'modle' in \[recipe\].*'model'"),
        (
            SMALLEST.replace('"mnist"', "3"),
            "data.name is 3 .a whole number., but expected a string",
        ),
        (SMALLEST.replace("epochs = 1", ""), r"\[training\] lacks epochs"),
        (SMALLEST.replace("epochs = 1", "epochs = 0"), "expected 1 or more"),
        (SMALLEST.replace("epochs = 1", "epochs = true"), "expected a whole number"),
        (SMALLEST.replace("epochs = 1", "epochs = 1.5"), "expected a whole number"),
        (SMALLEST + 'keep = "first"', "training.keep is 'first' .*expected 'last' or 'best'"),
        (SMALLEST + "keep = true", "training.keep is True .*expected 'last' or 'best'"),
        (SMALLEST + "patience = 0", "training.patience is 0, but expected 1 or more"),
        (SMALLEST + "patience = 1.5", "training.patience is 1.5 .*expected a whole number"),
        (
            SMALLEST + 'keep = "best"\nvalidation = false',
            "training.keep is 'best', but without training.validation there is no val_loss",
        ),
        (SMALLEST + "patience = 3\nvalidation = false", "patience is 3, but without .*validation"),
        (SMALLEST.replace('"VAE"', "3"), "model.name is 3"),
        (SMALLEST.replace('[model]\nname = "VAE"', ""), r"\[model\] lacks name"),
        ('name = "../up"' + SMALLEST, "a folder's"),
    ],
)
def test_a_mistake_is_named_with_its_file(text, message, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as error:
        recipes.load(path)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)
