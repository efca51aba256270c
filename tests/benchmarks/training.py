"""Seconds per epoch of mnist-vae's network here and in plain PyTorch, alternately on one machine.

Run `python tests/benchmarks/training.py` where the project and torch are installed (`pip install
torch`; the CPU build will do). Each contender is a process of its own that waits while the others
run; the ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

BATCH_SIZE = 100


def digits() -> np.ndarray:
    """60,000 images of MNIST's shape, uint8: the time does not depend on what they show."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (60_000, 28, 28, 1), dtype=np.uint8) * (
        rng.random((60_000, 28, 28, 1)) < 0.2
    )


def keras_vae_epoch(steps_per_execution: int | None = None) -> Callable[[], object]:
    """784-500-20 with this library, through `model.fit`, dynamic binarization."""
    import keras_vae

    encoder, decoder = keras_vae.networks.dense((28, 28, 1), latent_dim=20, hidden=(500,))
    vae = keras_vae.VAE(
        encoder, decoder, likelihood={"name": "bernoulli", "binarization": "dynamic"}
    )
    vae.compile("adam", steps_per_execution=steps_per_execution)
    x = digits()
    return lambda: vae.fit(x, batch_size=BATCH_SIZE, epochs=1, verbose=0)


def torch_epoch() -> Callable[[], object]:
    """The same network, data and optimizer in eager PyTorch."""
    import torch
    from torch.nn import functional

    torch.manual_seed(0)
    encoder = torch.nn.Sequential(
        torch.nn.Linear(784, 500), torch.nn.Tanh(), torch.nn.Linear(500, 40)
    )
    decoder = torch.nn.Sequential(
        torch.nn.Linear(20, 500), torch.nn.Tanh(), torch.nn.Linear(500, 784)
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    images = torch.from_numpy(digits().reshape(-1, 784))

    def epoch() -> None:
        order = torch.randperm(len(images))
        for start in range(0, len(images), BATCH_SIZE):
            x = torch.bernoulli(images[order[start : start + BATCH_SIZE]].float() / 255)
            loc, log_variance = encoder(x).chunk(2, dim=1)
            z = loc + torch.exp(0.5 * log_variance) * torch.randn_like(loc)
            reconstruction = functional.binary_cross_entropy_with_logits(
                decoder(z), x, reduction="sum"
            )
            kl = -0.5 * torch.sum(1 + log_variance - loc**2 - log_variance.exp())
            loss = (reconstruction + kl) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


CONTENDERS: dict[str, Callable[[], Callable[[], object]]] = {
    "keras-vae": keras_vae_epoch,
    "keras-vae, 1 step per execution": lambda: keras_vae_epoch(1),
    "PyTorch eager": torch_epoch,
}


class Contender:
    """A process that runs one epoch whenever it is told to."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, __file__, "--contender", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def epoch(self) -> float:
        """Runs one epoch and returns its seconds."""
        assert self.process.stdin
        assert self.process.stdout
        print(file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def serve(name: str) -> None:
    """Runs the contender's epochs, one for each line on standard input."""
    epoch = CONTENDERS[name]()
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(time.perf_counter() - start, flush=True)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        serve(arguments.contender)
        return
    contenders = {name: Contender(name) for name in CONTENDERS}
    for contender in contenders.values():
        contender.epoch()  # imports, traces, compiles
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(arguments.rounds):
        for name, contender in contenders.items():
            seconds[name].append(contender.epoch())
    reference = seconds["PyTorch eager"]
    for name, times in seconds.items():
        ratio = statistics.median(own / other for own, other in zip(times, reference, strict=True))
        print(
            f"{name:35} {statistics.median(times):6.2f} s per epoch   {ratio:5.2f} of PyTorch eager"
        )


if __name__ == "__main__":
    main()
