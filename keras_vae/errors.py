"""The one exception that means: the user can put this right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any

_NEAR = 0.5
"""A share of letters; below it, a word is not a misspelling of another."""


class UserError(ValueError):
    """A user's mistake.

    The message is one clear sentence: what was received, what was expected, what to do. The command
    line prints it without a traceback and exits with status 2.
    """


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """': did you mean "nearest"?', small letters or capitals, or a full stop where none is near."""

    def likeness(option: str) -> float:
        return difflib.SequenceMatcher(None, word.lower(), option.lower()).ratio()

    nearest = max(options, key=likeness, default="")
    return f": did you mean {nearest!r}?" if likeness(nearest) >= _NEAR else "."


def check_counts(**counts: int) -> None:
    """Raises a `UserError` for what is no whole number of at least 1, with its argument's name."""
    for name, count in counts.items():
        if not _is_count(count):
            raise UserError(f"{name} is a whole number of at least 1. Received {name}={count!r}.")


def check_widths(**widths: Sequence[int]) -> None:
    """The same for what is no list of such numbers."""
    for name, value in widths.items():
        if not isinstance(value, Iterable) or not all(map(_is_count, value)):
            raise UserError(
                f"{name} is a list of whole numbers of at least 1, such as [500] or [28, 28]. "
                f"Received {name}={value!r}."
            )


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1
