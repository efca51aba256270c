"""Seconds per epoch of small networks here and in other libraries, alternately on one machine.

Run `python tests/benchmarks/training.py --net mlp` where the project is installed with its extra
`benchmark`. All contenders have the same network, objective, optimizer, images and batches. Each is
a process of its own that waits while the others run; ratios are medians over the rounds. In
`--net evaluation` the work is the estimate of log p(x) by 5,000 samples, an epoch once through the
images.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from contenders import NETS, Work

ON_CPUS = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Timing(NamedTuple):
    """Seconds per epoch, and the mean loss of the last one, in nats per image."""

    seconds: float
    loss: float


class Waiting:
    """A contender's process, which works whenever it is told to."""

    def __init__(self, net: str, name: str, work: Work) -> None:
        command = [sys.executable, __file__, "--net", net, "--contender", name]
        for option, value in work._asdict().items():
            command += [f"--{option.replace('_', '-')}", str(value)]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open while the process is
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **ON_CPUS},
        )

    def timing(self) -> Timing:
        """Lets it do its work once.

        Raises:
            RuntimeError: It has ended instead; the message is what it wrote about it.
        """
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            self._errors.seek(0)
            raise RuntimeError(self._errors.read())
        return Timing(*map(float, answer.split()))


def serve(net: str, name: str, work: Work) -> None:
    """Does a contender's work once for each line on standard input."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    run = None
    for _ in sys.stdin:
        run = run or NETS[net].contenders[name].prepare(net, work)
        start = time.perf_counter()
        loss = run()
        print((time.perf_counter() - start) / work.epochs, loss, file=answers, flush=True)


def started(net: str, names: list[str], work: Work) -> dict[str, Waiting]:
    """The processes of the contenders that can run here, warm; says of the others why not."""
    processes = {}
    for name in names:
        missing = NETS[net].contenders[name].missing()
        if missing:
            print(f"{name}: left out, not installed: {', '.join(missing)}")
            continue
        process = Waiting(net, name, work)
        try:
            process.timing()  # imports, traces, compiles
        except RuntimeError as error:
            print(error, file=sys.stderr)
            print(f"{name}: left out, failed: {str(error).strip().splitlines()[-1:]}")
        else:
            processes[name] = process
    return processes


def table(net: str, timings: dict[str, list[Timing]]) -> str:
    """A line per contender: medians, and this library's share of its time."""
    lines = [f"{'':40} s per epoch   keras-vae's share      loss"]
    for name, own in timings.items():
        rival = timings.get(NETS[net].contenders[name].rival, [])
        ratios = [ours.seconds / its.seconds for ours, its in zip(rival, own, strict=False)]
        share = f"{statistics.median(ratios):.2f}" if ratios else "-"
        seconds = statistics.median(timing.seconds for timing in own)
        lines.append(f"{name:40} {seconds:11.2f}   {share:>17} {own[-1].loss:9.2f}")
    return "\n".join(lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=NETS, default="mlp")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--rows", type=int, help="how many images")
    parser.add_argument("--epochs", type=int, help="of one timing; its seconds are per epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contenders alone")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    net = NETS[arguments.net]
    batch_size = arguments.batch_size or net.batch_size
    rows = arguments.rows or net.rows
    work = Work(rows - rows % batch_size, batch_size, arguments.epochs or net.epochs)
    if arguments.contender:
        serve(arguments.net, arguments.contender, work)
        return
    names = arguments.only or list(net.contenders)
    if unknown := [name for name in names if name not in net.contenders]:
        parser.error(f"{arguments.net} has no {unknown}; choose from {list(net.contenders)}")
    if not work.rows:
        parser.error(f"{rows} images are less than a batch of {batch_size}")
    print(
        f"{arguments.net}: {work.rows} images, batches of {work.batch_size}, "
        f"{work.epochs} epochs per timing, {arguments.rounds} rounds, {os.cpu_count()} cores"
    )
    processes = started(arguments.net, names, work)
    timings: dict[str, list[Timing]] = {name: [] for name in processes}
    for _ in range(arguments.rounds):
        for name, process in processes.items():
            timings[name].append(process.timing())
    print(table(arguments.net, timings))


if __name__ == "__main__":
    main()
