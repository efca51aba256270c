"""What a fitted model is worth, in figures: use of its latent space, terms and likelihood.

Functions of a model and arrays; no file, no picture, no data set lives here.
"""

from keras_vae.evaluation.latent import active_units, kl_per_dimension
from keras_vae.evaluation.scores import evaluate

__all__ = ["active_units", "evaluate", "kl_per_dimension"]
