"""What a contender is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Work(NamedTuple):
    """The work of one timing.

    Attributes:
        rows: Images, a multiple of the batch size, so that no batch is short.
        batch_size: Images per step.
        epochs: How often all images are gone through.
    """

    rows: int
    batch_size: int
    epochs: int

    @property
    def steps(self) -> int:
        """Batches per epoch."""
        return self.rows // self.batch_size


Run = Callable[[], float]
"""Does the work once and returns the mean loss of the last epoch, in nats per image."""
