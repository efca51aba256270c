"""How much of its latent space a model uses."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_vae.models import Generative
from keras_vae.rows import Array


def active_units(model: Generative, x: Any, condition: Any = None, threshold: float = 0.01) -> int:
    """How many latent dimensions depend on the data: those with Var_x(E_q(z|x)[z]) > threshold.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        threshold: In squared units of the code; the paper's prior has a scale of 1.

    Reference:
        Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", section 5.2.
    """
    return int(np.sum(unit_variances(model, x, condition) > threshold))


def unit_variances(model: Generative, x: Any, condition: Any = None) -> Array:
    """Var_x(E_q(z|x)[z_j]) of each latent dimension j, (latent_dim,), as `active_units` counts.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
    """
    variances: Array = np.var(model.observed_codes(x, condition), axis=0)
    return variances


def kl_per_dimension(model: Generative, x: Any, condition: Any = None) -> Array:
    """The mean over the data of `model.marginal_kl` for each dimension j, (latent_dim,) nats.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
    """
    mean: Array = np.mean(model.marginal_kl(x, condition), axis=0)
    return mean
