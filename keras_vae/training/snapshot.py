"""A fit at one moment, as a file that is whole or absent."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.training.callback_states import CallbackStates

_NAME = re.compile(r"epoch-(\d+)(?:-step-(\d+))?\.npz")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that a fit goes on from.

    Attributes:
        epoch: How many epochs are behind it.
        step: How many steps of the next epoch are behind it.
        history: The values of each quantity at the ends of those epochs.
        values: Of the variables of `state`, in its order.
        metrics: Of the variables of `metric_state`; empty at the end of an epoch.
        callbacks: What the callbacks remember.
        ended: Whether one of them has ended the fit.
    """

    epoch: int
    step: int
    history: dict[str, list[float]]
    values: list[Array]
    metrics: list[Array]
    callbacks: CallbackStates = dataclasses.field(default_factory=CallbackStates)
    ended: bool = False

    def write(self, folder: Path) -> Path:
        """Writes the file, flushed to the disk before it gets its name, and deletes older ones."""
        folder.mkdir(parents=True, exist_ok=True)
        older = list(snapshots(folder).values())
        within = f"-step-{self.step:06d}" if self.step else ""
        path = folder / f"epoch-{self.epoch:04d}{within}.npz"
        part = folder / "part"
        arrays: dict[str, Any] = {
            "history": np.array(json.dumps(self.history)),
            "callbacks": np.array(self.callbacks.text),
            "ended": np.array(self.ended),
        }
        parts = {"value": self.values, "metric": self.metrics, "callback": self.callbacks.arrays}
        for name, values in parts.items():
            arrays |= {f"{name}-{number}": value for number, value in enumerate(values)}
        try:
            with part.open("wb") as file:
                np.savez(file, **arrays)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        part.replace(path)
        _flush_folder(folder)
        for each in older:
            if each != path:
                each.unlink(missing_ok=True)
        return path

    def put_into(self, model: keras.Model) -> None:
        """Gives a model the values, but for those of its metrics."""
        _assign(state(model), self.values)

    def put_metrics_into(self, model: keras.Model) -> None:
        """Gives a model's metrics what they had gathered, if this is within an epoch."""
        if self.metrics:
            _assign(metric_state(model), self.metrics)


def read_snapshot(path: Path) -> Snapshot:
    """Reads a snapshot.

    Raises:
        UserError: If it is damaged.
    """
    found = _NAME.fullmatch(path.name)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        history = json.loads(str(arrays.pop("history")))
        states = str(arrays.pop("callbacks", "[]"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{str(path)!r} is damaged: delete it and begin anew.") from error

    def part(name: str) -> list[Array]:
        return [array for key, array in arrays.items() if key.startswith(f"{name}-")]

    return Snapshot(
        epoch=int(found[1]) if found else 0,
        step=int(found[2] or 0) if found else 0,
        history=history,
        values=part("value"),
        metrics=part("metric"),
        callbacks=CallbackStates(states, part("callback")),
        ended=bool(arrays.get("ended", False)),
    )


def snapshots(folder: Path) -> dict[tuple[int, int], Path]:
    """The files of a folder by (epoch, step)."""
    found = {path: _NAME.fullmatch(path.name) for path in folder.glob("epoch-*.npz")}
    return {(int(name[1]), int(name[2] or 0)): path for path, name in found.items() if name}


def latest_snapshot(folder: str | Path) -> Path | None:
    """The file that a fit goes on from, or None if there is none."""
    paths = snapshots(Path(folder))
    return paths[max(paths)] if paths else None


def state(model: keras.Model) -> list[Any]:
    """The variables of a compiled model and of its optimizer: weights, steps, random seeds."""
    return [*model.variables, *model.optimizer.variables]


def metric_state(model: keras.Model) -> list[Any]:
    """The variables of its metrics."""
    return list(model.metrics_variables)


def _assign(variables: list[Any], values: list[Array]) -> None:
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [value.shape for value in values]:
        raise UserError(
            f"The checkpoint holds {len(values)} variables, and the model has {len(shapes)} or "
            "others: go on with the model that it was made of, or begin in another folder."
        )
    for variable, value in zip(variables, values, strict=True):
        # Of bfloat16, numpy's files know the bytes alone.
        own = tf.as_dtype(variable.dtype).as_numpy_dtype
        variable.assign(value.view(own) if value.dtype.kind == "V" else value)


def _flush_folder(folder: Path) -> None:
    """Makes a new name survive a loss of power; Windows has no such thing."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
