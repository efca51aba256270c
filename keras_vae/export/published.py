"""A version of a model that appears whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keras_vae.errors import UserError
from keras_vae.model_folders import is_version

_DRAFT = ".unfinished-"
"""Begins the name of a folder that is not finished; a server looks at numbers alone."""
_FORGOTTEN_SECONDS = 24 * 60 * 60
"""An export that was killed leaves a draft, which is removed by one that begins a day later."""


@dataclasses.dataclass
class Version:
    """A version on its way.

    Attributes:
        name: Of the model.
        draft: The hidden folder to fill.
        folder: Where it stands; known when it is published.
    """

    name: str
    draft: Path
    folder: Path


@contextmanager
def published(path: str | Path) -> Iterator[Version]:
    """Gives a hidden folder to fill, and shows it under its number by one rename at the end.

    Publishers that work at the same time get different numbers. After an error nothing is left.

    Args:
        path: `<models>/<name>/<version>`, or `<models>/<name>` for the next free version.

    Raises:
        UserError: When that version is there already, or when the path names no folder.
    """
    path = Path(path)
    asked = path if is_version(path.name) else None
    model = path.parent if asked else path
    name = model.resolve().name
    if asked is not None and asked.exists():
        raise _taken(asked)
    if not name or name.isdecimal():
        raise UserError(
            f"A model is exported to <models>/<name>/<version>, with a name that is no number, or "
            f"to <models>/<name> for the next free version. Received {str(path)!r}."
        )
    if model.exists() and not model.is_dir():
        raise UserError(f"{str(model)!r} is a file, and a model is exported to a folder.")
    _remove_forgotten(model)
    draft = model / f"{_DRAFT}{secrets.token_hex(8)}"
    draft.mkdir(parents=True)
    try:
        version = Version(name, draft, path)
        yield version
        _make_durable(draft)
        version.folder = _rename(draft, model, asked)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):  # there are other versions
            model.rmdir()
        raise


def _rename(draft: Path, model: Path, asked: Path | None) -> Path:
    """Moves the draft to the version that was asked for, or to the next free one."""
    while True:
        numbers = [int(folder.name) for folder in model.iterdir() if is_version(folder.name)]
        target = asked or model / str(max(numbers, default=0) + 1)
        try:
            draft.rename(target)  # refused where a folder stands that is not empty
        except OSError as error:
            if not target.exists():
                raise
            if asked is not None:
                raise _taken(asked) from error
        else:
            return target


def _remove_forgotten(model: Path) -> None:
    for draft in model.glob(f"{_DRAFT}*"):
        with suppress(OSError):  # another publisher was faster
            if draft.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                shutil.rmtree(draft)


def _make_durable(draft: Path) -> None:
    """Writes everything to the disk: a version that shows after a loss of power is whole too."""
    for path in [*draft.rglob("*"), draft]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _taken(folder: Path) -> UserError:
    return UserError(
        f"{folder} is there already: export to {folder.parent} for the next free version, or name "
        "another number."
    )
