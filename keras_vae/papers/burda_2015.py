"""Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders".

Table 1 for MNIST with dynamic binarization: negative log-likelihood and active units of the VAE and
the IWAE, with k samples and one or two layers of codes. With k = 1 the two are one model.

The paper trains in batches of 20 for 3,280 epochs: for 3^i epochs at the learning rate
10^(-3 - i/7), i = 0, ..., 7. The full form has the same batches, optimizer and rates, but six
epochs for each rate, 48 in all; the quick form an eighth of one epoch for each, and measures the
likelihood on fewer rows with fewer samples. The exact form is the paper's, and takes days.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from keras_vae import evaluation, figures, recipes
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory
from keras_vae.rows import Array

_BATCH_SIZE = 20
_RATES = [10 ** (-3 - i / 7) for i in range(8)]
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
    """Likelihood and active units of ten models."""
    rows, variances, pictures = [], {}, []
    x_test = laboratory.dataset().x_test
    num_samples = laboratory.epochs(5000, 500)
    num_rows = laboratory.epochs(len(x_test), min(len(x_test), 1000))
    for (objective, k, layers), (published, active) in _PUBLISHED.items():
        run = _trained(laboratory, objective, k, layers)
        model = recipes.open_model(str(run.folder)).model
        name = f"{'one layer' if layers == 1 else 'two layers'}, {objective}, k = {k}"
        nll = laboratory.nll(run, num_samples, num_rows)
        of = "" if num_rows == len(x_test) else f" of {num_rows} test rows"
        rows.append(Comparison(f"{name}: NLL{of}, L = {num_samples}", published, nll, "nats"))
        variances[name] = evaluation.unit_variances(model, x_test)
        for number, (units, count) in enumerate(
            zip(_of_layers(variances[name], layers), active, strict=True), start=1
        ):
            place = f" of layer {number}" if layers > 1 else ""
            rows.append(
                Comparison(f"{name}: active units{place}", count, int(np.sum(units > 0.01)), "")
            )
        if (objective, k) in (("VAE", 1), ("IWAE", 50)):
            picture = figures.samples(model, laboratory.dataset())
            caption = f"Samples of the model with {name}."
            file = f"samples-{objective.lower()}-{k}-layers-{layers}"
            pictures.append(laboratory.picture(file, picture, caption))
    caption = (
        "Variance over the test rows of each unit's posterior mean (section 5.2): units are either "
        "used or not."
    )
    one_layer = {name: each for name, each in variances.items() if name.startswith("one")}
    activity = laboratory.picture("activity", figures.activity(one_layer), caption)
    return Findings(rows, [activity, *pictures])


def _trained(laboratory: Laboratory, objective: str, k: int, layers: int) -> recipes.Run:
    """A model of the paper, on the schedule of the laboratory's form."""
    if laboratory.exact:
        lengths = [3**i for i in range(len(_RATES))]
    else:
        lengths = [laboratory.epochs(6, 1)] * len(_RATES)
    epochs = 1 if laboratory.quick else sum(lengths)
    if layers == 2:
        recipe, choices = "mnist-hierarchical-vae", [f"model.num_samples={k}"]
        choices += ["model.gradient=standard", f"model.alpha={float(objective == 'VAE')}"]
    elif objective == "VAE":
        recipe, choices = "mnist-burda-vae", [f"model.estimator.num_samples={k}"]
    else:
        recipe, choices = "mnist-iwae", [f"model.num_samples={k}", "model.gradient=standard"]
    return laboratory.run(
        f"{objective.lower()}-{k}-layers-{layers}",
        recipe,
        epochs,
        *choices,
        "model.beta=1.0",
        f"training.batch_size={_BATCH_SIZE}",
        f"training.optimizer={_optimizer(laboratory, epochs, lengths)}",
    )


def _optimizer(laboratory: Laboratory, epochs: int, lengths: list[int]) -> str:
    """Adam as a TOML table, each rate for its share of all steps."""
    steps = epochs * math.ceil(len(laboratory.dataset().x_train) / _BATCH_SIZE)
    ends = [round(steps * end / sum(lengths)) for end in accumulate(lengths)]
    rate = f"name = 'piecewise_constant_decay', boundaries = {ends[:-1]}, values = {_RATES}"
    return f"{{name = 'adam', epsilon = 1e-4, learning_rate = {{{rate}}}}}"


def _of_layers(variances: Array, layers: int) -> list[Array]:
    """Those of each layer's units, the layer next to the data first: it is twice as wide."""
    return [variances] if layers == 1 else np.split(variances, [2 * len(variances) // 3])
