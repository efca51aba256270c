"""What every paper's file works with: models trained once, and their classifiers."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_vae import datasets, evaluation, recipes
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.models import LatentModel
from keras_vae.papers.comparison import Form, Picture

T = TypeVar("T")

SEED = 0
"""Of every training."""
EPOCH = 50_000
"""About so many rows has an epoch over repeated ones: each is followed by an evaluation."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """Training rows, repeated, and test rows, as a recipe takes them.

    Attributes:
        name: Of the dataset.
        path: Where it stands; None for where it always does.
        num_rows: Of an epoch.
    """

    name: str
    path: str | Path | None
    num_rows: int


@dataclasses.dataclass(frozen=True)
class Laboratory:
    """Where the data are, where the runs go, and how much time there is.

    Attributes:
        paper: The paper's name, which begins the name of each run.
        data: A folder of datasets, or None.
        out: The folder of all runs.
        form: How long to train.
        verbose: As in `keras.Model.fit`.
    """

    paper: str
    data: str | Path | None
    out: str | Path
    form: Form
    verbose: int | str

    def choose(self, full: T, quick: T) -> T:
        """One of the two; the exact form has what the full one has."""
        return quick if self.form == "quick" else full

    def recipe(self, name: str, recipe: str, epochs: int, *assignments: str) -> recipes.Recipe:
        """A recipe of the package with other values.

        Args:
            name: Of its runs, after the paper's.
            recipe: The name of a recipe.
            epochs: How long.
            *assignments: Values of the recipe that are others, as in `Recipe.override`.
        """
        assignments = (*assignments, f"training.seed={SEED}")
        chosen = recipes.load(recipe).override(assignments).with_epochs(epochs)
        return dataclasses.replace(chosen, name=f"{self.paper}-{name}")

    def run(
        self,
        recipe: recipes.Recipe,
        data: Rows | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> recipes.Run:
        """The run of a trained model: an earlier one if there is one, gone on with if it stopped.

        Args:
            recipe: What `recipe` gives.
            data: From `repeated`; None for the recipe's own.
            callbacks: What they log stands in the run's history.
        """
        path = self.data
        if data is not None:
            recipe = dataclasses.replace(recipe, data={"name": data.name})
            path = data.path
        return recipes.fit_once(
            recipe, data=path, out=self.out, callbacks=callbacks, verbose=self.verbose
        )

    def model(self, name: str, recipe: str, epochs: int, *assignments: str) -> LatentModel:
        """The trained model of a `recipe`, whose arguments these are."""
        run = self.run(self.recipe(name, recipe, epochs, *assignments))
        return recipes.open_model(str(run.folder)).latent_model

    def column(self, run: recipes.Run, name: str) -> list[float]:
        """A column of a run's history, by epoch; NaN where nothing was measured.

        Raises:
            UserError: For a run that went on without the callbacks that measure.
        """
        values = [float(row.get(name, "nan")) for row in run.history_rows()]
        if np.isnan(values[-1]):
            raise UserError(
                f"{run.folder} was finished by another command, which did not measure {name!r}: "
                "remove that folder, and the model is trained anew."
            )
        return values

    def repeated(self, dataset: Dataset, num: int) -> Rows:
        """The first so many training rows, so often that an epoch has about `EPOCH` of them.

        They are written into `<out>/<paper>/data/`, in a folder that their values name, unless they
        are all of the dataset as it stands.

        Args:
            dataset: One of `datasets.NAMES`, or the user's own.
            num: At most all.
        """
        times = max(1, round(EPOCH / num))
        if times == 1 and num == len(dataset.x_train):
            return Rows(dataset.name, self.data, num)
        values = np.ascontiguousarray(dataset.x_train[:num])
        crc = zlib.crc32(np.ascontiguousarray(dataset.x_test).data, zlib.crc32(values.data))
        folder = Path(self.out) / self.paper / "data" / f"{crc:08x}"
        path = folder / f"{dataset.name}-{num}x{times}.npz"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / "part.npz"
            repeated = np.concatenate([values] * times)
            np.savez_compressed(part, x_train=repeated, x_test=dataset.x_test)
            part.replace(path)
        return Rows(path.stem, path, times * num)

    def once(self, what: str, model: LatentModel, measure: Callable[[], T]) -> T:
        """A figure that takes minutes: what was measured before, or what `measure` gives now.

        It is kept in `<out>/<paper>/measured/`, by the model's weights: a model that is trained
        anew is measured anew.

        Args:
            what: Is measured, with all settings.
            model: Of which.
            measure: Gives what JSON can hold.
        """
        data = self.dataset()
        key = zlib.crc32(f"{what}, {data.name} {data.checksum()}".encode())
        for weight in model.get_weights():
            key = zlib.crc32(np.ascontiguousarray(weight).data, key)
        file = Path(self.out) / self.paper / "measured" / f"{key:08x}.json"
        if not file.exists():
            kept = {"what": what, "measured": measure()}
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(".part")
            part.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
            part.replace(file)
        found: T = json.loads(file.read_text(encoding="utf-8"))["measured"]
        return found

    def scores(
        self,
        model: LatentModel,
        dataset: Dataset,
        num_samples: int,
        rows: int | None = None,
    ) -> dict[str, float]:
        """What `evaluation.evaluate` measures of a generative model on test rows, once.

        Args:
            model: A generative one.
            dataset: Whose test rows.
            num_samples: Importance samples of each row.
            rows: How many of the test rows; None for all.
        """
        x_test, y_test = dataset.x_test[:rows], dataset.y_test
        return self.once(
            f"scores of {len(x_test)} test rows with {num_samples} samples, seed {SEED}",
            model,
            lambda: evaluation.evaluate(
                model,
                x_test,
                None if model.condition_dim is None or y_test is None else y_test[:rows],
                likelihood={"estimator": "is", "num_samples": num_samples},
                seed=SEED,
            ),
        )

    @property
    def folder(self) -> Path:
        """Where the page and the pictures go: `<out>/<paper>/<form>/`."""
        return Path(self.out) / self.paper / self.form

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
        return self.once(
            f"errors after fine-tuning, {epochs} epochs, seed {SEED}, {arguments}",
            model,
            lambda: evaluation.fine_tune(
                model,
                data.x_train,
                np.asarray(data.y_train),
                data.x_test,
                np.asarray(data.y_test),
                epochs=epochs,
                seed=SEED,
                verbose=self.verbose,
                **arguments,
            ),
        )

    def linear_probe_error(self, model: LatentModel, penalty: float = 1.0) -> float:
        """The same of a linear classifier on the codes, which stay as they are.

        Args:
            model: As it is.
            penalty: Of the squared weights, halved, beside the sum of the cross-entropies.
        """
        from sklearn.linear_model import LogisticRegression

        data = self.dataset()

        def measure() -> float:
            errors = evaluation.probe_errors(
                evaluation.code_vectors(model, data.x_train),
                np.asarray(data.y_train),
                evaluation.code_vectors(model, data.x_test),
                np.asarray(data.y_test),
                num_labels=[None],
                probes={"linear": partial(LogisticRegression, C=1.0 / penalty, max_iter=1000)},
            )
            return errors["linear"][len(data.x_train)]

        return self.once(f"errors of a linear classifier, penalty {penalty}", model, measure)
