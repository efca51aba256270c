"""TensorFlow started once, late, and without its messages of the start."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_STDERR = 2


def import_tensorflow() -> None:
    """Imports TensorFlow with its notes on oneDNN, CUDA and retracing kept off the terminal."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever other programs have been told to use
    if "tensorflow" in sys.modules or _notes_are_wanted():
        return
    # Each layer of a stack has an `encode` of its own, which counts as one that is traced anew.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with without_notes():
        importlib.import_module("tensorflow")


@contextlib.contextmanager
def without_notes() -> Iterator[None]:
    """Starts TensorFlow within the context, without its notes.

    Some are written before TensorFlow reads its log level, so file descriptor 2 points elsewhere
    for so long; what was written is shown after all if the start fails. Whoever sets
    `TF_CPP_MIN_LOG_LEVEL` to 0 or 1, notes or warnings, sees them.
    """
    if _notes_are_wanted():
        yield
        return
    os.environ.setdefault(_LOG_LEVEL, "3")
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)


def _notes_are_wanted() -> bool:
    return os.environ.get(_LOG_LEVEL) in {"0", "1"}
