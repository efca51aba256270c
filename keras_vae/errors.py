"""The one exception that means: the user can put this right."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(ValueError):
    """A user's mistake.

    The message is one clear sentence: what was received, what was expected, what to do. The command
    line prints it without a traceback and exits with status 2.
    """


def check_counts(**counts: int | Sequence[int]) -> None:
    """Raises a `UserError` for a number, or one of several, below 1, with its argument's name."""
    for name, value in counts.items():
        several: Sequence[int] = value if isinstance(value, Sequence) else [value]
        if any(count < 1 for count in several):
            expected = "is made of numbers of" if several is value else "is"
            raise UserError(f"{name} {expected} at least 1. Received {name}={value!r}.")
