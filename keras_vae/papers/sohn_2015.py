"""Sohn, Lee and Yan (2015), on deep conditional generative models of structured output.

Digits of which one, two or three quadrants are given, and the others drawn: the lower left one, the
left half, all but the lower right one. The figure is the negative conditional log-likelihood of the
missing pixels, by a network without a code (the baseline), by the CVAE with importance sampling,
and by the CVAE with the hybrid objective, half of it that of the Gaussian stochastic network.

The digits are binarized anew in every step of the training and once for the test, and what is given
is part of the same binary image; the paper does not say how its pixels were made. Networks have
two layers of 200 units, 50 codes, and a layer of 100 in the baseline; L are the importance samples
of each digit. The published figures of the CVAE are the paper's. Those of the baseline and of the
lower bound are of the example of Pyro (pyro.ai/examples/cvae.html), whose pixels are grey, so that
they tell the order alone.
"""

from __future__ import annotations

from keras_vae import datasets, figures
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.laboratory import SEED, Laboratory

_GIVEN = {1: "1 quadrant", 2: "2 quadrants", 3: "3 quadrants"}
_PAPER = {1: 63.91, 2: 44.73, 3: 20.95}
_PYRO = {"baseline": {1: 100.4, 2: 61.9, 3: 25.4}, "bound": {1: 71.8, 2: 51.0, 3: 24.2}}
_BETA = "model.beta=1"
"""From the start: the recipes' warm-up would be most of a short training."""
_HYBRID = "model.cvae_weight=0.5"


def measure(laboratory: Laboratory) -> Findings:
    """Negative log-likelihoods of each task, and a picture of completions."""
    num_samples, epochs = laboratory.choose((1000, 100), (20, 2))
    rows, pictures = [], []
    for given, name in _GIVEN.items():
        recipe = f"mnist-quadrants-{given}"
        model = laboratory.model(f"cvae-{given}", recipe, epochs, _BETA)
        hybrid = laboratory.model(f"hybrid-{given}", recipe, epochs, _BETA, _HYBRID)
        data = datasets.transformed(laboratory.dataset(), {"name": "quadrants", "given": given})
        scores, of_hybrid = (laboratory.scores(each, data, num_samples) for each in (model, hybrid))
        rows += [
            Comparison(f"{name}, {what}, {epochs} epochs", published, measured, "nats")
            for what, published, measured in (
                ("baseline (published: Pyro's)", _PYRO["baseline"][given], scores["baseline"]),
                ("CVAE, bound (published: Pyro's)", _PYRO["bound"][given], -scores["elbo"]),
                (f"CVAE, L = {num_samples}", _PAPER[given], scores["nll"]),
                (f"hybrid, L = {num_samples}", None, of_hybrid["nll"]),
            )
        ]
        pictures.append(
            laboratory.picture(
                f"completions-{given}",
                figures.FIGURES["completions"](model, data, seed=SEED),
                f"Completions of digits, {name} given",
            )
        )
    return Findings(rows, pictures)
