"""`keras-vae evaluate MODEL`."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click
from click.core import ParameterSource

from keras_vae.cli._options import data_option, json_option, model_argument, seed_option
from keras_vae.cli._progress import progress_bar
from keras_vae.cli._table import judge_line, probes_table, results_table
from keras_vae.cli._tensorflow import import_tensorflow

_SETTINGS = {
    "is": ("num_samples",),
    "ais": ("num_chains", "num_temperatures"),
    "bdmc": ("num_chains", "num_temperatures"),
    "hmc": ("num_samples", "num_chains"),
}
"""What each estimator of the likelihood is told."""
_MORE = {
    "is": "take a larger --num-samples, or --likelihood ais",
    "ais": "take more --num-chains and --num-temperatures",
    "hmc": "take a larger --num-samples",
}
"""What mends an estimate of few samples."""
SAMPLES_PER_LABEL = 1000
"""That a judge sees."""


@click.command("evaluate")
@model_argument
@data_option
@click.option(
    "--likelihood",
    "estimator",
    type=click.Choice([*_SETTINGS]),
    default="is",
    show_default=True,
    help="Importance sampling, annealed importance sampling (minutes for 100 rows), a bracket of "
    "the likelihood of as many rows that MODEL draws itself, or Hamiltonian Monte Carlo for codes "
    "of at most 10 numbers (minutes).",
)
@click.option(
    "--num-samples",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Samples per row for the negative log-likelihood, of is and of each of hmc's two sets; 0 "
    "leaves it out.",
)
@click.option(
    "--num-chains",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Chains per row, of ais, bdmc and hmc.",
)
@click.option(
    "--num-temperatures",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Steps of each chain of ais and bdmc; more are slower and tighter.",
)
@click.option("--limit", type=click.IntRange(min=2), help="Only the first so many test rows.")
@click.option(
    "--probe",
    is_flag=True,
    help="Also train classifiers on the codes of 100, 1,000 and all labelled rows (minutes).",
)
@click.option(
    "--judge",
    metavar="MODEL",
    help="A classifier, such as mnist-judge: also draw 1,000 samples of each label, and count "
    "those that it calls by their label.",
)
@seed_option
@json_option
def command(
    model: str,
    data: str | None,
    estimator: str,
    num_samples: int,
    num_chains: int,
    num_temperatures: int,
    limit: int | None,
    probe: bool,
    judge: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Measure MODEL on the test rows, in nats per example.

    MODEL is a run folder, a .keras file, an exported folder, or a name; see `keras-vae --help`.
    The negative log-likelihood (nll) is an upper bound, tight for many samples or temperatures, and
    by hmc a lower one; its standard error is over the rows.
    """
    settings = {
        "num_samples": num_samples,
        "num_chains": num_chains,
        "num_temperatures": num_temperatures,
    }
    _refuse(settings.keys() - set(_SETTINGS[estimator]), f"is none of --likelihood {estimator}")
    import_tensorflow()
    from keras_vae import evaluation, recipes
    from keras_vae.models import Generative

    opened = recipes.open_model(model)
    if not isinstance(opened.model, Generative):
        kind = type(opened.model).__name__
        _refuse(["estimator", *settings], f"is for likelihoods, and {kind} has none")
    dataset = opened.dataset(data)
    probed = None
    if probe:
        with progress_bar("probes", 3 * len(evaluation.PROBES)) as progress:
            probed = recipes.probe(
                opened.latent_model, dataset, limit=limit, seed=seed, progress=progress
            )
    judged = None
    if judge is not None:
        other = recipes.open_model(judge)
        with progress_bar("judge", SAMPLES_PER_LABEL * other.judge.num_classes) as progress:
            judged = recipes.judge(
                opened,
                other,
                dataset,
                num_per_class=SAMPLES_PER_LABEL,
                seed=seed,
                progress=progress,
            )
    taken = {name: settings[name] for name in _SETTINGS[estimator]}
    leaves_out = taken.get("num_samples") == 0
    likelihood = None if leaves_out else {"estimator": estimator, **taken}
    with progress_bar("nll", len(dataset.x_test[:limit])) as progress:
        results = recipes.evaluate(
            opened.model,
            dataset,
            likelihood=likelihood,
            limit=limit,
            seed=seed,
            progress=progress,
        )
    for more in (probed, judged):
        if more is not None:
            for key in ("metrics", "units"):
                results[key] |= more.pop(key)
            results |= more
    if few := results["metrics"].get("rows_of_few_samples"):
        click.echo(
            f"keras-vae: of {few:.3g} % of the rows less than 1 % of the samples count, or less "
            f"than two, so their nll may be far off; {_MORE[estimator]}.",
            err=True,
        )
    if as_json:
        click.echo(json.dumps({"model": model, **results}))
        return
    click.echo(results_table(results))
    if judged is not None:
        click.echo(judge_line(results["judge"]))
    if probed is not None:
        click.echo(f"\n{probes_table(results['probes'])}")


def _refuse(names: Iterable[str], because: str) -> None:
    """Raises a usage error if the user gave one of these options."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if given and parameter.name in names:
            raise click.UsageError(f"{parameter.opts[0]} {because}: leave it out.")
