"""Makhzani and Frey (2014), "k-Sparse Autoencoders".

A thousand linear units of which the 25 largest are kept: error of a linear classifier on the code.

Where this is not the paper: Adam with a cosine decay for 30 epochs in place of stochastic gradient
descent with momentum. As there, more values are kept when the code is evaluated: three times as
many.
"""

from __future__ import annotations

from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory


def measure(laboratory: Laboratory) -> Findings:
    """Errors of logistic regression on the codes of all training rows."""
    model = laboratory.model(
        "k-sparse", "mnist-ksparse-ae", laboratory.choose(30, 3), "network.latent_dim=1000"
    )
    error = laboratory.linear_probe_error(model, penalty=12.0)
    return Findings(
        [Comparison("k-sparse, k = 25: errors of a linear classifier", 1.35, error, "%")]
    )
