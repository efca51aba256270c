"""Seconds per epoch of a small VAE here and in other libraries, alternately on one machine.

Run `python tests/benchmarks/training.py --batch-size 100` where the project is installed with its
extra `benchmark`. Each contender is a process of its own that waits while the others run; ratios
are medians over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import contenders

CONTENDERS: dict[str, Callable[[int], contenders.Epoch]] = {
    "keras-vae": contenders.keras_vae,
    "products of matrices alone": contenders.products,
    "PyTorch eager": partial(contenders.torch, compiled=False),
    "PyTorch compiled, fused Adam": partial(contenders.torch, compiled=True),
    "JAX, scan": contenders.jax,
    "plain Keras": contenders.plain_keras,
    "keras-vae, 1 step per execution": partial(contenders.keras_vae, steps_per_execution=1),
}


class Contender:
    """A process that runs one epoch whenever it is told to."""

    def __init__(self, name: str, batch_size: int) -> None:
        command = [sys.executable, __file__, "--contender", name, "--batch-size", str(batch_size)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def epoch(self) -> float:
        """Runs one epoch and returns its seconds."""
        assert self.process.stdin
        assert self.process.stdout
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def serve(name: str, batch_size: int) -> None:
    """Runs the contender's epochs, one for each line on standard input."""
    epoch = CONTENDERS[name](batch_size)
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(time.perf_counter() - start, flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        serve(arguments.contender, arguments.batch_size)
        return
    processes = {name: Contender(name, arguments.batch_size) for name in CONTENDERS}
    for process in processes.values():
        process.epoch()  # imports, traces, compiles
    seconds: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(arguments.rounds):
        for name, process in processes.items():
            seconds[name].append(process.epoch())
    ours = seconds["keras-vae"]
    for name, times in seconds.items():
        ratio = statistics.median(own / other for own, other in zip(ours, times, strict=True))
        print(
            f"{name:32} {statistics.median(times):6.2f} s per epoch   keras-vae {ratio:5.2f} of it"
        )


if __name__ == "__main__":
    main()
