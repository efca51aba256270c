"""A fit that can be stopped at any moment and goes on as if it had not been."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras

from keras_vae.errors import UserError
from keras_vae.training.callback_group import CallbackGroup, Logs
from keras_vae.training.callback_states import CallbackStates
from keras_vae.training.snapshot import (
    Snapshot,
    latest_snapshot,
    metric_state,
    read_snapshot,
    state,
)
from keras_vae.training.strategies import from_chief, is_chief

_EVERY = re.compile(r"(\d+(?:\.\d+)?)\s*(epoch|step|minute)s?")


class Checkpoint(CallbackGroup):
    """Saves a fit while it runs; the same script, begun again, goes on from there.

        model.fit(x, epochs=100, callbacks=[Checkpoint("checkpoints", every="10 minutes")])

    What is saved: weights, the optimizer, the step (and so noise and schedules), the order of the
    data, metrics within an epoch, and the history, which `fit` returns whole. On the same machine
    the weights are bit for bit those of a fit that was never stopped.

    Callbacks that remember something are given to this one, which calls them and saves their state
    too. A fit that one of them ended stays ended when it is begun again.

        best = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
        model.fit(x, validation_data=(x_test,), callbacks=[Checkpoint(folder, callbacks=[best])])

    A file appears whole or not at all, and the latest alone is kept. It is written beside the
    training, by a thread. Of several workers, the chief alone writes and reads.

    Args:
        folder: Where `epoch-0001.npz` and its successors go; of this fit alone.
        every: How often: a number of "epochs", "steps" or "minutes". The end of the fit is saved
            in any case. Within an epoch, a fit goes on where its batches come in the same order
            again, as those of arrays do.
        callbacks: Such as Keras' `EarlyStopping`, `ReduceLROnPlateau` and `ModelCheckpoint`; left
            out of `fit`'s own list. Their state is what their plain attributes hold: numbers,
            truth values, None, arrays, and lists of these.

    Raises:
        UserError: For another `every`; from `fit`, when a file cannot be written or is damaged, for
            other callbacks than those of the file, and for one in `fit`'s own list as well.
    """

    def __init__(
        self,
        folder: str | Path,
        every: str = "1 epoch",
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__(callbacks)
        self._folder = Path(folder)
        self._count, self._unit = parse_every(every)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[Path] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Goes on from the latest file, if there is one."""
        self.wait()
        super().on_train_begin(logs)
        self._resumed = self._latest()
        self._last = (self._resumed.epoch, self._resumed.step)
        self._last_step, self._last_time = self._step(), time.monotonic()
        self._epoch = self._resumed.epoch
        self.ended |= self._resumed.ended
        done = self.params["epochs"] if self.ended else self._resumed.epoch
        self.model._initial_epoch = done  # where Keras' own BackupAndRestore has it
        self.model.history.history.update(self._resumed.history)
        self._behind = self._resumed.step
        if self._behind:
            self._skip()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes where the epoch begins."""
        super().on_epoch_begin(epoch, logs)
        self.model._initial_epoch = None  # it has been heeded
        self._epoch = epoch
        self._first_step = self._step()
        if (epoch, 0) < self._last:  # and callbacks have begun it before
            self._restore(self._resumed)
            self._resumed.put_metrics_into(self.model)
            self._first_step -= self._resumed.step

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Notes whether the batches are those that the fit has seen before."""
        self._passing = self._behind >= self.model.steps_per_execution
        if not self._passing:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Saves within an epoch."""
        if self._passing:
            return
        super().on_train_batch_end(batch, logs)
        if self.ended:  # Keras ends the epoch here
            return
        if self._is_due():
            metrics = [variable.numpy() for variable in metric_state(self.model)]
            history = dict(self.model.history.history)
            self._save(self._epoch, self._step() - self._first_step, history, metrics)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves a whole epoch."""
        super().on_epoch_end(epoch, logs)
        before = self.model.history.history  # Keras adds this epoch's logs after this call
        self._history = {
            name: [*before.get(name, []), float(value)] for name, value in (logs or {}).items()
        }
        self._epoch = epoch + 1
        if self._unit == "epoch" and self._epoch - self._last[0] >= self._count:
            self._save(self._epoch, 0, self._history, [])

    def on_train_end(self, logs: Logs = None) -> None:
        """Saves the end, and waits until it is on the disk."""
        self.model._initial_epoch = None
        kept = range(self._resumed.epoch)
        self.model.history.epoch = [*kept, *self.model.history.epoch]
        if (self._epoch, 0) > self._last:
            self._save(self._epoch, 0, self._history, [])
        self.wait()
        super().on_train_end(logs)

    def wait(self) -> None:
        """Returns when what has been saved so far is on the disk.

        Raises:
            UserError: When it could not be written.
        """
        writing, self._writing = self._writing, None
        if writing is None:
            return
        try:
            writing.result()
        except OSError as error:
            kept = latest_snapshot(self._folder)
            raise UserError(
                f"The checkpoint could not be written, {self._folder}: {error.strerror or error}; "
                f"{f'{kept.name} stays' if kept else 'there is none before it'}."
            ) from error

    def _save(
        self, epoch: int, step: int, history: dict[str, list[float]], metrics: list[Any]
    ) -> None:
        self.wait()
        values = [variable.numpy() for variable in state(self.model)]
        self._last = (epoch, step)
        self._last_step, self._last_time = self._step(), time.monotonic()
        if is_chief(self.model.distribute_strategy):
            states = CallbackStates.of(self.callbacks)
            now = Snapshot(epoch, step, history, values, metrics, states, self.ended)
            self._writing = self._writer.submit(now.write, self._folder)

    def _latest(self) -> Snapshot:
        """The latest file, put into the model; or where the fit stands without one."""
        strategy = self.model.distribute_strategy
        path = latest_snapshot(self._folder) if is_chief(strategy) else None
        before = Snapshot(0, 0, {}, [], []) if path is None else read_snapshot(path)
        place = [before.epoch, before.step, len(before.metrics), before.ended]
        epoch, step, num_metrics, ended = map(int, from_chief(strategy, place))
        if (epoch, step) == (0, 0):
            return before
        if path is None:  # of a worker that is not the chief
            metrics = metric_state(self.model)[:num_metrics]
            values = [variable.numpy() for variable in state(self.model)]
            before = Snapshot(epoch, step, {}, values, [variable.numpy() for variable in metrics])
        values = from_chief(strategy, before.values)
        metrics = from_chief(strategy, before.metrics)
        states = before.callbacks.from_chief(strategy)
        found = Snapshot(epoch, step, before.history, values, metrics, states, bool(ended))
        self._restore(found)
        return found

    def _restore(self, snapshot: Snapshot) -> None:
        snapshot.put_into(self.model)
        snapshot.callbacks.put_into(self.callbacks)

    def _skip(self) -> None:
        """Lets the batches of the first steps pass, in executions as long as ever."""
        function = self.model.train_function

        def skipping(iterator: Any) -> Any:
            count = min(self._behind, self.model.steps_per_execution)
            self.model.train_function = function  # also if this is interrupted
            for _ in range(count):
                next(iterator)
            self._behind -= count
            if self._behind > 0:
                self.model.train_function = skipping
            if count == self.model.steps_per_execution:
                return self.model.get_metrics_result()
            return function(iterator)

        self.model.train_function = skipping

    def _is_due(self) -> bool:
        """Whether to save within an epoch; of several workers, the first one's clock counts."""
        if self._unit == "step":
            return self._step() - self._last_step >= self._count
        if self._unit == "epoch":
            return False
        minutes = (time.monotonic() - self._last_time) / 60.0
        (is_due,) = from_chief(self.model.distribute_strategy, [minutes >= self._count])
        return bool(is_due)

    def _step(self) -> int:
        return int(self.model.step.numpy())


def parse_every(every: str) -> tuple[float, str]:
    """Returns the number and the unit: (10.0, "minute") of "10 minutes".

    Raises:
        UserError: For anything but a number above 0 of epochs, steps or minutes.
    """
    found = _EVERY.fullmatch(every.strip())
    if found is None or float(found[1]) == 0:
        raise UserError(
            'Checkpoints come every so many epochs, steps or minutes, as in "1 epoch", "500 steps" '
            f'or "10 minutes". Received {every!r}.'
        )
    return float(found[1]), found[2]
