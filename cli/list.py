"""`keras-vae list`."""

from __future__ import annotations

import dataclasses
import json

import click

from keras_vae.cli._options import json_option
from keras_vae.cli._table import table


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """List the recipes, with the figures of the models that come with the package.

    A figure is the mean over the test rows: nll and loss are better when they are lower.
    """
    from keras_vae import recipes

    found = recipes.presets()
    loaded = [recipes.load(name) for name in recipes.names()]
    if as_json:
        entries = [
            {
                "recipe": one.name,
                "model": one.model["name"],
                "data": one.data["name"],
                "description": one.description,
                "preset": dataclasses.asdict(found[one.name]) if one.name in found else None,
            }
            for one in loaded
        ]
        click.echo(json.dumps(entries))
        return
    rows = []
    for one in loaded:
        preset = found.get(one.name)
        measured = ("", "", "")
        if preset is not None:
            measured = (
                f"{preset.headline} {preset.value:.2f}",
                f"{preset.megabytes:.1f} MB",
                f"{preset.seconds / 60:.1f} min",
            )
        rows.append((one.name, *measured, one.description))
    header = ("recipe", "figure", "size", "training", "description")
    click.echo(table(header, rows, right=(1, 2, 3)))
