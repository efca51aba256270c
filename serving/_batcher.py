"""Micro-batching: the requests that come in while a batch runs are the next batch.

No request waits for a batch to fill: the first one runs at once, in its own thread. When a batch
has run, its thread hands over to the request that has waited longest, which takes along others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import accumulate

import grpc
import numpy as np

from keras_vae.rows import Array
from keras_vae.serving._status import StatusError

Arrays = Mapping[str, Array]

_MOST_PADDING = 4
"""A batch of several requests grows no larger than this times its rows."""


@dataclass(eq=False)
class _Task:
    """A request and what comes of it.

    Its thread is woken when it is its turn to lead, or when it is done.
    """

    inputs: Arrays
    rows: int
    outputs: Future[Arrays] = field(default_factory=Future)
    turn: threading.Event = field(default_factory=threading.Event)


class Batcher:
    """A function of named arrays, whose concurrent calls are merged along dimension 0.

    Args:
        function: Named arrays (batch, ...) -> named arrays (batch, ...); row i of the results is a
            function of row i alone.
        sizes: The batch sizes to run at, ascending; the last row is repeated to fill one up.
    """

    def __init__(self, function: Callable[[Arrays], Arrays], sizes: Sequence[int]) -> None:
        self._function = function
        self._sizes = sizes
        self._lock = threading.Lock()
        self._running = False
        self._waiting: deque[_Task] = deque()

    def __call__(self, inputs: Arrays) -> Arrays:
        """Calls the function, perhaps with the rows of others.

        Args:
            inputs: At least one array; all have the same number of rows, at most the largest size.

        Raises:
            StatusError: When the function fails on these inputs.
        """
        task = _Task(inputs, len(next(iter(inputs.values()))))
        with self._lock:
            leads = not self._running
            self._running = True
            if not leads:
                self._waiting.append(task)
        if not leads:
            task.turn.wait()
        if not task.outputs.done():
            self._lead(task)
        return task.outputs.result()

    def _lead(self, task: _Task) -> None:
        """Runs the task with others that wait, then lets the next one lead."""
        with self._lock:
            tasks = [task, *self._companions(task)]
        try:
            self._run(tasks)
        finally:
            with self._lock:
                following = self._waiting.popleft() if self._waiting else None
                self._running = following is not None
            if following is not None:
                following.turn.set()
            for other in tasks[1:]:
                other.turn.set()

    def _companions(self, task: _Task) -> list[_Task]:
        """Takes out of the queue, in its order, as many as go well with the task."""
        totals = accumulate((other.rows for other in self._waiting), initial=task.rows)
        fitting = [
            num
            for num, rows in enumerate(totals)
            if rows <= self._sizes[-1] and self._size(rows) <= _MOST_PADDING * rows
        ]
        return [self._waiting.popleft() for _ in range(max(fitting, default=0))]

    def _size(self, rows: int) -> int:
        return next(size for size in self._sizes if size >= rows)

    def _run(self, tasks: list[_Task]) -> None:
        """Fills in each task's outputs or its error; one that fails spoils no other."""
        try:
            parts = self._merged(tasks)
        except Exception as error:
            if len(tasks) > 1:
                for task in tasks:
                    self._run([task])
            else:
                tasks[0].outputs.set_exception(error)
        else:
            for task, part in zip(tasks, parts, strict=True):
                task.outputs.set_result(part)

    def _merged(self, tasks: list[_Task]) -> list[Arrays]:
        """Runs the tasks as one batch and gives each its part."""
        rows = sum(task.rows for task in tasks)
        padding = self._size(rows) - rows if rows else 0
        batch = {}
        for name in tasks[0].inputs:
            merged = _joined([task.inputs[name] for task in tasks])  # (rows, ...)
            batch[name] = _joined([merged, *[merged[-1:]] * padding])  # (rows + padding, ...)
        outputs = self._function(batch)
        for name, array in outputs.items():
            if array.shape[:1] != (rows + padding,):
                raise StatusError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Batched output tensor {name} has the shape {list(array.shape)}; "
                    f"its 0th dimension should equal the batch size {rows + padding}",
                )
        ends = list(accumulate(task.rows for task in tasks))
        return [
            {name: array[end - task.rows : end] for name, array in outputs.items()}  # (rows, ...)
            for task, end in zip(tasks, ends, strict=True)
        ]


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
