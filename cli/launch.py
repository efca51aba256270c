"""`keras-vae launch -n 2 -- fit RECIPE`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import IO

import click

MAIN = "import sys; sys.argv[0] = 'keras-vae'; from keras_vae.cli import main; main()"
GRACE = 60.0
"""Seconds for the others to notice that a worker has ended badly."""


@click.command("launch", context_settings={"ignore_unknown_options": True})
@click.option(
    "-n",
    "--num-workers",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    help="How many.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- fit ...")
def command(num_workers: int, command: tuple[str, ...]) -> None:
    """Try `fit` with several workers on this machine.

    What stands after -- is what each worker runs, such as fit mnist-vae. They share each batch; the
    first one alone writes and prints. When one of them dies, the others end, and the same command
    goes on from the last checkpoint. On several machines, start fit on each, with TF_CONFIG.
    """
    if command[0] != "fit":
        raise click.UsageError(f"launch starts workers of fit. Received {command[0]!r}.")
    with ExitStack() as stack:
        workers = []
        notes = []
        for number, config in enumerate(configurations(num_workers)):
            note = None if number == 0 else stack.enter_context(tempfile.TemporaryFile("w+"))
            worker = subprocess.Popen(
                [sys.executable, "-c", MAIN, *command],
                env={**os.environ, "TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": str(number)},
                stdout=None if number == 0 else subprocess.DEVNULL,
                stderr=note,
            )
            stack.callback(_end, worker)
            workers.append(worker)
            notes.append(note)
        try:
            _wait(workers)
        except KeyboardInterrupt:  # which the workers got too
            for worker in workers:
                worker.wait()
            raise
        codes = [worker.returncode for worker in workers]
        if codes[0] <= 0 and any(codes):  # the first one has said nothing
            _repeat([note for note in notes if note])
        for number, code in enumerate(codes):
            if code < 0:
                name = signal.Signals(-code).name
                raise click.ClickException(f"Worker {number} of {num_workers} ended by {name}.")
        sys.exit(max(codes))


def configurations(num: int) -> list[str]:
    """TF_CONFIG of each worker, at free ports."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(num)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    tasks = ({"type": "worker", "index": index} for index in range(num))
    return [json.dumps({"cluster": cluster, "task": task}) for task in tasks]


def _wait(workers: list[subprocess.Popen[bytes]]) -> None:
    """Returns when all have ended, or some badly and the others not soon after."""
    failed = None
    while any(worker.poll() is None for worker in workers):
        if failed is None and any(worker.poll() for worker in workers):
            failed = time.monotonic()
        if failed is not None and time.monotonic() - failed > GRACE:
            for worker in workers:
                _end(worker)
        time.sleep(0.1)


def _end(worker: subprocess.Popen[bytes]) -> None:
    if worker.poll() is None:
        worker.terminate()
        worker.wait()


def _repeat(notes: list[IO[str]]) -> None:
    """Shows what a worker has written on stderr: the first that has written anything."""
    for note in notes:
        note.seek(0)
        if text := note.read():
            click.echo(text, err=True, nl=False)
            return
