"""Density layers: raw network output in, a `tfp.distributions.Distribution` out.

Here live likelihoods, posteriors and priors, each named by a string, a table or an object.
A density layer knows how many raw values it needs and has no `call`: Keras graphs cannot carry
distributions. Nothing here knows a model class, a network or a data set.
"""

from keras_vae.distributions.bernoulli_likelihoods import (
    AutoregressiveBernoulli,
    Bernoulli,
    ContinuousBernoulli,
)
from keras_vae.distributions.divergence import NoClosedForm, kl_divergence
from keras_vae.distributions.flow_posteriors import InverseAutoregressiveFlow
from keras_vae.distributions.flow_priors import MaskedAutoregressiveFlow, RealNVP
from keras_vae.distributions.layered import LayeredPosterior, LayeredPrior
from keras_vae.distributions.likelihood import Likelihood
from keras_vae.distributions.likelihoods import get_likelihood
from keras_vae.distributions.mixture_priors import NormalMixture, VampPrior
from keras_vae.distributions.normal_posteriors import (
    Deterministic,
    DiagonalNormal,
    MultivariateNormalTriL,
)
from keras_vae.distributions.normal_priors import (
    ConditionalNormal,
    LearnedNormal,
    StandardNormal,
)
from keras_vae.distributions.posterior import Posterior
from keras_vae.distributions.posteriors import get_posterior
from keras_vae.distributions.prior import Prior
from keras_vae.distributions.priors import get_prior
from keras_vae.distributions.real_likelihoods import DiscretizedLogistic, Normal

__all__ = [
    "AutoregressiveBernoulli",
    "Bernoulli",
    "ConditionalNormal",
    "ContinuousBernoulli",
    "Deterministic",
    "DiagonalNormal",
    "DiscretizedLogistic",
    "InverseAutoregressiveFlow",
    "LayeredPosterior",
    "LayeredPrior",
    "LearnedNormal",
    "Likelihood",
    "MaskedAutoregressiveFlow",
    "MultivariateNormalTriL",
    "NoClosedForm",
    "Normal",
    "NormalMixture",
    "Posterior",
    "Prior",
    "RealNVP",
    "StandardNormal",
    "VampPrior",
    "get_likelihood",
    "get_posterior",
    "get_prior",
    "kl_divergence",
]
