"""What a model is worth: use of its latent space, terms, likelihood, probes, gradients, a judge.

Functions of a model and arrays; no file, no picture, no data set lives here.
"""

from keras_vae.evaluation.annealing import (
    Bracket,
    annealed_importance_sampling,
    bidirectional_monte_carlo,
)
from keras_vae.evaluation.codes import (
    code_scores,
    code_vectors,
    jacobian_norm,
    pca_squared_error,
    saturation,
    squared_error,
)
from keras_vae.evaluation.fine_tuning import fine_tune
from keras_vae.evaluation.gaps import InferenceGaps, inference_gaps
from keras_vae.evaluation.gradients import GradientNoise, gradient_noise
from keras_vae.evaluation.judging import judged_accuracy
from keras_vae.evaluation.latent import active_units, kl_per_dimension, unit_variances
from keras_vae.evaluation.marginal_likelihood import hmc_marginal_likelihood
from keras_vae.evaluation.nuts import PosteriorSamples, posterior_samples
from keras_vae.evaluation.probes import PROBES, probe_errors, require_scikit_learn
from keras_vae.evaluation.scores import estimated_likelihood, evaluate, likelihood_scores

__all__ = [
    "PROBES",
    "Bracket",
    "GradientNoise",
    "InferenceGaps",
    "PosteriorSamples",
    "active_units",
    "annealed_importance_sampling",
    "bidirectional_monte_carlo",
    "code_scores",
    "code_vectors",
    "estimated_likelihood",
    "evaluate",
    "fine_tune",
    "gradient_noise",
    "hmc_marginal_likelihood",
    "inference_gaps",
    "jacobian_norm",
    "judged_accuracy",
    "kl_per_dimension",
    "likelihood_scores",
    "pca_squared_error",
    "posterior_samples",
    "probe_errors",
    "require_scikit_learn",
    "saturation",
    "squared_error",
    "unit_variances",
]
