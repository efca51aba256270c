"""pythae: its models around PyTorch's networks, its trainer's loop, its estimate of the likelihood.

It takes data as they are, so images are binarized once. The loop over its own loader is that of
`BaseTrainer.train`, without the copies and the saving of the best model. Version 0.1.2, as pip
installs it, works with Python 3.11, PyTorch 2.13 and pydantic 2.14.
"""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import IWAE, VAE, IWAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from torch import Tensor, nn

from contenders import sizes
from contenders.data import digits
from contenders.pytorch import convolutions, perceptrons
from contenders.pytorch_forms import as_probabilities
from contenders.work import Run, Work

_FLAT = (sizes.PIXELS,)
_IMAGE = (1, 28, 28)


class Encoder(BaseEncoder):
    """A network that gives means and log-variances."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> ModelOutput:
        loc, log_variance = self.network(x).chunk(2, dim=1)  # (batch, latent_dim) each
        return ModelOutput(embedding=loc, log_covariance=log_variance)


class Decoder(BaseDecoder):
    """A network that gives logits; pythae's cross-entropy takes probabilities."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))


def mlp(work: Work) -> Run:
    networks = perceptrons(sizes.MLP, sizes.MLP_LATENT)
    return _train(_model(VAE, VAEConfig, networks, _FLAT, sizes.MLP_LATENT), _FLAT, work)


def conv(work: Work) -> Run:
    networks = convolutions()
    return _train(_model(VAE, VAEConfig, networks, _IMAGE, sizes.CONV_LATENT), _IMAGE, work)


def iwae(work: Work) -> Run:
    networks = perceptrons(sizes.DEEP, sizes.DEEP_LATENT)
    samples = {"number_samples": sizes.IWAE_SAMPLES}
    model = _model(IWAE, IWAEConfig, networks, _FLAT, sizes.DEEP_LATENT, **samples)
    return _train(model, _FLAT, work)


def evaluation(work: Work, samples_at_a_time: int = 100) -> Run:
    networks = perceptrons(sizes.DEEP, sizes.DEEP_LATENT)
    model = _model(VAE, VAEConfig, networks, _FLAT, sizes.DEEP_LATENT)
    x = _binary(work, _FLAT)

    @torch.inference_mode()
    def run() -> float:
        for _ in range(work.epochs):
            log_px = model.get_nll(x, sizes.NLL_SAMPLES, samples_at_a_time)  # the mean, log p(x)
        return -log_px

    return run


def _model(
    model: type[VAE],
    config: type[VAEConfig],
    networks: tuple[nn.Module, nn.Module],
    shape: tuple[int, ...],
    latent_dim: int,
    **options: Any,
) -> VAE:
    encoder, decoder = networks
    settings = config(input_dim=shape, latent_dim=latent_dim, reconstruction_loss="bce", **options)
    return model(settings, Encoder(encoder), Decoder(decoder))


def _binary(work: Work, shape: tuple[int, ...]) -> Tensor:
    """Binary images, float32 (rows, *shape)."""
    images = torch.from_numpy(digits(work.rows).reshape(-1, *shape))
    return torch.bernoulli(as_probabilities(images))


def _train(model: VAE, shape: tuple[int, ...], work: Work) -> Run:
    dataset = BaseDataset(_binary(work, shape), torch.zeros(work.rows))
    with tempfile.TemporaryDirectory() as folder:  # it makes one, and saves nothing there
        config = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=work.batch_size,
            num_epochs=work.epochs,
            learning_rate=sizes.LEARNING_RATE,
            no_cuda=True,
        )
        trainer = BaseTrainer(model, dataset, training_config=config)
        trainer.prepare_training()

    def run() -> float:
        for epoch in range(1, work.epochs + 1):
            loss = trainer.train_step(epoch)
            trainer.callback_handler.on_epoch_end(training_config=config)
        return loss

    return run
