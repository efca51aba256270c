"""Hinton and Salakhutdinov (2006), "Reducing the Dimensionality of Data with Neural Networks".

The deep autoencoder 784-1000-500-250-30 against principal components, squared error per image.

Where this is not the paper: elu units in place of logistic ones, tied kernels, Adam with a cosine
decay and a weight decay of 0.1 in place of conjugate gradients, and layers that are pretrained as
autoencoders for 5 epochs in place of restricted Boltzmann machines for 50. The full form is 100
epochs of fine-tuning.
"""

from __future__ import annotations

from keras_vae import evaluation
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import Laboratory


def measure(laboratory: Laboratory) -> Findings:
    """Squared error on the test images."""
    model = laboratory.model(
        "deep",
        "mnist-stacked-ae",
        laboratory.choose(100, 2),
        "network.hidden=[1000, 500, 250]",
        "training.optimizer.weight_decay=0.1",
        f"pretraining.epochs={laboratory.choose(5, 1)}",
    )
    data = laboratory.dataset()
    components = evaluation.pca_squared_error(data.x_train, data.x_test, model.latent_dim)
    error = evaluation.squared_error(model, data.x_test)
    return Findings(
        [
            Comparison("principal components, 30", 13.87, components, "per image"),
            Comparison("deep autoencoder, 30", 3.00, error, "per image"),
        ]
    )
