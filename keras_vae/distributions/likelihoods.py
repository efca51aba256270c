"""Likelihoods p(x|z) by name."""

from __future__ import annotations

from typing import Any

from keras_vae.distributions.bernoulli_likelihoods import (
    AutoregressiveBernoulli,
    Bernoulli,
    ContinuousBernoulli,
)
from keras_vae.distributions.likelihood import Likelihood
from keras_vae.distributions.real_likelihoods import DiscretizedLogistic, Normal
from keras_vae.registry import resolve

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "autoregressive_bernoulli": AutoregressiveBernoulli,
    "continuous_bernoulli": ContinuousBernoulli,
    "normal": Normal,
    "discretized_logistic": DiscretizedLogistic,
}


def get_likelihood(spec: Any) -> Likelihood:
    """A likelihood from its name, a table with `name`, or a `Likelihood`."""
    return resolve("likelihood", spec, LIKELIHOODS, Likelihood)
