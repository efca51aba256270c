"""`keras-vae fit RECIPE`."""

from __future__ import annotations

import sys

import click

from keras_vae.cli._options import data_option, recipe_argument, set_option
from keras_vae.cli._table import results_table
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("fit")
@recipe_argument
@data_option
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="The folder of all runs."
)
@click.option("--epochs", type=int, help="Epochs in all, in place of the recipe's.")
@click.option("--batch-size", type=int, help="Rows per step, in place of the recipe's.")
@click.option("--seed", type=int, help="Of weights, order and noise, in place of the recipe's.")
@set_option
@click.option("--no-export", is_flag=True, help="Write no servable model into ./saved_models.")
@click.option("--resume", is_flag=True, help="Go on with the recipe's latest unfinished run.")
def command(
    recipe: str,
    data: str | None,
    out: str,
    epochs: int | None,
    batch_size: int | None,
    seed: int | None,
    assignments: tuple[str, ...],
    no_export: bool,
    resume: bool,
) -> None:
    """Train the model of RECIPE, draw its figures and export it.

    RECIPE is a recipe's name or a TOML file. The run gets a folder of its own, DIR/RECIPE/N, with
    the model, its history, its results on the test rows and its pictures. What TensorFlow Serving
    serves is written to saved_models/RECIPE/VERSION.
    """
    from keras_vae import recipes

    values = {"batch_size": batch_size, "seed": seed}
    verbose = 1 if sys.stdout.isatty() else 2
    if resume:
        if assignments or batch_size is not None or seed is not None:
            raise click.UsageError(
                "--resume goes on with the recipe in the run's folder: of the recipe's values, "
                "give --epochs alone with it."
            )
        import_tensorflow()
        run = recipes.resume(recipe, data=data, out=out, epochs=epochs, verbose=verbose)
    else:
        options = [f"training.{key}={value}" for key, value in values.items() if value is not None]
        chosen = recipes.load(recipe).override([*assignments, *options])
        if epochs is not None:
            chosen = chosen.with_epochs(epochs)
        import_tensorflow()
        run = recipes.fit(chosen, data=data, out=out, verbose=verbose)
    click.echo(results_table(run.metrics()))
    for path in (run.model_file, *sorted(run.figures.glob("*.png"))):
        click.echo(path)
    if not no_export:
        click.echo(recipes.export(recipes.open_model(str(run.folder))))
