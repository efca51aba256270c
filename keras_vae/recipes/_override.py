"""`--set model.beta=4`: one value of a recipe, replaced from outside."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

from keras_vae.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def override(tables: Mapping[str, Any], assignment: str) -> dict[str, Any]:
    """Returns the tables with one value replaced.

    The right side is read as a TOML value, and a bare word as a string: `4`, `1e-3`, `true`,
    `[500, 500]`, `normal`. A density that is a name so far takes parts: after
    `model.likelihood.binarization=static`, `"bernoulli"` has become
    `{name = "bernoulli", binarization = "static"}`. Another `name` leaves the old one's parts out.

    Args:
        tables: Nested tables, as read from TOML. They stay as they are.
        assignment: `"table.key=value"`.
    """
    path, equals, text = assignment.partition("=")
    *parents, key = (part.strip() for part in path.split("."))
    if not equals or not parents or not all(parents) or not key:
        raise UserError(
            f"Cannot read the override {assignment!r}: expected table.key=value, "
            f"such as model.beta=4."
        )
    changed = copy.deepcopy(dict(tables))
    table = changed
    for depth, parent in enumerate(parents, start=1):
        child = table.get(parent, {})
        if isinstance(child, str):
            child = {"name": child}
        elif not isinstance(child, dict) and key == "name" and depth == len(parents):
            child = {}
        if not isinstance(child, dict):
            dotted = ".".join(parents[:depth])
            raise UserError(
                f"{assignment!r} sets a part of {dotted}, which is {child!r} and has no parts: "
                f"set {dotted}.name first."
            )
        table[parent] = child
        table = child
    value = _value(text.strip())
    if key == "name" and len(parents) > 1 and value != table.get("name", value):
        table.clear()  # the parts were another density's
    table[key] = value
    return changed


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text
