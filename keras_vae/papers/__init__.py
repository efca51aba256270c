"""What papers have published, and the same measured here: one file for each paper.

A file names the recipes that it trains, and what it measures of them. Training, networks and
classifiers live elsewhere.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from keras_vae.errors import UserError, did_you_mean
from keras_vae.papers.comparison import Comparison, Findings, Form, Picture, Reproduction

_CODES = {
    "hinton-2006": "Deep autoencoder of 30 numbers: squared error per image",
    "rifai-2011": "Contractive autoencoder: classification error, Jacobian, saturation",
    "vincent-2010": "Stacked denoising autoencoder: classification error",
    "masci-2011": "Convolutional autoencoder: classification error against a random start",
    "ng-2011": "Stacked sparse autoencoder: accuracy before and after fine-tuning",
    "makhzani-2014": "k-sparse autoencoder: error of a linear classifier on the code",
}
"""Papers whose codes are judged by classifiers, which takes labels and scikit-learn."""
_LIKELIHOODS = {
    "aevb-2013": "Variational autoencoder beside wake-sleep and Monte Carlo EM: figures 2 to 5",
    "burda-2015": "VAE and IWAE, one and two layers of codes: likelihood and active units",
    "estimators": "Variance of score function, SGVB A and B, STL and DReG over training",
    "hwalsuklee": "The pictures of two repositories, tensorflow-mnist-VAE and -CVAE",
    "sohn-2015": "Conditional VAE: likelihood of digits, given one, two or three quadrants",
}
"""Papers, and repositories, on generative models."""
_EXACT = ("burda-2015",)
"""Those whose own schedule is kept beside a shorter one."""
PAPERS = _LIKELIHOODS | _CODES
"""Name -> what is compared, on MNIST."""

__all__ = ["PAPERS", "Comparison", "Findings", "Form", "Picture", "Reproduction", "reproduce"]


def reproduce(
    paper: str,
    *,
    data: str | Path | None = None,
    out: str | Path = "runs",
    form: Form = "full",
    verbose: int | str = "auto",
) -> Reproduction:
    """Trains what a paper trained, measures what it measured, and writes a page about it.

    Args:
        paper: A name in `PAPERS`.
        data: A folder of datasets; see `keras_vae.datasets.load`.
        out: The folder of all runs. A finished run of the same recipe and data is not made again.
        form: "full" takes hours; "quick" minutes, for the same figures, and worse ones; "exact"
            days, on the paper's own schedule, for "burda-2015".
        verbose: As in `keras.Model.fit`.

    Raises:
        UserError: For a paper that is not here, or that has no schedule of days; and for data
            without labels, or without scikit-learn, where a paper trains classifiers.
    """
    if paper not in PAPERS:
        raise UserError(
            f"Unknown paper {paper!r}{did_you_mean(paper, PAPERS)} "
            f"Expected one of {', '.join(PAPERS)}."
        )
    if form == "exact" and paper not in _EXACT:
        raise UserError(
            f"The paper's own schedule is kept for {', '.join(_EXACT)}, and takes days. Received "
            f"{paper!r}: choose the full form."
        )
    from keras_vae.evaluation import require_scikit_learn
    from keras_vae.papers.laboratory import SEED, Laboratory
    from keras_vae.papers.page import write_page

    laboratory = Laboratory(paper, data, out, form, verbose)
    dataset = laboratory.dataset()
    if paper in _CODES:
        require_scikit_learn()
        if dataset.num_classes is None:
            raise UserError(
                f"Classifiers need integer labels, and {dataset.name!r} has none: give y_train and "
                "y_test, or leave out --data for MNIST."
            )
    module = importlib.import_module(f"keras_vae.papers.{paper.replace('-', '_')}")
    findings = module.measure(laboratory)
    reproduction = Reproduction(
        paper=paper,
        form=form,
        data=dataset.name,
        train_rows=len(dataset.x_train),
        test_rows=len(dataset.x_test),
        seed=SEED,
        comparisons=findings.comparisons,
        pictures=findings.pictures,
        page=str(laboratory.folder / "index.html"),
    )
    write_page(reproduction, PAPERS[paper], module.__doc__ or "")
    return reproduction
