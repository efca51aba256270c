"""`keras-vae list`."""

from __future__ import annotations

import click

from keras_vae.cli._table import table


@click.command("list")
def command() -> None:
    """List the recipes that come with the package."""
    from keras_vae import recipes

    loaded = [recipes.load(name) for name in recipes.names()]
    rows = [(r.name, r.model["name"], r.data["name"], r.description) for r in loaded]
    click.echo(table(("recipe", "model", "data", "description"), rows))
