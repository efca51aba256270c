"""Objects by name: one rule for all arguments that take a string, a table or the object."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from keras_vae.errors import UserError

T = TypeVar("T")


def resolve(kind: str, spec: Any, choices: Mapping[str, type[T]], base: type[T]) -> T:
    """Turns a name, a table or an object into an object.

    Args:
        kind: What is being named, for the error message: "likelihood".
        spec: A key of `choices`; a mapping with the key `name` and the constructor's arguments; or
            an instance of `base`.
        choices: Name -> class.
        base: The class that every choice is an instance of.

    Raises:
        UserError: For an unknown name or argument, with the nearest valid one, or a missing one.
    """
    if isinstance(spec, base):
        return spec
    arguments = dict(spec) if isinstance(spec, Mapping) else {"name": spec}
    name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in choices:
        raise UserError(
            f"Unknown {kind}: {spec!r}. Expected {_nearest(str(name), choices)}"
            f"one of {sorted(choices)}, a table with `name`, or a {base.__name__} object."
        )
    cls = choices[name]
    parameters = inspect.signature(cls).parameters
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    valid = [key for key, parameter in parameters.items() if parameter.kind not in variadic]
    for key in arguments:
        if key not in valid:
            raise UserError(
                f"Unknown argument {key!r} of the {kind} {name!r}. "
                f"Expected {_nearest(key, valid)}one of {valid}."
            )
    missing = [
        key
        for key, parameter in parameters.items()
        if parameter.default is parameter.empty and key in valid and key not in arguments
    ]
    if missing:
        raise UserError(
            f"The {kind} {name!r} needs {missing}. Give a table with `name` and these arguments."
        )
    return cls(**arguments)


def _nearest(word: str, choices: Any) -> str:
    """'"nearest", or ' when a choice is near enough to be meant, else nothing."""
    matches = difflib.get_close_matches(word, list(choices), n=1)
    return f"{matches[0]!r}, or " if matches else ""
