"""Tables against signatures."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest

from keras_vae.errors import UserError
from keras_vae.recipes._tables import check_table, parameter_types


class Thing:
    def __init__(
        self,
        number: float,
        count: int = 1,
        word: str | None = None,
        choice: Literal["a", "b"] = "a",
        sizes: Sequence[int] = (1,),
        pair: tuple[int, ...] = (1, 2),
        part: str | Mapping[str, Any] = "name",
        anything: Any = None,
        *,
        flag: bool = False,
        path: bytes = b"",
        plain=2.0,
        **extra: Any,
    ) -> None: ...


TYPES = parameter_types(Thing, leave_out=("path",))


def test_keys_are_the_parameters_that_can_be_named():
    assert list(TYPES) == [
        "number",
        "count",
        "word",
        "choice",
        "sizes",
        "pair",
        "part",
        "anything",
        "flag",
        "plain",
    ]


@pytest.mark.parametrize(
    "table",
    [
        {"number": 1},
        {"number": 1.5},
        {"count": 1},
        {"word": "x"},
        {"choice": "b"},
        {"sizes": [1, 2]},
        {"pair": [1, 2]},
        {"part": "x"},
        {"part": {"name": "x"}},
        {"anything": {"x": [1]}},
        {"flag": True},
        {"plain": 3},
    ],
)
def test_accepted(table):
    check_table("model", table, TYPES)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"number": "x"}, "a number"),
        ({"number": True}, "a number"),
        ({"count": 1.0}, "a whole number"),
        ({"word": 1}, "a string"),
        ({"choice": "c"}, "'a' or 'b'"),
        ({"sizes": 1}, "a list of which each is a whole number"),
        ({"sizes": ["x"]}, "a list of which each is a whole number"),
        ({"sizes": "12"}, "a list of which each is a whole number"),
        ({"pair": [1.5]}, "a list of which each is a whole number"),
        ({"part": 1}, "a string or a table"),
        ({"part": ["x"]}, "a string or a table"),
        ({"flag": 1}, "true or false"),
        ({"plain": "x"}, "a number"),
    ],
)
def test_refused_with_what_is_expected(table, expected):
    (key,) = table
    with pytest.raises(UserError, match=rf"model\.{key} is .* but expected {expected};"):
        check_table("model", table, TYPES)


def test_unknown_key_gives_the_nearest():
    with pytest.raises(UserError, match=r"'cuont' in \[model\]: did you mean 'count'"):
        check_table("model", {"cuont": 1}, TYPES)
