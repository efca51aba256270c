"""Checks a TOML table against the parameters that it fills: names first, then types."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from keras_vae.errors import UserError, did_you_mean

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_WHOLE = range(-(2**63), 2**63)
"""What TOML and tensors hold."""
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
}


def parameter_types(
    function: Callable[..., Any], leave_out: Collection[str] = ()
) -> dict[str, Any]:
    """Returns the parameters that a table may set, with the type that each one takes.

    Args:
        function: A function or a class. `self`, `*args` and `**kwargs` are no keys of a table.
        leave_out: Parameters that come from elsewhere, such as the shape of the data.

    Returns:
        Parameter name -> annotation, or the type of the default where nothing is annotated.
    """
    hints = get_type_hints(function.__init__ if inspect.isclass(function) else function)
    return {
        name: hints.get(name, _type_of_default(parameter.default))
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in _NAMED and name not in leave_out
    }


def required_parameters(function: Callable[..., Any]) -> list[str]:
    """Returns the parameters that have no default."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in _NAMED and parameter.default is inspect.Parameter.empty
    ]


def check_table(
    where: str,
    table: Mapping[str, Any],
    types_by_key: Mapping[str, Any],
    required: Iterable[str] = (),
) -> None:
    """Raises a `UserError` for the first key or value of the table that cannot be meant.

    Args:
        where: The table's dotted name, such as `"model.likelihood"`.
        table: What the user wrote.
        types_by_key: Every valid key with the type of its value.
        required: The keys that must be there.
    """
    for key, value in table.items():
        if not types_by_key:
            raise UserError(f"Unknown key {key!r} in [{where}], which takes none: leave it out.")
        if key not in types_by_key:
            raise UserError(
                f"Unknown key {key!r} in [{where}]{did_you_mean(key, types_by_key)} "
                f"Valid keys: {', '.join(types_by_key)}."
            )
        if not all(number in _WHOLE for number in _whole_numbers(value)):
            raise UserError(
                f"{where}.{key} has a whole number of more than 64 bits; expected one from -2**63 "
                f"to 2**63 - 1: correct it in the recipe or with --set {where}.{key}=..."
            )
        if not _accepts(types_by_key[key], value):
            raise UserError(
                f"{where}.{key} is {value!r} ({_word(type(value))}), but expected "
                f"{_describe(types_by_key[key])}; correct it in the recipe or with "
                f"--set {where}.{key}=..."
            )
    for key in required:
        if key not in table:
            raise UserError(
                f"[{where}] lacks {key}: add it to the recipe or with --set {where}.{key}=..."
            )


def _whole_numbers(value: Any) -> Iterator[int]:
    """The whole numbers in a value and in its lists; a table's are checked as that table's."""
    if isinstance(value, int):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _whole_numbers(item)


def _type_of_default(default: Any) -> Any:
    if default is inspect.Parameter.empty or default is None:
        return Any
    return type(default)


def _accepts(annotation: Any, value: Any) -> bool:
    """Whether a value read from TOML may be given for a parameter of this type."""
    origin = get_origin(annotation) or annotation
    if origin is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_accepts(option, value) for option in get_args(annotation))
    if origin is Literal:
        return value in get_args(annotation)
    if origin in (bool, str):
        return isinstance(value, origin)
    if origin in (int, float):
        numbers = (int,) if origin is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if not inspect.isclass(origin):
        return False
    if (isinstance(value, list) and issubclass(list, origin)) or origin is tuple:
        items = [item for item in get_args(annotation) if item is not Ellipsis]
        return isinstance(value, list) and (not items or all(_accepts(items[0], v) for v in value))
    return isinstance(value, dict) and issubclass(dict, origin)


def _describe(annotation: Any) -> str:
    """What the user may write for a parameter of this type, in words."""
    origin = get_origin(annotation) or annotation
    if origin in (Union, types.UnionType):
        options = (_describe(option) for option in get_args(annotation))
        return " or ".join(dict.fromkeys(option for option in options if option))
    if origin is Literal:
        return " or ".join(repr(option) for option in get_args(annotation))
    if origin in _WORDS:
        return _WORDS[origin]
    if not inspect.isclass(origin):
        return ""
    if origin is tuple or issubclass(list, origin):
        items = [item for item in get_args(annotation) if item is not Ellipsis]
        return "a list" + (f" of which each is {_describe(items[0])}" if items else "")
    return _WORDS[dict] if issubclass(dict, origin) else ""


def _word(kind: type) -> str:
    return _WORDS.get(kind, kind.__name__)
