"""PyTorch: the networks and their losses; how they are run stands in `pytorch_forms`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from contenders import sizes
from contenders.data import dense_layers, digits
from contenders.pytorch_forms import Form, as_probabilities, train
from contenders.work import Run, Work


def mlp(work: Work, **form: bool) -> Run:
    return _train_vae(work, perceptrons(sizes.MLP, sizes.MLP_LATENT), (sizes.PIXELS,), Form(**form))


def conv(work: Work, **form: bool) -> Run:
    return _train_vae(work, convolutions(), (1, 28, 28), Form(**form))


def contractive(work: Work, **form: bool) -> Run:
    """Tied weights, and the closed form of the contraction for a layer of sigmoids."""
    ((kernel, bias),) = dense_layers(sizes.PIXELS, sizes.CODE)
    encoder = linear(kernel, bias)
    visible = nn.Parameter(torch.zeros(sizes.PIXELS))

    def loss_of(rows: Tensor) -> Tensor:
        x = as_probabilities(rows)  # (batch, pixels)
        code = torch.sigmoid(encoder(x))  # (batch, code)
        weight = encoder.weight  # (code, pixels)
        logits = functional.linear(code, weight.T, visible)  # (batch, pixels)
        slopes = (code * (1 - code)) ** 2  # (batch, code)
        contraction = slopes @ (weight**2).sum(1)  # (batch,)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (reconstruction + sizes.CONTRACTION * contraction.sum()) / len(x)

    parameters = [*encoder.parameters(), visible]
    return train(work, parameters, loss_of, (sizes.PIXELS,), Form(**form))


def iwae(work: Work, **form: bool) -> Run:
    encoder, decoder = perceptrons(sizes.DEEP, sizes.DEEP_LATENT)

    def loss_of(rows: Tensor) -> Tensor:
        x = torch.bernoulli(as_probabilities(rows))  # (batch, pixels)
        weights = log_weights(decoder, x, encoder(x), sizes.IWAE_SAMPLES)  # (samples, batch)
        return math.log(sizes.IWAE_SAMPLES) - torch.logsumexp(weights, 0).mean()

    parameters = [*encoder.parameters(), *decoder.parameters()]
    return train(work, parameters, loss_of, (sizes.PIXELS,), Form(**form))


def evaluation(work: Work, samples_at_a_time: int = 10, **form: bool) -> Run:
    """Importance sampling without gradients, a thousand codes at a time: they stay in the cache."""
    encoder, decoder = perceptrons(sizes.DEEP, sizes.DEEP_LATENT)
    images = torch.from_numpy(digits(work.rows).reshape(-1, sizes.PIXELS))

    def chunk(x: Tensor, parameters: Tensor) -> Tensor:
        return torch.logsumexp(log_weights(decoder, x, parameters, samples_at_a_time), 0)

    chunk = Form(**form).of(chunk)

    @torch.inference_mode()
    def run() -> float:
        for _ in range(work.epochs):
            parts = []
            for rows in images.split(work.batch_size):
                x = torch.bernoulli(as_probabilities(rows))  # (batch, pixels)
                parameters = encoder(x)
                chunks = range(0, sizes.NLL_SAMPLES, samples_at_a_time)
                sums = torch.stack([chunk(x, parameters) for _ in chunks])  # (chunks, batch)
                parts.append(torch.logsumexp(sums, 0) - math.log(sizes.NLL_SAMPLES))  # (batch,)
        return -torch.cat(parts).mean().item()

    return run


def linear(kernel: object, bias: object) -> nn.Linear:
    """A layer with a kernel (width, units) and a bias (units,)."""
    kernel, bias = torch.as_tensor(kernel), torch.as_tensor(bias)
    layer = nn.Linear(*kernel.shape)
    layer.load_state_dict({"weight": kernel.T, "bias": bias})
    return layer


def perceptrons(hidden: tuple[int, ...], latent_dim: int) -> tuple[nn.Module, nn.Module]:
    """(batch, pixels) -> (batch, 2 * latent_dim), and (batch, latent_dim) -> (batch, pixels)."""

    def network(*widths: int) -> nn.Module:
        layers = [linear(*layer) for layer in dense_layers(*widths)]
        return nn.Sequential(*(part for layer in layers for part in (layer, nn.Tanh())))[:-1]

    return (
        network(sizes.PIXELS, *hidden, 2 * latent_dim),
        network(latent_dim, *hidden[::-1], sizes.PIXELS),
    )


def convolutions() -> tuple[nn.Module, nn.Module]:
    """(batch, 1, 28, 28) -> (batch, 2 * latent_dim), and (batch, latent_dim) -> images' logits."""
    first, second = sizes.FILTERS
    encoder = nn.Sequential(
        nn.Conv2d(1, first, 3, stride=2, padding=1),  # (batch, 32, 14, 14)
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),  # (batch, 64, 7, 7)
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(7 * 7 * second, sizes.CONV_HIDDEN),
        nn.ReLU(),
        nn.Linear(sizes.CONV_HIDDEN, 2 * sizes.CONV_LATENT),
    )
    mirrored = {"stride": 2, "padding": 1, "output_padding": 1}
    decoder = nn.Sequential(
        nn.Linear(sizes.CONV_LATENT, sizes.CONV_HIDDEN),
        nn.ReLU(),
        nn.Linear(sizes.CONV_HIDDEN, 7 * 7 * second),
        nn.ReLU(),
        nn.Unflatten(1, (second, 7, 7)),
        nn.ConvTranspose2d(second, first, 3, **mirrored),  # (batch, 32, 14, 14)
        nn.ReLU(),
        nn.ConvTranspose2d(first, 1, 3, **mirrored),  # (batch, 1, 28, 28)
    )
    return encoder, decoder


def log_weights(decoder: nn.Module, x: Tensor, parameters: Tensor, samples: int) -> Tensor:
    """log p(x|z) p(z) / q(z|x) for samples of q, (samples, batch); x (batch, pixels)."""
    loc, log_variance = parameters.float().chunk(2, dim=1)  # (batch, latent_dim) each
    noise = torch.randn(samples, *loc.shape)  # (samples, batch, latent_dim)
    z = loc + torch.exp(0.5 * log_variance) * noise
    logits = decoder(z).float()  # (samples, batch, pixels)
    targets = x.expand_as(logits)
    losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return -losses.sum(2) - 0.5 * (z**2 - noise**2 - log_variance).sum(2)


def _train_vae(
    work: Work, networks: tuple[nn.Module, nn.Module], shape: tuple[int, ...], form: Form
) -> Run:
    encoder, decoder = map(form.laid_out, networks)

    def loss_of(rows: Tensor) -> Tensor:
        x = torch.bernoulli(as_probabilities(rows))  # (batch, *shape)
        loc, log_variance = encoder(x).float().chunk(2, dim=1)  # (batch, latent_dim) each
        z = loc + torch.exp(0.5 * log_variance) * torch.randn_like(loc)
        logits = decoder(z).float()  # (batch, *shape)
        reconstruction = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_variance - loc**2 - log_variance.exp())
        return (reconstruction + kl) / len(x)

    return train(work, [*encoder.parameters(), *decoder.parameters()], loss_of, shape, form)
