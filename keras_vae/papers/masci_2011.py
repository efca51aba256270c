"""Masci et al. (2011), "Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction".

A convolutional network that begins as an autoencoder's encoder, against the same one with random
weights.

Where this is not the paper: two layers of 32 and 64 maps of 3 x 3 and a dense code of 256, where
the paper has 100, 150 and 200 maps of 5 x 5 and 3 x 3; the code is small, without full maps of few
maxima; Adam, and a fine-tuning of 30 epochs that leaves out a fifth of the inputs and half of the
code.
"""

from __future__ import annotations

from keras_vae import recipes
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory

_NETWORK = (
    "network.filters=[32, 64]",
    "network.hidden=[]",
    "network.latent_dim=256",
    "network.downsampling=max_pool",
    "model.posterior={name='deterministic', activation='relu'}",
    "model.corruption={name='masking', rate=0.3}",
)


def measure(laboratory: Laboratory) -> Findings:
    """Classification errors of the two."""
    tuning = laboratory.choose(30, 1)
    pretrained = laboratory.model("cae", "mnist-conv-ae", laboratory.choose(10, 1), *_NETWORK)
    data = laboratory.dataset()
    random = recipes.load("mnist-conv-ae").override(_NETWORK).build(data)
    return Findings(
        [
            Comparison(
                f"{name}: errors",
                published,
                laboratory.classification_error(model, tuning, input_dropout=0.2, dropout=0.5),
                "%",
            )
            for name, published, model in (
                ("CNN, random start", 0.79, random),
                ("CNN, begun as an autoencoder", 0.71, pretrained),
            )
        ]
    )
