"""The forms in which PyTorch trains: eager or compiled, layouts, bfloat16, kinds of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from contenders.data import digits
from contenders.sizes import LEARNING_RATE
from contenders.work import Run, Work

Function = Callable[..., Tensor]


class Form(NamedTuple):
    """How PyTorch is told to run.

    Attributes:
        compiled: Whether by `torch.compile`, with the fused Adam; else eager, with the default one.
        channels_last: Whether weights of convolutions are laid out so.
        bfloat16: Whether under `torch.autocast`.
        loader: Whether batches come from a `DataLoader`, as in most scripts; else they are cut from
            one tensor.
    """

    compiled: bool = False
    channels_last: bool = False
    bfloat16: bool = False
    loader: bool = False

    def of(self, function: Function) -> Function:
        """A function of tensors in this form."""
        if self.bfloat16:
            function = _in_bfloat16(function)
        return torch.compile(function, dynamic=False) if self.compiled else function

    def laid_out(self, network: nn.Module) -> nn.Module:
        """A network in this form's layout."""
        return network.to(memory_format=torch.channels_last) if self.channels_last else network


def as_probabilities(rows: Tensor) -> Tensor:
    """Grey values in [0, 1] of images as a form's batches have them, same shape."""
    return rows.float() / 255 if rows.dtype == torch.uint8 else rows


def train(
    work: Work,
    parameters: list[nn.Parameter],
    loss_of: Function,
    shape: tuple[int, ...],
    form: Form,
) -> Run:
    """Minimizes a loss of batches of images (batch, *shape) by Adam."""
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, fused=form.compiled or None)
    images = torch.from_numpy(digits(work.rows).reshape(-1, *shape))
    batches = _loaded(images, work) if form.loader else _Cut(images, work.batch_size)
    loss_of = form.of(loss_of)

    def run() -> float:
        for _ in range(work.epochs):
            total = torch.zeros(())
            for (rows,) in batches:
                loss = loss_of(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach()
        return total.item() / work.steps

    return run


class _Cut:
    """Batches of shuffled rows, gathered from one tensor in memory."""

    def __init__(self, images: Tensor, batch_size: int) -> None:
        self._images = images
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[tuple[Tensor]]:
        for rows in torch.randperm(len(self._images)).split(self._batch_size):
            yield (self._images[rows],)


def _loaded(images: Tensor, work: Work) -> Iterable[tuple[Tensor]]:
    dataset = TensorDataset(as_probabilities(images))
    return DataLoader(dataset, batch_size=work.batch_size, shuffle=True)


def _in_bfloat16(function: Function) -> Function:
    def cast(*arguments: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return function(*arguments)

    return cast
