"""Kingma and Welling (2013), "Auto-Encoding Variational Bayes": figures 2 to 5.

Networks of one layer of tanh units, 500 for MNIST and 200 for Frey Faces, 100 in figure 3;
minibatches of 100, one sample, Adagrad, weights begun as N(0, 0.01) and with a standard normal
prior. Published numbers are read off figure 2, at 10^8 samples; those of Frey Faces at the middle
of 1200 to 1400 nats.

Where this is not the paper: MNIST is binarized anew at every step; Adagrad has one step size, 0.01,
of the three that the paper chose from; Monte Carlo EM begins its chains at an encoder that learns
from them, see `MonteCarloEM`; likelihoods in figure 3 are by importance sampling from the encoder,
tight for three dimensions, where the paper fits a density to chains; the full form of figure 3
sees 2 * 10^7 samples. Rows of small training sets are repeated until an epoch is one of some 50,000
samples, of which each has as many.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import numpy as np

from keras_vae import datasets, figures, recipes
from keras_vae.datasets import Dataset
from keras_vae.errors import UserError
from keras_vae.figures.panels import Panel, draw_panels
from keras_vae.models import Generative
from keras_vae.papers.comparison import Comparison, Findings, Picture
from keras_vae.papers.curves import Curve, draw_curves
from keras_vae.papers.laboratory import Laboratory
from keras_vae.training import MeasureAt

_ALGORITHMS = {"VAE": "AEVB", "WakeSleep": "wake-sleep", "MonteCarloEM": "MCEM"}
"""Class -> as the paper calls it."""
_COLOURS = {"VAE": "tab:red", "WakeSleep": "tab:green", "MonteCarloEM": "tab:blue"}
_SETS = {
    "MNIST": ("mnist-vae", 500, (3, 5, 10, 20, 200), (2, 20)),
    "Frey Faces": ("frey-vae", 200, (2, 5, 10, 20), (2, 20)),
}
"""Title -> recipe, hidden units, and latent dimensions of figure 2, in full and quick."""
_AXES = {"MNIST": (-150.0, -90.0), "Frey Faces": (0.0, 1800.0)}
"""Bounds that figure 2 shows in full, about as the paper does: first epochs are far below."""
_BOUNDS = {
    ("MNIST", 3): -135.0,
    ("MNIST", 5): -123.0,
    ("MNIST", 10): -110.0,
    ("MNIST", 20): -102.0,
    ("MNIST", 200): -101.0,
    ("Frey Faces", 20): 1300.0,
}
_SHOWN = ((2, 5, 10, 20), (2, 20))
"""Latent dimensions of figure 5, in full and quick."""
_POINTS = 12
"""Of a curve of figure 3."""
_TILES = 8
"""Samples in a row and a column of figure 5."""
_BOUND_SAMPLES = (10**8, 6 * 10**5)
_LIKELIHOOD_SAMPLES = (2 * 10**7, 2 * 10**5)


def measure(laboratory: Laboratory) -> Findings:
    """The bounds at the end of figure 2, the likelihoods at the end of figure 3, and all four."""
    data = {"MNIST": laboratory.dataset(), **frey_faces(laboratory)}
    bounds, bound_pictures = _bounds(laboratory, data)
    likelihoods, likelihood_picture = _likelihoods(laboratory, data["MNIST"])
    return Findings(
        [*bounds, *likelihoods],
        [
            *bound_pictures,
            likelihood_picture,
            *_manifolds(laboratory, data),
            _samples(laboratory, data["MNIST"]),
        ],
    )


def frey_faces(laboratory: Laboratory) -> dict[str, Dataset]:
    """Their title and themselves; nothing, and a warning, where they are not at hand.

    Nothing as well, where a file of the user's own stands for all datasets.
    """
    try:
        dataset = datasets.load("frey-faces", laboratory.data)
    except UserError as error:  # there is no download
        warnings.warn(f"Figures 2 and 4 are of MNIST alone: {error}", stacklevel=2)
        return {}
    return {"Frey Faces": dataset} if dataset.name == "frey-faces" else {}


def _trained(
    laboratory: Laboratory, title: str, dataset: Dataset, latent_dim: int, model: str = "VAE"
) -> recipes.Run:
    """A run of figure 2, which figures 4 and 5 share."""
    recipe, hidden, *_ = _SETS[title]
    return _fit(
        laboratory,
        f"{recipe.split('-')[0]}-{latent_dim}",
        recipe,
        dataset,
        laboratory.choose(*_BOUND_SAMPLES),
        f"network.hidden=[{hidden}]",
        latent_dim=latent_dim,
        model=model,
    )


def _fit(
    laboratory: Laboratory,
    name: str,
    recipe: str,
    dataset: Dataset,
    num_samples: int,
    *assignments: str,
    latent_dim: int,
    model: str,
    num_rows: int | None = None,
    measured: Any = None,
) -> recipes.Run:
    """A run with the paper's optimizer, initial weights and prior of the weights."""
    rows = num_rows or len(dataset.x_train)
    repeated = laboratory.repeated(dataset, rows)
    epochs = max(1, round(num_samples / repeated.num_rows))
    callbacks = [] if measured is None else [MeasureAt(measured, _points(epochs))]
    chosen = laboratory.recipe(
        f"{name}-{_ALGORITHMS[model].lower()}",
        recipe,
        epochs,
        *assignments,
        f"model.name={model}",
        f"network.latent_dim={latent_dim}",
        "network.kernel_stddev=0.01",
        f"network.weight_decay={0.5 / rows}",
        "training.optimizer={name='adagrad', learning_rate=0.01, initial_accumulator_value=0.0}",
    )
    return laboratory.run(chosen, repeated, callbacks)


