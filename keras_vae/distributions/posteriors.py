"""Posteriors q(z|x) by name."""

from __future__ import annotations

from typing import Any

from keras_vae.distributions.flow_posteriors import InverseAutoregressiveFlow
from keras_vae.distributions.normal_posteriors import (
    Deterministic,
    DiagonalNormal,
    MultivariateNormalTriL,
)
from keras_vae.distributions.posterior import Posterior
from keras_vae.registry import resolve

POSTERIORS: dict[str, type[Posterior]] = {
    "deterministic": Deterministic,
    "normal": DiagonalNormal,
    "multivariate_normal_tril": MultivariateNormalTriL,
    "inverse_autoregressive_flow": InverseAutoregressiveFlow,
}


def get_posterior(spec: Any) -> Posterior:
    """A posterior from its name, a table with `name`, or a `Posterior`."""
    return resolve("posterior", spec, POSTERIORS, Posterior)
