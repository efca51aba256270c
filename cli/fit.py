"""`keras-vae fit RECIPE`."""

from __future__ import annotations

import sys
from functools import partial

import click

from keras_vae.cli._options import data_option, recipe_argument, set_option, strategy_option
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
@strategy_option
@click.option(
    "--checkpoint-every",
    default="1 epoch",
    show_default=True,
    metavar="HOW OFTEN",
    help="What --resume goes on from: every so many epochs, steps or minutes.",
)
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
    strategy: str,
    checkpoint_every: str,
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
    options = [f"training.{key}={value}" for key, value in values.items() if value is not None]
    if resume and (assignments or options):
        raise click.UsageError(
            "--resume goes on with the recipe in the run's folder: of the recipe's values, give "
            "--epochs alone with it."
        )
    chosen = None if resume else recipes.load(recipe).override([*assignments, *options])
    if chosen and epochs is not None:
        chosen = chosen.with_epochs(epochs)
    import_tensorflow()
    from keras_vae import training

    replicas = training.get_strategy(strategy)
    chief = training.is_chief(replicas)
    verbose = (1 if sys.stdout.isatty() else 2) if chief else 0
    fit = partial(recipes.fit, chosen) if chosen else partial(recipes.resume, recipe, epochs=epochs)
    run = fit(
        data=data, out=out, strategy=replicas, checkpoint_every=checkpoint_every, verbose=verbose
    )
    if not chief:
        return
    metrics = run.metrics()
    click.echo(results_table(metrics))
    if run.recipe().training["keep"] == "best":
        click.echo(f"epoch {metrics['kept_epoch']} of {metrics['epochs']}, by its val_loss")
    for path in (run.model_file, *sorted(run.figures.glob("*.png"))):
        click.echo(path)
    if not no_export:
        click.echo(recipes.export(recipes.open_model(str(run.folder))))
