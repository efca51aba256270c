"""Ng et al. (2011), "UFLDL Tutorial", exercise on stacked autoencoders.

Two sparse layers of 200 units on MNIST: accuracy of a classifier on the code, and after
fine-tuning.

Where this is not the exercise: Adam in minibatches of 100 in place of L-BFGS, the cross-entropy in
place of the squared error, 30 epochs per layer, and a fine-tuning of 50 epochs that leaves out a
tenth of the inputs and a fifth of the code.
"""

from __future__ import annotations

from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory


def measure(laboratory: Laboratory) -> Findings:
    """Accuracy before and after fine-tuning."""
    model = laboratory.model(
        "stack",
        "mnist-stacked-sparse-ae",
        1,
        f"pretraining.epochs={laboratory.choose(30, 2)}",
    )
    before = 100.0 - laboratory.linear_probe_error(model)
    after = 100.0 - laboratory.classification_error(
        model, laboratory.choose(50, 2), input_dropout=0.1, dropout=0.2
    )
    return Findings(
        [
            Comparison("linear classifier on the code: accuracy", 87.7, before, "%"),
            Comparison("fine-tuned: accuracy", 97.6, after, "%"),
        ]
    )
