"""What a fitted model is worth: use of its latent space, terms, likelihood, probes, a judge.

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
from keras_vae.evaluation.judging import judged_accuracy
from keras_vae.evaluation.latent import active_units, kl_per_dimension
from keras_vae.evaluation.probes import PROBES, probe_errors, require_scikit_learn
from keras_vae.evaluation.scores import evaluate, likelihood_scores

__all__ = [
    "PROBES",
    "Bracket",
    "active_units",
    "annealed_importance_sampling",
    "bidirectional_monte_carlo",
    "code_scores",
    "code_vectors",
    "evaluate",
    "fine_tune",
    "jacobian_norm",
    "judged_accuracy",
    "kl_per_dimension",
    "likelihood_scores",
    "pca_squared_error",
    "probe_errors",
    "require_scikit_learn",
    "saturation",
    "squared_error",
]
