"""What every paper's file works with: models trained once, and their classifiers."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from keras_vae import datasets, evaluation, recipes
from keras_vae.datasets import Dataset
from keras_vae.models import LatentModel
from keras_vae.papers.comparison import Picture

SEED = 0
"""Of every training."""


@dataclasses.dataclass(frozen=True)
class Laboratory:
    """Where the data are, where the runs go, and how much time there is.

    Attributes:
        paper: The paper's name, which begins the name of each run.
        data: A folder of datasets, or None.
        out: The folder of all runs.
        quick: Whether to train for minutes.
        verbose: As in `keras.Model.fit`.
    """

    paper: str
    data: str | Path | None
    out: str | Path
    quick: bool
    verbose: int | str

    def epochs(self, full: int, quick: int) -> int:
        """One of the two."""
        return quick if self.quick else full

    def model(self, name: str, recipe: str, epochs: int, *assignments: str) -> LatentModel:
        """A trained model, from an earlier run if there is one.

        Args:
            name: Of the run, after the paper's.
            recipe: The name of a recipe.
            epochs: How long.
            *assignments: Values of the recipe that are others, as in `Recipe.override`.
        """
        assignments = (*assignments, f"training.seed={SEED}")
        chosen = recipes.load(recipe).override(assignments).with_epochs(epochs)
        chosen = dataclasses.replace(chosen, name=f"{self.paper}-{name}")
        run = recipes.fit_once(chosen, data=self.data, out=self.out, verbose=self.verbose)
        return recipes.open_model(str(run.folder)).latent_model

    @property
    def folder(self) -> Path:
        """Where the page and the pictures go: `<out>/<paper>/full/`, or `quick`."""
        return Path(self.out) / self.paper / ("quick" if self.quick else "full")

    def picture(self, name: str, figure: Figure, caption: str) -> Picture:
        """Writes a figure into the paper's folder.

        Args:
            name: Of the file, without its ending.
            figure: What to write.
            caption: What it shows, and which figure of the paper it stands for.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.png"
        figure.savefig(file)
        return Picture(caption, str(file))

    def dataset(self) -> Dataset:
        """MNIST, or the sample of it where that is all there is."""
        return datasets.load("mnist", self.data)

    def classification_error(self, model: LatentModel, epochs: int, **arguments: Any) -> float:
        """Errors in % on the test rows, of a classifier that begins with the model's encoder."""
        data = self.dataset()
        return evaluation.fine_tune(
            model,
            data.x_train,
            np.asarray(data.y_train),
            data.x_test,
            np.asarray(data.y_test),
            epochs=epochs,
            seed=SEED,
            verbose=self.verbose,
            **arguments,
        )

    def linear_probe_error(self, model: LatentModel, penalty: float = 1.0) -> float:
        """The same of a linear classifier on the codes, which stay as they are.

        Args:
            model: As it is.
            penalty: Of the squared weights, halved, beside the sum of the cross-entropies.
        """
        from sklearn.linear_model import LogisticRegression

        data = self.dataset()
        errors = evaluation.probe_errors(
            evaluation.code_vectors(model, data.x_train),
            np.asarray(data.y_train),
            evaluation.code_vectors(model, data.x_test),
            np.asarray(data.y_test),
            num_labels=[None],
            probes={"linear": partial(LogisticRegression, C=1.0 / penalty, max_iter=1000)},
        )
        return errors["linear"][len(data.x_train)]