def _bounds(
    laboratory: Laboratory, data: dict[str, Dataset]
) -> tuple[list[Comparison], list[Picture]]:
    """Figure 2."""
    comparisons, pictures = [], []
    for title, dataset in data.items():
        panels: dict[str, list[Curve]] = {}
        for latent_dim in laboratory.choose(*_SETS[title][2:]):
            curves = panels.setdefault(f"{title}, N_z = {latent_dim}", [])
            for model in ("VAE", "WakeSleep"):
                run = _trained(laboratory, title, dataset, latent_dim, model)
                curves.extend(_curves(laboratory, run, model, "elbo"))
                comparisons.append(
                    Comparison(
                        f"{title}, N_z = {latent_dim}, {_ALGORITHMS[model]}: test bound",
                        _BOUNDS.get((title, latent_dim)) if model == "VAE" else None,
                        laboratory.column(run, "val_elbo")[-1],
                        "nats",
                    )
                )
        figure = draw_curves(
            panels,
            x_label="training samples seen",
            y_label="bound on log p(x), nats",
            x_scale="log",
            y_limits=laboratory.choose(_AXES[title], None),
        )
        caption = (
            f"Figure 2, {title}: the evidence lower bound by training samples seen. Of training "
            "rows it is the mean over an epoch, while the model learns."
        )
        if "Frey Faces" not in data:
            caption += " Frey Faces, the other half of figures 2 and 4, were not at hand."
        pictures.append(laboratory.picture(f"figure-2-{_file(title)}", figure, caption))
    return comparisons, pictures


