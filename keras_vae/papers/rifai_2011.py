"""Rifai et al. (2011), "Contractive Auto-Encoders: Explicit Invariance During Feature Extraction".

Table 1 for MNIST: a thousand sigmoid units with tied weights, under four objectives.
"""

from __future__ import annotations

from keras_vae import evaluation
from keras_vae.papers.comparison import Comparison
from keras_vae.papers.laboratory import Laboratory

_NETWORK = (
    "network.latent_dim=1000",
    "network.hidden=[]",
    "network.tied=true",
    "model.likelihood=bernoulli",
    "model.posterior={name='deterministic', activation='sigmoid'}",
    "training.optimizer.learning_rate={name='cosine_decay', initial_learning_rate=1e-3}",
)
_OBJECTIVES = {
    "AE": (),
    "AE + weight decay": ("training.optimizer.weight_decay=0.1",),
    "DAE, Gaussian": (
        "model.name=DenoisingAutoencoder",
        "model.corruption={name='gaussian', scale=0.3}",
    ),
    "CAE": ("model.name=ContractiveAutoencoder", "model.weight=0.3"),
}
_ERRORS = {"AE": 1.78, "AE + weight decay": 1.68, "DAE, Gaussian": 1.18, "CAE": 1.14}
_SATURATED = {"AE": 50.0, "CAE": 86.0}


def measure(laboratory: Laboratory) -> list[Comparison]:
    """Classification error, saturation and Jacobian of each objective."""
    epochs, tuning = laboratory.epochs(40, 2), laboratory.epochs(60, 2)
    x_test = laboratory.dataset().x_test
    rows, norms = [], {}
    for name, assignments in _OBJECTIVES.items():
        run = name.split(",")[0].replace(" + ", "-").replace(" ", "-").lower()
        model = laboratory.model(run, "mnist-ae", epochs, *_NETWORK, *assignments)
        norms[name] = evaluation.jacobian_norm(model, x_test)
        saturated = evaluation.saturation(model.encode(x_test))
        rows.append(Comparison(f"{name}: saturated", _SATURATED.get(name), saturated, "% of units"))
        error = laboratory.classification_error(
            model, tuning, learning_rate=3e-3, input_dropout=0.2, dropout=0.5
        )
        rows.append(Comparison(f"{name}: errors", _ERRORS[name], error, "%"))
    contraction = norms["AE"] / norms["CAE"]
    return [*rows, Comparison("Jacobian of AE / CAE", 24.0, contraction, "times")]
