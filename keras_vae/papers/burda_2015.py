"""Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders".

Table 1 for MNIST with dynamic binarization: negative log-likelihood and active units of the VAE and
the IWAE, with k samples and one or two layers of codes. With k = 1 the two are one model.

The paper trains in batches of 20 for 3,280 epochs: for 3^i epochs at the learning rate
10^(-3 - i/7), i = 0, ..., 7. The full form has the same batches, optimizer and rates, but six
epochs for each rate, 48 in all. The quick form has an eighth of one epoch for each, leaves out
k = 50, and measures the likelihood on fewer rows with fewer samples. The exact form, --exact, is
the paper's, and takes days.

As in the paper's own code, the last bias begins at the mean of the training images; gradients are
the standard ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from keras_vae import evaluation, figures, recipes
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory
from keras_vae.rows import Array

_BATCH_SIZE = 20
_RATES = [10 ** (-3 - i / 7) for i in range(8)]
_ACTIVE = 0.01
_PUBLISHED = {
    ("VAE", 1, 1): (86.76, (19,)),
    ("VAE", 5, 1): (86.47, (20,)),
    ("VAE", 50, 1): (86.35, (20,)),
    ("IWAE", 5, 1): (85.54, (22,)),
    ("IWAE", 50, 1): (84.78, (25,)),
    ("VAE", 1, 2): (85.33, (16, 5)),
    ("VAE", 5, 2): (85.01, (17, 5)),
    ("VAE", 50, 2): (84.78, (17, 5)),
    ("IWAE", 5, 2): (83.89, (21, 5)),
    ("IWAE", 50, 2): (82.90, (26, 7)),
}
"""(Objective, k, layers of codes) -> negative log-likelihood, and active units of each layer."""


def measure(laboratory: Laboratory) -> Findings:
    """Likelihood and active units of ten models, or, in the quick form, of the six cheaper ones."""
    rows, variances, pictures = [], {}, []
    data = laboratory.dataset()
    x_test = data.x_test
    num_samples = laboratory.choose(5000, 500)
    num_rows = laboratory.choose(len(x_test), min(len(x_test), 1000))
    most = laboratory.choose(50, 5)
    for (objective, k, layers), (published, active) in _PUBLISHED.items():
        if k > most:
            continue
        run = laboratory.run(recipe(laboratory, objective, k, layers))
        model = recipes.open_model(str(run.folder)).latent_model
        name = f"{'one layer' if layers == 1 else 'two layers'}, {objective}, k = {k}"
        nll = laboratory.scores(model, data, num_samples, num_rows)["nll"]
        of = "" if num_rows == len(x_test) else f" of {num_rows} rows"
        rows.append(Comparison(f"{name}: NLL{of}, L = {num_samples}", published, nll, "nats"))
        variances[name] = evaluation.unit_variances(model, x_test)
        for number, (units, count) in enumerate(
            zip(_of_layers(variances[name], layers), active, strict=True), start=1
        ):
            place = f" of layer {number}" if layers > 1 else ""
            measured = int(np.sum(units > _ACTIVE))
            rows.append(Comparison(f"{name}: active units{place}", count, measured, "units"))
        if (objective, k) in (("VAE", 1), ("IWAE", most)):
            picture = figures.samples(model, data)
            file = f"samples-{objective.lower()}-{k}-layers-{layers}"
            pictures.append(laboratory.picture(file, picture, f"Samples: {name}."))
    activity = laboratory.picture(
        "activity",
        figures.activity(variances, threshold=_ACTIVE),
        "Variance over the test rows of each unit's posterior mean (section 5.2): a unit is either "
        "used or not.",
    )
    return Findings(rows, [activity, *pictures])


def recipe(laboratory: Laboratory, objective: str, k: int, layers: int) -> recipes.Recipe:
    """That of one model, on the schedule of the laboratory's form.

    Args:
        laboratory: Tells the form, and the number of training rows.
        objective: "VAE" or "IWAE".
        k: Samples.
        layers: Of codes.
    """
    lengths = [3**i if laboratory.form == "exact" else 6 for i in range(len(_RATES))]  # in epochs
    epochs = laboratory.choose(sum(lengths), 1)
    base = {1: "mnist-iwae", 2: "mnist-hierarchical-vae"}[layers]
    steps = epochs * math.ceil(len(laboratory.dataset().x_train) / _BATCH_SIZE)
    ends = boundaries(lengths, steps)
    rate = f"{{name = 'piecewise_constant_decay', boundaries = {ends}, values = {_RATES}}}"
    return laboratory.recipe(
        f"{objective.lower()}-{k}-layers-{layers}",
        base,
        epochs,
        "network.activation=tanh",
        f"model.num_samples={k}",
        "model.gradient=standard",
        f"model.alpha={float(objective == 'VAE')}",
        "model.beta=1.0",
        f"training.batch_size={_BATCH_SIZE}",
        f"training.optimizer={{name = 'adam', epsilon = 1e-4, learning_rate = {rate}}}",
    )


def boundaries(lengths: Sequence[int], num_steps: int) -> list[int]:
    """The steps after which each learning rate but the last ends.

    Args:
        lengths: Of the rates' times, in any unit.
        num_steps: Of them all together.
    """
    return [round(num_steps * end / sum(lengths)) for end in accumulate(lengths)][:-1]


def _of_layers(variances: Array, layers: int) -> list[Array]:
    """Those of each layer's units, the layer next to the data first: it is twice as wide."""
    return [variances] if layers == 1 else np.split(variances, [2 * len(variances) // 3])
