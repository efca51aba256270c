"""Arguments and options that several commands share."""

from __future__ import annotations

from functools import partial

import click

recipe_argument = click.argument("recipe")
model_argument = click.argument("model")
set_option = click.option(
    "--set",
    "assignments",
    metavar="TABLE.KEY=VALUE",
    multiple=True,
    help="Replace a value of the recipe, such as model.beta=4; repeatable.",
)
data_option = click.option(
    "--data",
    metavar="PATH",
    help="A folder with one folder per dataset, a .npz file, or a folder of images.",
)
strategy_option = click.option(
    "--strategy",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "none", "mirrored", "multiworker"]),
    help="What shares each batch: the GPUs of this machine, or the machines that TF_CONFIG names.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**53 - 1),
    default=0,
    show_default=True,
    help="Of all randomness.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
file_option = partial(
    click.option,
    "--out",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The picture to write, such as nine.png.",
)
"""Each command says what it is called otherwise."""
