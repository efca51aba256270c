"""Rifai et al. (2011), "Contractive Auto-Encoders: Explicit Invariance During Feature Extraction".

Table 1 for MNIST: a thousand sigmoid units with tied weights, under four objectives.

Where this is not the paper: Adam at a constant rate for 50 epochs in place of stochastic gradient
descent, a decoupled weight decay of 0.5, Gaussian noise of 0.5 and a contraction of weight 2, which
were best on held-out rows; classifiers are fine-tuned for 30 epochs of Adam with a cosine decay.
The last error, with three tenths of the inputs left out, has no published one.
"""

from __future__ import annotations

from keras_vae import evaluation
from keras_vae.models import LatentModel
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory

_NETWORK = (
    "network.latent_dim=1000",
    "network.hidden=[]",
    "network.tied=true",
    "model.likelihood=bernoulli",
    "model.posterior={name='deterministic', activation='sigmoid'}",
)
_OBJECTIVES = {
    "AE": (),
    "AE + weight decay": ("training.optimizer.weight_decay=0.5",),
    "DAE, Gaussian": (
        "model.name=DenoisingAutoencoder",
        "model.corruption={name='gaussian', scale=0.5}",
    ),
    "CAE": ("model.name=ContractiveAutoencoder", "model.weight=2.0"),
}
_ERRORS = {"AE": 1.78, "AE + weight decay": 1.68, "DAE, Gaussian": 1.18, "CAE": 1.14}
_SATURATED = {"AE": 50.0, "CAE": 86.0}


def measure(laboratory: Laboratory) -> Findings:
    """Saturation and classification error of each objective, and what contraction is worth."""
    epochs, tuning = laboratory.choose(50, 2), laboratory.choose(30, 2)

    def trained(name: str) -> LatentModel:
        run = name.split(",")[0].replace(" + ", "-").replace(" ", "-").lower()
        return laboratory.model(run, "mnist-ae", epochs, *_NETWORK, *_OBJECTIVES[name])

    x_test = laboratory.dataset().x_test
    rows, norms = [], {}
    for name in _OBJECTIVES:
        model = trained(name)
        norms[name] = evaluation.jacobian_norm(model, x_test)
        saturated = evaluation.saturation(model.encode(x_test))
        rows.append(Comparison(f"{name}: saturated", _SATURATED.get(name), saturated, "% of units"))
        error = laboratory.classification_error(model, tuning)
        rows.append(Comparison(f"{name}: errors", _ERRORS[name], error, "%"))
    dropout = laboratory.classification_error(
        trained("CAE"), tuning, learning_rate=3e-3, input_dropout=0.3
    )
    return Findings(
        [
            *rows,
            Comparison("CAE, fine-tuned with dropout of inputs: errors", None, dropout, "%"),
            Comparison("Jacobian of AE / CAE", 24.0, norms["AE"] / norms["CAE"], "times"),
        ]
    )
