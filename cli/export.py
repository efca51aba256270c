"""`keras-vae export MODEL`."""

from __future__ import annotations

import click

from keras_vae.cli._options import model_argument
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("export")
@model_argument
@click.option(
    "--to",
    "models",
    default="saved_models",
    show_default=True,
    metavar="DIR",
    help="The folder of all exported models.",
)
def command(model: str, models: str) -> None:
    """Export MODEL for TensorFlow Serving: DIR/NAME/VERSION, with the next free version.

    The folder holds the servable graph, its warm-up requests, model.keras and card.json.
    """
    import_tensorflow()
    from keras_vae import recipes

    click.echo(recipes.export(recipes.open_model(model), models))
