"""Names, tables and objects become objects; a mistake names the nearest valid word."""

import pytest

from keras_vae.errors import UserError, did_you_mean
from keras_vae.registry import resolve


class Shape:
    """What every choice is."""


class Circle(Shape):
    def __init__(self, radius=1.0):
        self.radius = radius


class Square(Shape):
    def __init__(self, side, **kwargs):
        self.side = side


CHOICES = {"circle": Circle, "square": Square}


def shape(spec):
    return resolve("shape", spec, CHOICES, Shape)


def test_a_name():
    assert shape("circle").radius == 1.0


def test_a_table():
    table = {"name": "circle", "radius": 2.5}
    assert shape(table).radius == 2.5
    assert table == {"name": "circle", "radius": 2.5}


def test_an_object_is_itself():
    circle = Circle()
    assert shape(circle) is circle


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("circel", "Unknown shape: 'circel'. Expected 'circle', or one of"),
        ("xyz", r"Unknown shape: 'xyz'. Expected one of \['circle', 'square'\]"),
        ({"name": "sqare", "side": 1}, "Expected 'square', or one of"),
        ({"radius": 1}, "a table with `name`"),
        ({"name": "circle", "raduis": 1}, "Unknown argument 'raduis' of .*Expected 'radius', or"),
        ({"name": "square", "kwargs": 1}, "Unknown argument 'kwargs'"),
        ({"name": "square"}, r"The shape 'square' needs \['side'\]"),
        ("square", r"needs \['side'\]"),
        (None, "Unknown shape: None"),
        (3, "Unknown shape: 3"),
        (["circle"], r"Unknown shape: \['circle'\]"),
        (Circle, "or a Shape object"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message) as error:
        shape(spec)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("cirlce", ": did you mean 'circle'?"), ("Square", ": did you mean 'square'?"), ("foo", ".")],
)
def test_a_word_that_is_near_no_other_is_no_misspelling(word, hint):
    assert did_you_mean(word, ["circle", "square"]) == hint
    assert did_you_mean(word, []) == "."
