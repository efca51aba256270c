"""The folder of a fit, `<out>/<recipe>/<n>/`, and which one is meant."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keras_vae.errors import UserError
from keras_vae.recipes.recipe import Recipe, load

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@dataclasses.dataclass(frozen=True)
class Run:
    """One fit's folder. It is finished when its `metrics.json` stands."""

    folder: Path

    @classmethod
    def create(cls, out: str | Path, recipe: Recipe) -> Run:
        """Makes the next free `<out>/<recipe>/<n>/` and writes recipe and command into it.

        Two fits that start at the same moment get two folders.
        """
        parent = Path(out) / recipe.name
        parent.mkdir(parents=True, exist_ok=True)
        number = max((int(run.folder.name) for run in runs(out, recipe.name)), default=0) + 1
        while True:
            try:
                (parent / str(number)).mkdir()
                break
            except FileExistsError:
                number += 1
        run = cls(parent / str(number))
        run.write_command(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]))
        run.write_recipe(recipe)  # last: a folder with a recipe is one to go on with
        return run

    @property
    def recipe_file(self) -> Path:
        """The recipe as resolved."""
        return self.folder / "recipe.toml"

    @property
    def command_file(self) -> Path:
        """The command that makes this run where there is none to resume."""
        return self.folder / "command.txt"

    @property
    def model_file(self) -> Path:
        """The model that a finished fit has kept, or that one had when it was interrupted."""
        return self.folder / "model.keras"

    @property
    def history_file(self) -> Path:
        """One line per epoch."""
        return self.folder / "history.csv"

    @property
    def pretraining_file(self) -> Path:
        """One line per layer and epoch of a stack that was trained layer by layer."""
        return self.folder / "pretraining.csv"

    @property
    def metrics_file(self) -> Path:
        """The results on the test set; written last."""
        return self.folder / "metrics.json"

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "figures"

    @property
    def checkpoints(self) -> Path:
        """The folder of what a resumed fit continues from."""
        return self.folder / "checkpoints"

    @property
    def finished(self) -> bool:
        """Whether the fit came to its end."""
        return self.metrics_file.exists()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other processes from training in the folder, as long as this one does.

        Raises:
            UserError: If another one does.
        """
        if fcntl is None:
            yield
            return
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # of file systems without locks
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UserError(
                        f"Another process trains in {self.folder}: wait for its end, or make a new "
                        "run with `keras-vae fit`, without --resume."
                    ) from None
            yield
        finally:
            os.close(folder)  # and unlocked

    def recipe(self) -> Recipe:
        """Reads the recipe as it was resolved for this run."""
        return load(self.recipe_file)

    def write_recipe(self, recipe: Recipe) -> None:
        """Writes the resolved recipe."""
        _write(self.recipe_file, recipe.to_toml())

    def command(self) -> str:
        """Reads the command."""
        return self.command_file.read_text(encoding="utf-8").strip()

    def write_command(self, command: str) -> None:
        """Writes the command."""
        _write(self.command_file, f"{command}\n")

    def history_rows(self) -> list[dict[str, str]]:
        """Reads the lines of the history, none if there is no file."""
        return _read_csv(self.history_file)

    def history(self) -> dict[str, list[float]]:
        """Reads the columns of `epoch` and of the model's quantities, but for single dimensions."""
        rows = self.history_rows()
        columns = rows[0] if rows else ()
        names = [name for name in columns if name not in ("seconds", "data") and "[" not in name]
        return {name: [float(row[name]) for row in rows] for name in names}

    def add_history(self, row: Mapping[str, Any]) -> None:
        """Adds an epoch's line in place of its own and later ones."""
        _add_row(self.history_file, row)

    def add_pretraining(self, row: Mapping[str, Any]) -> None:
        """Adds the line of a layer's epoch in place of its own and later ones."""
        _add_row(self.pretraining_file, row)

    def seconds(self) -> float:
        """Adds up the seconds of all epochs, those of pretraining included."""
        rows = self.history_rows() + _read_csv(self.pretraining_file)
        return sum(float(row["seconds"]) for row in rows)

    def metrics(self) -> dict[str, Any]:
        """Reads the results."""
        metrics: dict[str, Any] = json.loads(self.metrics_file.read_text(encoding="utf-8"))
        return metrics

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Writes the results."""
        _write(self.metrics_file, json.dumps(metrics, indent=2) + "\n")


def _read_csv(path: Path) -> list[dict[str, str]]:
    """Reads the rows, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _add_row(path: Path, row: Mapping[str, Any]) -> None:
    """Adds a row behind those of earlier epochs; the file is there whole at every moment.

    A column that some epochs lack is "nan" there.
    """

    def place(row: Mapping[str, Any]) -> tuple[int, int]:
        return int(row.get("layer", 0)), int(row["epoch"])

    rows = [*(each for each in _read_csv(path) if place(each) < place(row)), row]
    columns = dict.fromkeys(key for each in rows for key in each)
    part = path.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(columns), restval="nan")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)


def runs(out: str | Path, name: str) -> list[Run]:
    """Returns the runs of a recipe, oldest first."""
    folders = [path for path in (Path(out) / name).glob("*") if path.name.isdecimal()]
    return [Run(folder) for folder in sorted(folders, key=lambda folder: int(folder.name))]


def latest_finished(out: str | Path, name: str) -> Run:
    """Returns the recipe's latest run that came to its end."""
    of_name = runs(out, name)
    finished = [run for run in of_name if run.finished]
    if of_name and not finished:
        raise UserError(
            f"No fit of {name!r} under {str(out)!r} is finished: go on with `keras-vae fit {name} "
            f"--resume`, or name {str(of_name[-1].folder)!r} for its last checkpoint."
        )
    if not finished:
        raise UserError(
            f"Recipe {name!r} has no finished run under {str(out)!r}: "
            f"make one with `keras-vae fit {name}`, or name a run folder."
        )
    return finished[-1]


def latest_unfinished(out: str | Path, name: str) -> Run:
    """Returns the recipe's latest run that can go on."""
    unfinished = [run for run in runs(out, name) if not run.finished and run.recipe_file.exists()]
    if not unfinished:
        raise UserError(
            f"Recipe {name!r} has no unfinished run under {str(out)!r}: "
            f"start one with `keras-vae fit {name}`, without --resume."
        )
    return unfinished[-1]
