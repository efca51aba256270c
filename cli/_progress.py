"""A progress bar that appears when the work begins."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

import click


@contextlib.contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """Gives a function of the steps just done; its first call shows the bar, on stderr."""
    with contextlib.ExitStack() as stack:
        bar = click.progressbar(length=length, label=label, file=sys.stderr)
        shown = False

        def update(steps: int) -> None:
            nonlocal shown
            if not shown:
                stack.enter_context(bar)
                shown = True
            bar.update(steps)

        yield update
