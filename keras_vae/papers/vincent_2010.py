"""Vincent et al. (2010), "Stacked Denoising Autoencoders".

Table 3 for MNIST: three layers of a thousand units, pretrained with a quarter of the values masked.

Where this is not the paper: Adam, at a constant rate for 20 epochs per layer and with a cosine
decay for 30 epochs of fine-tuning, which leaves out a fifth of the inputs and half of the code;
an epoch of all layers together comes between. Both stacks have the same settings.
"""

from __future__ import annotations

from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory

_NETWORK = ("network.hidden=[1000, 1000]", "network.latent_dim=1000", "network.tied=false")
_STACKS = {
    "SAE-3": (1.40, ("model.autoencoders={name='Autoencoder'}",)),
    "SDAE-3": (1.28, ()),
}


def measure(laboratory: Laboratory) -> Findings:
    """Classification error of the fine-tuned stack, denoising and plain."""
    pretraining, tuning = laboratory.choose(20, 1), laboratory.choose(30, 1)
    rows = []
    for name, (published, assignments) in _STACKS.items():
        model = laboratory.model(
            name.lower(),
            "mnist-stacked-denoising-ae",
            1,
            f"pretraining.epochs={pretraining}",
            *_NETWORK,
            *assignments,
        )
        error = laboratory.classification_error(model, tuning, input_dropout=0.2, dropout=0.5)
        rows.append(Comparison(f"{name}: errors", published, error, "%"))
    return Findings(rows)
