"""`keras-vae bench RECIPE`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from keras_vae.cli._options import data_option, json_option, set_option, strategy_option
from keras_vae.cli._progress import progress_bar
from keras_vae.cli._table import table
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("bench")
@click.argument("recipe", default="mnist-vae")
@data_option
@set_option
@strategy_option
@click.option(
    "--num-steps",
    type=click.IntRange(min=1),
    default=120,
    show_default=True,
    help="Steps that are timed, three times over; at most an epoch.",
)
@json_option
def command(
    recipe: str,
    data: str | None,
    assignments: tuple[str, ...],
    strategy: str,
    num_steps: int,
    as_json: bool,
) -> None:
    """Measure how fast RECIPE, by default mnist-vae, trains on this machine.

    The training steps alone are timed, without validation and checkpoints; nothing is written.
    """
    from keras_vae import recipes

    chosen = recipes.load(recipe).override(assignments)
    import_tensorflow()
    from keras_vae import training
    from keras_vae.recipes.speed import ROUNDS

    replicas = training.get_strategy(strategy)
    with progress_bar("bench", ROUNDS) as progress:
        measured = recipes.measure_speed(
            chosen, data=data, strategy=replicas, num_steps=num_steps, progress=progress
        )
    if training.is_chief(replicas):
        click.echo(json.dumps(measured) if as_json else _speed_table(measured))


def _speed_table(measured: Mapping[str, Any]) -> str:
    """What `keras_vae.recipes.measure_speed` gives, and on what."""
    rows = [
        (
            f"first {measured['steps']} steps, with compiling",
            f"{measured['first_seconds']:.1f}",
            "s",
        ),
        ("step", f"{1000 * measured['step_seconds']:.1f}", "ms"),
        ("rows per second", f"{measured['rows_per_second']:.0f}", ""),
        ("epoch", f"{measured['epoch_seconds']:.1f}", "s"),
        (f"{measured['epochs']} epochs", f"{measured['fit_seconds'] / 60:.1f}", "min"),
    ]
    return "\n".join(
        [
            table(("training", "value", "unit"), rows, right=(1,)),
            f"{measured['recipe']}, {measured['train_rows']} rows of {measured['data']}, batches "
            f"of {measured['batch_size']}, replicas: {measured['replicas']}",
        ]
    )
