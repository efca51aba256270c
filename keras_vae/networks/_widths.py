"""Widths that a network can have."""

from __future__ import annotations

from collections.abc import Sequence

from keras_vae.errors import UserError


def check_widths(**widths: int | Sequence[int]) -> None:
    """Raises a `UserError` for a number of units or channels below 1, with its argument's name."""
    for name, value in widths.items():
        if any(width < 1 for width in (value if isinstance(value, Sequence) else [value])):
            raise UserError(f"{name} is made of numbers of at least 1. Received {name}={value!r}.")
