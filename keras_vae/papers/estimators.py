"""Gradient estimators of the evidence lower bound and of the importance-weighted bound.

Score function, SGVB A and SGVB B: Kingma and Welling (2013). Sticking the landing (STL): Roeder, Wu
and Duvenaud (2017). Doubly reparameterized (DReG): Tucker et al. (2019).

One VAE 784-500-20 is trained on MNIST, with SGVB B. At several epochs, each estimator's gradient by
the encoder's weights is drawn many times for one batch of 100 binarized images, which stays the
same. With one sample, DReG is STL; with several, they and the standard gradient are of IWAE's
bound, and STL is biased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from keras_vae.evaluation import gradient_noise
from keras_vae.models import IWAE, VAE, LatentModel
from keras_vae.models.iwae import Gradient
from keras_vae.papers.comparison import Comparison, Findings
from keras_vae.papers.curves import Curve, draw_curves
from keras_vae.papers.laboratory import Laboratory
from keras_vae.rows import Array
from keras_vae.training import MeasureAt

_LATENT_DIM = 20
_BATCH_SIZE = 100
_NUM_SAMPLES = 5
_ONE, _SEVERAL = "bound of one sample", f"bound of {_NUM_SAMPLES} samples"


def _vae(estimator: str) -> Callable[..., LatentModel]:
    return partial(VAE, estimator=estimator)


def _iwae(gradient: Gradient, num_samples: int) -> Callable[..., LatentModel]:
    return partial(IWAE, gradient=gradient, num_samples=num_samples)


_ESTIMATORS: Mapping[str, Mapping[str, tuple[str, Callable[..., LatentModel]]]] = {
    _ONE: {
        "score function": ("tab:red", _vae("score_function")),
        "SGVB A": ("tab:orange", _vae("monte_carlo_kl")),
        "SGVB B": ("tab:blue", _vae("analytic_kl")),
        "STL": ("tab:green", _iwae("sticking_the_landing", 1)),
    },
    _SEVERAL: {
        "standard": ("0.3", _iwae("standard", _NUM_SAMPLES)),
        "STL": ("tab:green", _iwae("sticking_the_landing", _NUM_SAMPLES)),
        "DReG": ("tab:purple", _iwae("doubly_reparameterized", _NUM_SAMPLES)),
    },
}
"""Bound -> estimator -> colour, and the model of which it is the gradient."""
_QUANTITIES = {
    "variance": ("variance of the gradient", "log"),
    "signal": ("signal-to-noise ratio", "linear"),
}
"""Quantity -> what it is, and its axis."""


def measure(laboratory: Laboratory) -> Findings:
    """Variance and signal-to-noise ratio by epoch, and at the end."""
    dataset = laboratory.dataset()
    x = dataset.x_train[:_BATCH_SIZE]
    draws = laboratory.choose(200, 50)
    epochs: Sequence[int] = laboratory.choose((1, 2, 5, 10, 20, 50), (1, 2, 4))
    recipe = laboratory.recipe("vae", "mnist-vae", epochs[-1], f"network.latent_dim={_LATENT_DIM}")
    run = laboratory.run(recipe, callbacks=[MeasureAt(partial(_noises, x, draws), epochs)])
    start = _noises(x, draws, run.recipe().build(dataset))
    measured = {
        name: [first, *(laboratory.column(run, name)[epoch - 1] for epoch in epochs)]
        for name, first in start.items()
    }
    pictures = []
    for quantity, (label, scale) in _QUANTITIES.items():
        panels = {
            f"{bound[0].upper()}{bound[1:]}": [
                Curve(name, (0, *epochs), measured[_column(quantity, bound, name)], colour)
                for name, (colour, _) in estimators.items()
            ]
            for bound, estimators in _ESTIMATORS.items()
        }
        figure = draw_curves(panels, x_label="epoch", y_label=label, y_scale=scale)
        caption = (
            f"{label[0].upper()}{label[1:]} of the encoder by epochs of training, over {draws} "
            f"draws of the noise for one batch of {len(x)} images; 0 is before the first step."
        )
        pictures.append(laboratory.picture(quantity, figure, caption))
    return Findings(_comparisons(measured), pictures)


def _comparisons(measured: Mapping[str, Sequence[float]]) -> list[Comparison]:
    """At the last epoch: variances as multiples of one, which have no unit of the parameters."""

    def last(quantity: str, bound: str, name: str) -> float:
        return measured[_column(quantity, bound, name)][-1]

    rows = []
    for bound, reference in ((_ONE, "SGVB B"), (_SEVERAL, "standard")):
        unit = f"times that of {reference}"
        for name in _ESTIMATORS[bound]:
            ratio = last("variance", bound, name) / last("variance", bound, reference)
            rows.append(Comparison(f"{name}, {bound}: variance", None, ratio, unit))
            signal = last("signal", bound, name)
            rows.append(Comparison(f"{name}, {bound}: signal to noise", None, signal, "ratio"))
    return rows


def _noises(x: Array, num_draws: int, model: LatentModel) -> dict[str, float]:
    """Of each estimator, with the networks and densities of the model."""
    found = {}
    for bound, estimators in _ESTIMATORS.items():
        for name, (_, make) in estimators.items():
            noise = gradient_noise(_sibling(model, make), x, num_draws=num_draws)
            found[_column("variance", bound, name)] = noise.variance
            found[_column("signal", bound, name)] = noise.signal_to_noise
    return found


def _sibling(model: LatentModel, make: Callable[..., Any]) -> LatentModel:
    """A model that shares the networks."""
    sibling: LatentModel = make(
        model.encoder, model.decoder, likelihood=model.likelihood_layer, seed=model.seed
    )
    return sibling


def _column(quantity: str, bound: str, name: str) -> str:
    return f"{quantity}[{bound}: {name}]"
