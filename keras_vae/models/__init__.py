"""One file per objective: the class is the paper's idea, its networks and densities are arguments.

Here live `LatentModel`, with the only `train_step` and `test_step` (`trainable.py`), and the
variants, whose idea stands in `loss_terms`. A variant may use distributions, layers and noise; it
knows no data set, no file and no command.
"""

from keras_vae.models._importance import LikelihoodEstimate
from keras_vae.models.autoencoder import Autoencoder
from keras_vae.models.classifier import Classifier
from keras_vae.models.completion_cvae import CompletionCVAE
from keras_vae.models.contractive_autoencoder import ContractiveAutoencoder
from keras_vae.models.convolutional_autoencoder import ConvolutionalAutoencoder
from keras_vae.models.cvae import CVAE
from keras_vae.models.denoising_autoencoder import DenoisingAutoencoder
from keras_vae.models.estimators import SGVB, AnalyticKL, Estimator, MonteCarloKL, ScoreFunction
from keras_vae.models.generative import Generative
from keras_vae.models.hierarchical_vae import HierarchicalVAE
from keras_vae.models.iwae import IWAE
from keras_vae.models.latent_model import LatentModel
from keras_vae.models.monte_carlo_em import MonteCarloEM
from keras_vae.models.schedules import CyclicalWarmup, LinearWarmup
from keras_vae.models.sparse_autoencoder import SparseAutoencoder
from keras_vae.models.sparsities import KLSparsity, L1Sparsity, Sparsity, TopK, WinnerTakeAll
from keras_vae.models.stacked_autoencoder import StackedAutoencoder
from keras_vae.models.vae import VAE
from keras_vae.models.wake_sleep import WakeSleep

FittedModel = LatentModel | Classifier
"""What a recipe makes."""

__all__ = [
    "CVAE",
    "IWAE",
    "SGVB",
    "VAE",
    "AnalyticKL",
    "Autoencoder",
    "Classifier",
    "CompletionCVAE",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "CyclicalWarmup",
    "DenoisingAutoencoder",
    "Estimator",
    "Generative",
    "HierarchicalVAE",
    "KLSparsity",
    "L1Sparsity",
    "LatentModel",
    "LikelihoodEstimate",
    "LinearWarmup",
    "MonteCarloEM",
    "MonteCarloKL",
    "ScoreFunction",
    "SparseAutoencoder",
    "Sparsity",
    "StackedAutoencoder",
    "TopK",
    "WakeSleep",
    "WinnerTakeAll",
]
