"""`keras-vae reproduce PAPER`."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from keras_vae.cli._options import data_option, json_option
from keras_vae.cli._table import table
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("reproduce")
@click.argument("paper", required=False)
@data_option
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="The folder of all runs."
)
@click.option("--quick", is_flag=True, help="Minutes in place of hours: the same table, worse.")
@click.option(
    "--exact", is_flag=True, help="Days: the schedule of the paper itself, for burda-2015."
)
@json_option
def command(
    paper: str | None, data: str | None, out: str, quick: bool, exact: bool, as_json: bool
) -> None:
    """Train what PAPER trained, and print its figures beside the measured ones.

    The page of all figures and pictures, one HTML file, is named at the end. Without PAPER, lists
    the papers. Runs that are finished are not made again, and one that was stopped goes on.
    """
    if quick and exact:
        raise click.UsageError("--quick takes minutes and --exact days: give one of them.")
    from keras_vae import papers

    if paper is None:
        known = list(papers.PAPERS.items())
        click.echo(
            json.dumps([{"paper": name, "compares": what} for name, what in known])
            if as_json
            else table(("paper", "what is compared"), known)
        )
        return
    import_tensorflow()
    from keras_vae.papers.page import protocol

    verbose = 0 if as_json else 1 if sys.stdout.isatty() else 2
    form: papers.Form = "quick" if quick else "exact" if exact else "full"
    found = papers.reproduce(paper, data=data, out=out, form=form, verbose=verbose)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found)))
        return
    rows = [
        (
            one.name,
            "" if one.published is None else f"{one.published:.2f}",
            f"{one.measured:.2f}",
            one.unit,
        )
        for one in found.comparisons
    ]
    click.echo(table(("figure", "published", "measured", "unit"), rows, right=(1, 2)))
    click.echo(protocol(found))
    click.echo(found.page)
