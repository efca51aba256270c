"""How every command ends: exit statuses, and a mistake as one sentence on stderr."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import click

MISTAKE = 2
INTERRUPTED = 130


class Group(click.Group):
    """A command group that turns a user's mistake into one sentence and exit status 2.

    Mistakes are what click refuses, a `ValueError` (as `keras_vae.errors.UserError`) and an
    `OSError`. Everything else is a defect and keeps its traceback. `KERAS_VAE_DEBUG=1` shows the
    traceback of all but the first.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order in which they are used."""
        return list(self.commands)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs the command line and, in standalone mode, exits."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # for developers, not for users
                warnings.showwarning = _warn
                status = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.Abort as abort:  # click's answer to Ctrl-C
            _say(str(abort.__cause__ or "") or "Interrupted.")
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            _say(" ".join(error.format_message().split()))
            sys.exit(MISTAKE)
        except (ValueError, OSError) as error:
            if os.environ.get("KERAS_VAE_DEBUG") == "1":
                raise
            _say(_sentence(error))
            sys.exit(MISTAKE)
        if standalone_mode:
            sys.exit(status or 0)
        return status


def _sentence(error: ValueError | OSError) -> str:
    """The one line of an error that says what is wrong."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered when calling"):
        del lines[0]  # Keras' frame around an error inside a layer
    if not lines:
        return f"{type(error).__name__}; KERAS_VAE_DEBUG=1 shows where."
    if lines[0] == "in user code:":  # TensorFlow's frame around an error inside a graph
        return re.sub(r"^\w*Error: ", "", lines[-1])
    return lines[0]


def _say(message: str) -> None:
    click.echo(f"keras-vae: {message}", err=True)


def _warn(message: Warning | str, *place: object, **more: object) -> None:
    _say(f"warning: {message}")
