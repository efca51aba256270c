"""TensorFlow imported once, late, and without its start-up messages."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import tempfile

_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_STDERR = 2


def import_tensorflow() -> None:
    """Imports TensorFlow with its notes on oneDNN, CUDA and retracing kept off the terminal.

    Some are written before TensorFlow reads its log level, so file descriptor 2 points elsewhere
    during the import; what was written is shown after all if the import fails. Whoever sets
    `TF_CPP_MIN_LOG_LEVEL` sees what that level shows.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever other programs have been told to use
    if "tensorflow" in sys.modules or _LOG_LEVEL in os.environ:
        return
    os.environ[_LOG_LEVEL] = "3"
    # Each layer of a stack has an `encode` of its own, which counts as one that is traced anew.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), _STDERR)
        try:
            importlib.import_module("tensorflow")
        except BaseException:
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            os.dup2(terminal, _STDERR)
            os.close(terminal)
