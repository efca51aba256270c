"""`keras-vae evaluate MODEL`."""

from __future__ import annotations

import json

import click

from keras_vae.cli._options import data_option, json_option, model_argument, seed_option
from keras_vae.cli._progress import progress_bar
from keras_vae.cli._table import probes_table, results_table
from keras_vae.cli._tensorflow import import_tensorflow


@click.command("evaluate")
@model_argument
@data_option
@click.option(
    "--num-samples",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Importance samples per row for the negative log-likelihood; 0 leaves it out.",
)
@click.option("--limit", type=click.IntRange(min=2), help="Only the first so many test rows.")
@click.option(
    "--probe",
    is_flag=True,
    help="Also train classifiers on the codes of 100, 1,000 and all labelled rows (minutes).",
)
@seed_option
@json_option
def command(
    model: str,
    data: str | None,
    num_samples: int,
    limit: int | None,
    probe: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Measure MODEL on the test rows, in nats per example.

    MODEL is a run folder, a .keras file, an exported folder, or a name; see `keras-vae --help`.
    The negative log-likelihood (nll) is estimated by importance sampling; its standard error is
    over the rows.
    """
    import_tensorflow()
    from keras_vae import evaluation, recipes

    opened = recipes.open_model(model)
    dataset = opened.dataset(data)
    with progress_bar("nll", len(dataset.x_test[:limit])) as progress:
        results = recipes.evaluate(
            opened.model,
            dataset,
            num_samples=num_samples,
            limit=limit,
            seed=seed,
            progress=progress,
        )
    if probe:
        with progress_bar("probes", 3 * len(evaluation.PROBES)) as progress:
            found = recipes.probe(opened.model, dataset, limit=limit, seed=seed, progress=progress)
        for key in ("metrics", "units"):
            results[key] |= found[key]
        results["probes"] = found["probes"]
    if as_json:
        click.echo(json.dumps({"model": model, **results}))
        return
    click.echo(results_table(results))
    if probe:
        click.echo(f"\n{probes_table(results['probes'])}")
