"""The figures of a paper beside the same ones of this library."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

Form = Literal["quick", "full", "exact"]
"""How long models are trained: minutes, hours, or days, as long as the paper did."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A figure, published and measured.

    Attributes:
        name: What was measured, and of which model.
        published: The paper's number; None where it gives none.
        measured: This library's.
        unit: Of both, such as "% errors".
    """

    name: str
    published: float | None
    measured: float
    unit: str


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure of a paper, drawn anew.

    Attributes:
        caption: What it shows, and which figure of the paper it stands for.
        file: A .png file.
    """

    caption: str
    file: str


@dataclasses.dataclass(frozen=True)
class Findings:
    """What a paper's file measures and draws.

    Attributes:
        comparisons: The figures that are numbers.
        pictures: And those that are drawn.
    """

    comparisons: Sequence[Comparison]
    pictures: Sequence[Picture] = ()


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What was measured for a paper, and how.

    Attributes:
        paper: Its name in `PAPERS`.
        form: How long the models were trained.
        data: The name of the dataset.
        train_rows: How many rows the models were trained on.
        test_rows: How many rows the figures were measured on.
        seed: Of all trainings.
        comparisons: The figures that are numbers.
        pictures: And those that are drawn.
        page: An HTML file with all of this in it, which a browser opens without any other file.
    """

    paper: str
    form: Form
    data: str
    train_rows: int
    test_rows: int
    seed: int
    comparisons: Sequence[Comparison]
    pictures: Sequence[Picture]
    page: str