def _likelihoods(laboratory: Laboratory, dataset: Dataset) -> tuple[list[Comparison], Picture]:
    """Figure 3."""
    comparisons, panels = [], {}
    for num_rows in sorted({min(rows, len(dataset.x_train)) for rows in (1_000, 50_000)}):
        title = f"{num_rows:,} training images"
        panels[title] = list[Curve]()
        for model, algorithm in _ALGORITHMS.items():
            run = _fit(
                laboratory,
                f"likelihood-{num_rows}",
                "mnist-vae",
                dataset,
                laboratory.choose(*_LIKELIHOOD_SAMPLES),
                "network.hidden=[100]",
                latent_dim=3,
                model=model,
                num_rows=num_rows,
                measured=partial(_log_likelihoods, laboratory, dataset, num_rows),
            )
            panels[title].extend(_curves(laboratory, run, model, "log_likelihood", 1e-6))
            comparisons.append(
                Comparison(
                    f"MNIST, {title}, {algorithm}: log p(x) of test images",
                    None,
                    laboratory.column(run, "val_log_likelihood")[-1],
                    "nats",
                )
            )
    rows, samples = _of_likelihood(laboratory)
    figure = draw_curves(
        panels, x_label="training samples seen, millions", y_label="log p(x), nats", across=2
    )
    caption = (
        f"Figure 3: the marginal likelihood of the first {rows} images, N_z = 3 and 100 hidden "
        f"units, by importance sampling with {samples} samples of the encoder."
    )
    return comparisons, laboratory.picture("figure-3", figure, caption)


def _of_likelihood(laboratory: Laboratory) -> tuple[int, int]:
    """How many images a likelihood is the mean of, and how many samples each has."""
    return laboratory.choose((1000, 500), (200, 100))


def _log_likelihoods(
    laboratory: Laboratory, dataset: Dataset, num_rows: int, model: Generative
) -> dict[str, float]:
    rows, samples = _of_likelihood(laboratory)
    sets = {"": dataset.x_train[: min(rows, num_rows)], "val_": dataset.x_test[:rows]}
    return {
        f"{prefix}log_likelihood": float(np.mean(model.log_likelihood(x, num_samples=samples)))
        for prefix, x in sets.items()
    }


def _points(epochs: int) -> Collection[int]:
    """Epochs at equal distances, the last one included."""
    return {int(epoch) for epoch in np.linspace(0, epochs, min(_POINTS, epochs) + 1)[1:].round()}


def _curves(
    laboratory: Laboratory, run: recipes.Run, model: str, column: str, unit: float = 1.0
) -> Iterator[Curve]:
    """A column of a run's history by samples seen, of training and of test rows."""
    num_rows = run.metrics()["train_rows"]
    x = [unit * num_rows * epoch for epoch in laboratory.column(run, "epoch")]
    for prefix, kind, style in (("", "train", "-"), ("val_", "test", "--")):
        label = f"{_ALGORITHMS[model]}, {kind}"
        yield Curve(label, x, laboratory.column(run, prefix + column), _COLOURS[model], style)


def _model(run: recipes.Run) -> Any:
    return recipes.open_model(str(run.folder)).latent_model


def _file(title: str) -> str:
    return title.lower().replace(" ", "-")


def _manifolds(laboratory: Laboratory, data: dict[str, Dataset]) -> Iterator[Picture]:
    """Figure 4."""
    for title, dataset in data.items():
        model = _model(_trained(laboratory, title, dataset, 2))
        caption = (
            f"Figure 4, {title}: what a grid on the unit square decodes to, through the inverse "
            "distribution function of the prior."
        )
        figure = figures.manifold(model, dataset)
        yield laboratory.picture(f"figure-4-{_file(title)}", figure, caption)


def _samples(laboratory: Laboratory, dataset: Dataset) -> Picture:
    """Figure 5."""
    panels = []
    for latent_dim in laboratory.choose(*_SHOWN):
        model = _model(_trained(laboratory, "MNIST", dataset, latent_dim))
        images = model.sample(_TILES**2, seed=0).reshape(_TILES, _TILES, *dataset.event_shape)
        panels.append(Panel(images, title=f"N_z = {latent_dim}"))
    figure = draw_panels(
        panels,
        title="Samples of the prior",
        subtitle="mean of the likelihood",
        limits=(0.0, 1.0),
        across=2,
    )
    return laboratory.picture(
        "figure-5", figure, "Figure 5: samples of models with latent spaces of several widths."
    )
