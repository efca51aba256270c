"""Density layers: raw network output in, a `tfp.distributions.Distribution` out.

Here live likelihoods, posteriors and priors, each named by a string, a table or an object.
A density layer knows how many raw values it needs and has no `call`: Keras graphs cannot carry
distributions. Nothing here knows a model class, a network or a data set.
"""

from keras_vae.distributions.divergence import kl_divergence
from keras_vae.distributions.likelihoods import (
    Bernoulli,
    ContinuousBernoulli,
    Likelihood,
    Normal,
    get_likelihood,
)
from keras_vae.distributions.posteriors import (
    Deterministic,
    DiagonalNormal,
    MultivariateNormalTriL,
    Posterior,
    get_posterior,
)
from keras_vae.distributions.priors import LearnedNormal, Prior, StandardNormal, get_prior

__all__ = [
    "Bernoulli",
    "ContinuousBernoulli",
    "Deterministic",
    "DiagonalNormal",
    "LearnedNormal",
    "Likelihood",
    "MultivariateNormalTriL",
    "Normal",
    "Posterior",
    "Prior",
    "StandardNormal",
    "get_likelihood",
    "get_posterior",
    "get_prior",
    "kl_divergence",
]
