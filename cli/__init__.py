"""The command line: one file per command, each of which parses, calls one function and echoes.

Installed as `keras_vae.cli`. Whatever imports TensorFlow is imported inside the command that needs
it, so that every `--help` answers at once. No training, mathematics or file format lives here.
"""

import click

from keras_vae import __version__
from keras_vae.cli import (
    bench,
    evaluate,
    export,
    fit,
    launch,
    list,
    plot,
    reproduce,
    sample,
    serve,
    show,
)
from keras_vae.cli._group import Group

__all__ = ["main"]


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="keras-vae")
@click.pass_context
def main(context: click.Context) -> None:
    """Train, compare and look at autoencoders.

    RECIPE is the name of a recipe (see `keras-vae list`) or a TOML file. MODEL is a run folder, a
    .keras file, an exported folder, or the name of a recipe, which means its latest finished run in
    ./runs, or else its latest version in ./saved_models, or else the model that comes with the
    package.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _module in (list, show, fit, launch, evaluate, plot, sample, export, serve, reproduce, bench):
    main.add_command(_module.command)
