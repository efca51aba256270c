"""`keras-vae export MODEL`."""

from __future__ import annotations

import click

from keras_vae.cli._options import data_option, model_argument
from keras_vae.cli._progress import progress_bar
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
@click.option(
    "--compact",
    is_flag=True,
    help="A quarter of the size: each weight once, in half precision, measured anew; with a "
    "picture, and with model.json in place of model.keras.",
)
@data_option
@click.option(
    "--num-samples",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Importance samples per row for a compact model's negative log-likelihood; 0 leaves it "
    "out.",
)
def command(model: str, models: str, compact: bool, data: str | None, num_samples: int) -> None:
    """Export MODEL for TensorFlow Serving: DIR/NAME/VERSION, with the next free version.

    The folder holds the servable graph, its warm-up requests, model.keras and card.json.
    """
    import_tensorflow()
    from keras_vae import recipes

    opened = recipes.open_model(model)
    if not compact:
        for option, value in (("--data", data), ("--num-samples", num_samples)):
            if value:
                raise click.UsageError(f"{option} is for --compact alone, which measures MODEL.")
        click.echo(recipes.export(opened, models))
        return
    rows = len(opened.dataset(data).x_test) if num_samples else 0
    with progress_bar("nll", rows) as progress:
        folder = recipes.export(
            opened, models, compact=True, data=data, num_samples=num_samples, progress=progress
        )
    click.echo(folder)
