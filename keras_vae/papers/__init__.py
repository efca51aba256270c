"""What papers have published, and the same measured here: one file for each paper.

A file names the recipes that it trains, and what it measures of them. Training, networks and
classifiers live elsewhere.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from keras_vae.errors import UserError
from keras_vae.papers.comparison import Comparison
from keras_vae.recipes._check import nearest

PAPERS = {
    "hinton-2006": "Deep autoencoder of 30 numbers: squared error per image",
    "rifai-2011": "Contractive autoencoder: classification error, Jacobian, saturation",
    "vincent-2010": "Stacked denoising autoencoder: classification error",
    "masci-2011": "Convolutional autoencoder: classification error against a random start",
    "ng-2011": "Stacked sparse autoencoder: accuracy before and after fine-tuning",
    "makhzani-2014": "k-sparse autoencoder: error of a linear classifier on the code",
}
"""Name -> what is compared, on MNIST."""

__all__ = ["PAPERS", "Comparison", "reproduce"]


def reproduce(
    paper: str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    quick: bool = False,
    verbose: int | str = "auto",
) -> Sequence[Comparison]:
    """Trains what a paper trained, and measures what it measured.

    Args:
        paper: A name in `PAPERS`.
        data: A folder of datasets; see `keras_vae.datasets.load`.
        out: The folder of all runs. A finished run of the same recipe and data is not made again.
        quick: Whether to train for minutes in place of hours: the same figures, and worse ones.
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: For a paper that is not here.
    """
    if paper not in PAPERS:
        raise UserError(
            f"Unknown paper {paper!r}: did you mean {nearest(paper, PAPERS)!r}? "
            f"Expected one of {', '.join(PAPERS)}."
        )
    from keras_vae.papers.laboratory import Laboratory

    module = importlib.import_module(f"keras_vae.papers.{paper.replace('-', '_')}")
    laboratory = Laboratory(paper, data, out, quick, verbose)
    comparisons: Sequence[Comparison] = module.measure(laboratory)
    return comparisons
