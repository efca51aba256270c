"""`keras-vae show RECIPE`."""

from __future__ import annotations

import click

from keras_vae.cli._options import recipe_argument, set_option


@click.command("show")
@recipe_argument
@set_option
def command(recipe: str, assignments: tuple[str, ...]) -> None:
    """Print RECIPE as the TOML file that `fit` would follow.

    RECIPE is a recipe's name or a TOML file. Save what is printed as a file of your own, which
    names the new recipe, and change it: `keras-vae fit mine.toml` makes runs/mine/1. What it says
    of networks and models is checked when it is fitted.
    """
    from keras_vae import recipes

    click.echo(recipes.load(recipe).override(assignments).to_toml(named=False), nl=False)
