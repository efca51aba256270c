"""`keras-vae sample MODEL`."""

from __future__ import annotations

import click

from keras_vae.cli._options import file_option, model_argument, seed_option
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("sample")
@model_argument
@file_option(default="samples.png", show_default=True)
@click.option("--label", type=click.IntRange(min=0), help="What to draw, for a conditional model.")
@click.option(
    "--condition",
    "values",
    type=float,
    multiple=True,
    help="The same for a real-valued condition; once for each of its numbers.",
)
@click.option(
    "-n", "num", type=click.IntRange(min=1), default=16, show_default=True, help="How many."
)
@seed_option
@click.option(
    "--temperature",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="The prior's scale: less than 1 gives more typical samples.",
)
@click.option(
    "--server",
    metavar="HOST:PORT",
    help="The gRPC address of a server that draws them, such as localhost:8500.",
)
def command(
    model: str,
    out: str,
    label: int | None,
    values: tuple[float, ...],
    num: int,
    seed: int,
    temperature: float,
    server: str | None,
) -> None:
    """Draw samples of MODEL into one picture.

    MODEL is a run folder, a .keras file, an exported folder, or a name; see `keras-vae --help`.
    With --server it is the name of a served model; the same seed gives the same picture.
    """
    if label is not None and values:
        raise click.UsageError("--label and --condition are the same thing: give one of them.")
    if server is not None:
        from keras_vae import figures, serving

        with serving.Client(server, model) as client:
            images = client.sample(num, values or label, seed, temperature)
        figures.save_images(out, images)
    else:
        import_tensorflow()
        from keras_vae import recipes

        recipes.sample(
            recipes.open_model(model).latent_model,
            out,
            num,
            condition=values or label,
            seed=seed,
            temperature=temperature,
        )
    click.echo(out)
