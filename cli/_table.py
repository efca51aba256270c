"""Rows of text in aligned columns."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

_ESTIMATORS = {
    "is": "importance sampling",
    "ais": "annealed importance sampling",
    "bdmc": "bidirectional Monte Carlo",
    "hmc": "Hamiltonian Monte Carlo",
}


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Container[int] = ()
) -> str:
    """Returns the rows below a header and a rule.

    Args:
        header: One title per column.
        rows: One text per column each.
        right: The columns to align on the right, as numbers are.
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def results_table(results: Mapping[str, Any]) -> str:
    """Returns what `keras_vae.recipes.evaluate` measured: name, value, unit; and on what."""
    rows = [
        (name.replace("_", " "), f"{value:.{0 if unit == 'units' else 2}f}", unit)
        for name, value in results["metrics"].items()
        for unit in [results["units"][name]]
    ]
    lines = [
        table(("metric", "value", "unit"), rows, right=(1,)),
        f"{results['test_rows']} test rows of {results['data']}, {results['protocol']}",
    ]
    if "likelihood" in results:
        settings = dict(results["likelihood"])
        name, seed = _ESTIMATORS[settings.pop("estimator")], settings.pop("seed")
        how = [f"{value} {key.removeprefix('num_')}" for key, value in settings.items()]
        lines.append(", ".join([f"nll by {name}", *how, f"seed {seed}"]))
    return "\n".join(lines)


def probes_table(probes: Mapping[str, Mapping[int, float]]) -> str:
    """Returns the errors of `keras_vae.recipes.probe`: one row per classifier."""
    columns = list(next(iter(probes.values())))
    rows = [
        (name.replace("_", " "), *(f"{errors[column]:.2f}" for column in columns))
        for name, errors in probes.items()
    ]
    header = ("errors in %", *(f"{column:,} labels" for column in columns))
    return table(header, rows, right=range(1, len(header)))


def judge_line(judge: Mapping[str, Any]) -> str:
    """Returns what `keras_vae.recipes.judge` tells of the judge."""
    accuracy = judge["accuracy"]
    known = "" if accuracy is None else f", right in {accuracy:.2f} % of the test rows"
    return f"{judge['samples']:,} samples judged by {judge['model']}{known}"
