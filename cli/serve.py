"""`keras-vae serve`."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import click

from keras_vae.cli._tensorflow import without_notes

_WAKE_SECONDS = 0.2
_PORT = click.IntRange(0, 65535)


@click.command("serve")
@click.option(
    "--models",
    metavar="DIR",
    help="The folder of all exported models; without it ./saved_models, or else those that come "
    "with the package.",
)
@click.option(
    "--port", type=_PORT, default=8500, show_default=True, help="For gRPC; 0 is any free one."
)
@click.option(
    "--rest-port", type=_PORT, default=8501, show_default=True, help="For REST; 0 is any free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen at; 0.0.0.0 lets other machines in.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "tensorflow_model_server", "docker", "local"]),
    default="auto",
    show_default=True,
    help="What serves; auto takes the first of the others that works here and keeps to the host.",
)
def command(models: str | None, port: int, rest_port: int, host: str, engine: str) -> None:
    """Serve all models of a folder over gRPC and REST, until Ctrl-C or SIGTERM.

    The API is that of TensorFlow Serving, with each of the engines: its program, its Docker image,
    or the local one, which comes with this package and is meant for laptops and tests. A new
    version of a model takes over while the server runs. The local engine finishes the requests
    under way at the end.
    """
    logging.basicConfig(format="keras-vae: %(message)s", level=logging.INFO)
    with _until_told():
        from keras_vae import model_folders
        from keras_vae.serving import engines

        with without_notes():
            chosen = engines.choose(engine, host)
        folder = Path(models) if models else model_folders.default()
        with chosen.serve(folder, port, rest_port, host) as running:
            click.echo(f"engine  {chosen.name}")
            click.echo(f"folder  {folder}")
            click.echo(f"models  {', '.join(running.served.models)}")
            click.echo(f"gRPC    {running.served.address}")
            click.echo(f"REST    http://{running.served.rest_address}/v1/models/NAME")
            while True:  # a signal that came to another thread is seen when this one wakes
                running.wait(_WAKE_SECONDS)


@contextlib.contextmanager
def _until_told() -> Iterator[None]:
    """Ends the context, from wherever it is, when this process is told to stop."""
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
