"""`keras-vae plot MODEL WHAT`."""

from __future__ import annotations

import click

from keras_vae.cli._options import data_option, file_option, model_argument, seed_option
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("plot")
@model_argument
@click.argument("what")
@click.argument("other", required=False)
@file_option(show_default="WHAT.png")
@data_option
@seed_option
@click.option(
    "--row",
    "rows",
    type=click.IntRange(min=0),
    multiple=True,
    help="A test row whose style `analogies` shows; repeatable.",
)
def command(
    model: str,
    what: str,
    other: str | None,
    out: str | None,
    data: str | None,
    seed: int,
    rows: tuple[int, ...],
) -> None:
    """Draw a figure of MODEL.

    MODEL is a run folder, a .keras file, an exported folder, or a name; see `keras-vae --help`.
    WHAT is one of reconstructions, corruption, samples, completions, manifold, latent, interpolate,
    analogies, styles, filters, tangents, posterior (Markov chains beside the encoder, a minute),
    history; or compare, for the codes of MODEL beside those of OTHER.
    """
    if out is None:
        out = f"{what}.png"
    import_tensorflow()
    from keras_vae import recipes

    second = None if other is None else recipes.open_model(other)
    opened = recipes.open_model(model)
    recipes.plot(opened, what, out, other=second, data=data, seed=seed, rows=rows)
    click.echo(out)
