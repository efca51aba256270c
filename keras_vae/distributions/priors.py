"""Priors p(z) and p(z|c) by name."""

from __future__ import annotations

from typing import Any

import keras

from keras_vae.distributions.flow_priors import MaskedAutoregressiveFlow, RealNVP
from keras_vae.distributions.mixture_priors import NormalMixture, VampPrior
from keras_vae.distributions.normal_priors import (
    ConditionalNormal,
    LearnedNormal,
    StandardNormal,
)
from keras_vae.distributions.prior import Prior
from keras_vae.registry import resolve

PRIORS: dict[str, type[Prior]] = {
    "standard_normal": StandardNormal,
    "conditional_normal": ConditionalNormal,
    "normal_mixture": NormalMixture,
    "vamp": VampPrior,
    "real_nvp": RealNVP,
    "masked_autoregressive_flow": MaskedAutoregressiveFlow,
}


def get_prior(spec: Any) -> Prior:
    """A prior from its name, a table with `name`, a `Prior`, or a network of p(z|c)."""
    if isinstance(spec, keras.Model):
        return LearnedNormal(spec)
    return resolve("prior", spec, PRIORS, Prior)
