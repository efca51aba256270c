"""Fits cases, each killed once: `python killed.py FOLDER CASE... --kill`.

Begun again until it comes to its end, it goes on from its checkpoints. Without `--kill` it is not
killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import keras
import numpy as np

from conformance.cases import BATCH_SIZE, named
from keras_vae.training import Checkpoint

EPOCHS = 30  # of 5 steps
REMEMBERED = ", remembered"
"""Ends the name of a case whose fit has callbacks that remember something."""


class Kill(keras.callbacks.Callback):
    """kill -9 from another thread, some milliseconds after some step."""

    def __init__(self, generator: np.random.Generator) -> None:
        super().__init__()
        self.step = int(generator.integers(1, 5 * EPOCHS - 5))
        self.seconds = float(generator.uniform(0.0, 0.02))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if int(self.model.step.numpy()) == self.step:
            threading.Timer(self.seconds, os.kill, [os.getpid(), signal.SIGKILL]).start()


def rememberers() -> list[Any]:
    """Keep the worst epoch, one of the first, which the fit must still know at its end."""
    return [
        keras.callbacks.EarlyStopping(mode="max", patience=EPOCHS, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(mode="max", factor=0.9, patience=3, cooldown=1),
    ]


def fit(name: str, folder: Path, callbacks: list[Any]) -> None:
    case = named(name.removesuffix(REMEMBERED))
    remembering = rememberers() if name.endswith(REMEMBERED) else []
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False, steps_per_execution=1)
    history = model.fit(
        *case.data(),
        validation_data=case.data(20),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[*callbacks, Checkpoint(folder / "checkpoints", "7 steps", remembering)],
    )
    variables = [*model.variables, *model.optimizer.variables]
    np.savez(folder / "variables.npz", *(variable.numpy() for variable in variables))
    (folder / "history.json").write_text(json.dumps(history.history))


def main(where: str, *names: str, kill: bool) -> None:
    for name in names:
        folder = Path(where, name.replace(" ", "-"))
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "history.json").exists():
            continue
        seed = list(name.encode())
        mark = folder / "killed"
        kills = kill and not mark.exists()
        mark.touch()
        fit(name, folder, [Kill(np.random.default_rng(seed))] if kills else [])


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--kill"]
    main(*arguments, kill="--kill" in sys.argv)
