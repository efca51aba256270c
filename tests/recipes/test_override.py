"""`--set table.key=value`."""

import pytest

from keras_vae import recipes
from keras_vae.errors import UserError

TABLES = {"model": {"likelihood": "bernoulli", "beta": 1.0}, "training": {}}


@pytest.fixture
def recipe():
    return recipes.load("mnist-vae")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("4.5", 4.5),
        ("1e-3", 1e-3),
        ("true", True),
        ("[500, 200]", [500, 200]),
        ('"4"', "4"),
        ("normal", "normal"),
        (" normal ", "normal"),
        ("a=b", "a=b"),
        ("{name = 'normal', scale = 1}", {"name": "normal", "scale": 1}),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_the_right_side_is_toml_or_a_bare_word(recipe, text, value):
    changed = recipe.override([f"model.beta={text}"])
    assert changed.model["beta"] == value
    assert type(changed.model["beta"]) is type(value)


def test_the_recipe_itself_stays(recipe):
    before = recipe.to_toml()
    recipe.override(["network.hidden=[1]", "model.likelihood.binarization=static"])
    assert recipe.to_toml() == before


def test_a_name_takes_parts(recipe):
    changed = recipe.override(
        ["model.likelihood=bernoulli", "model.likelihood.binarization=static"]
    )
    assert changed.model["likelihood"] == {"name": "bernoulli", "binarization": "static"}


def test_a_table_takes_a_name(recipe):
    assert recipe.override(["model.likelihood=normal"]).model["likelihood"] == "normal"


def test_another_name_drops_the_parts(recipe):
    assert recipe.model["likelihood"] == {"name": "bernoulli", "binarization": "dynamic"}
    same = recipe.override(["model.likelihood.name=bernoulli"])
    assert same.model["likelihood"] == recipe.model["likelihood"]
    other = recipe.override(["model.likelihood.name=normal", "model.likelihood.scale=0.1"])
    assert other.model["likelihood"] == {"name": "normal", "scale": 0.1}
    assert recipe.override(["model.name=CVAE"]).model["likelihood"] == recipe.model["likelihood"]


def test_a_number_takes_parts_after_a_name(recipe):
    changed = recipe.override(
        ["model.beta=1.0", "model.beta.name=linear_warmup", "model.beta.steps=10"]
    )
    assert changed.model["beta"] == {"name": "linear_warmup", "steps": 10}


def test_the_last_one_counts(recipe):
    changed = recipe.override(["training.epochs=3", "training.epochs=4"])
    assert changed.training["epochs"] == 4


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("model.beta", "expected table.key=value"),
        ("beta=4", "expected table.key=value"),
        (".beta=4", "expected table.key=value"),
        ("model.=4", "expected table.key=value"),
        ("modle.beta=4", "did you mean 'model'"),
        ("training.epoch=4", "did you mean 'epochs'"),
        ("training.epochs=four", "'four' .a string., but expected a whole number"),
        ("training.optimizer=3", "expected a string or a table"),
        ("training.seed.part=3", "training.seed, which is 0 and has no parts"),
        ("=3", "expected table.key=value"),
    ],
)
def test_mistakes(recipe, assignment, message):
    with pytest.raises(UserError, match=message):
        recipe.override([assignment])
