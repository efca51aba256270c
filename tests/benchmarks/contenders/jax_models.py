"""JAX and optax: an epoch is one compiled scan over data in memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from contenders import sizes
from contenders.data import Layers, dense_layers, digits, glorot
from contenders.work import Run, Work

Weights = Any
Network = Callable[[Weights, jax.Array], jax.Array]
Loss = Callable[[Weights, jax.Array, jax.Array], jax.Array]
"""Of weights, grey values (batch, pixels) and a key: nats per image, a scalar."""

_LAYOUT = ("NHWC", "HWIO", "NHWC")


def mlp(work: Work) -> Run:
    return _train(work, _perceptrons(sizes.MLP, sizes.MLP_LATENT), _vae_loss(_dense, _dense))


def conv(work: Work) -> Run:
    rng = np.random.default_rng(0)
    first, second = sizes.FILTERS

    def kernels(*pairs: tuple[int, int]) -> Layers:
        return [
            (glorot(rng, 3, 3, channels, units), np.zeros(units, np.float32))
            for channels, units in pairs
        ]

    features = 7 * 7 * second
    weights = {
        "encoder": (
            kernels((1, first), (first, second)),
            dense_layers(features, sizes.CONV_HIDDEN, 2 * sizes.CONV_LATENT),
        ),
        "decoder": (
            dense_layers(sizes.CONV_LATENT, sizes.CONV_HIDDEN, features),
            kernels((second, first), (first, 1)),
        ),
    }

    def encoder(weights: Weights, x: jax.Array) -> jax.Array:
        convolutions, layers = weights
        h = x.reshape(-1, *sizes.IMAGE)  # (batch, 28, 28, 1)
        for kernel, bias in convolutions:  # (batch, 14, 14, 32), (batch, 7, 7, 64)
            h = jax.lax.conv_general_dilated(h, kernel, (2, 2), "SAME", dimension_numbers=_LAYOUT)
            h = jax.nn.relu(h + bias)
        return _dense(layers, h.reshape(-1, features), jax.nn.relu)  # (batch, 2 * latent_dim)

    def decoder(weights: Weights, z: jax.Array) -> jax.Array:
        layers, convolutions = weights
        h = _dense(layers, z, jax.nn.relu).reshape(-1, 7, 7, second)
        for kernel, bias in convolutions:  # (batch, 14, 14, 32), (batch, 28, 28, 1)
            h = jax.nn.relu(h)
            h = jax.lax.conv_transpose(h, kernel, (2, 2), "SAME", dimension_numbers=_LAYOUT) + bias
        return h.reshape(-1, sizes.PIXELS)  # (batch, pixels)

    return _train(work, weights, _vae_loss(encoder, decoder))


def contractive(work: Work) -> Run:
    """Tied weights, and the closed form of the contraction for a layer of sigmoids."""
    ((kernel, bias),) = dense_layers(sizes.PIXELS, sizes.CODE)
    weights = {"kernel": kernel, "hidden": bias, "visible": np.zeros(sizes.PIXELS, np.float32)}

    def loss_of(weights: Weights, x: jax.Array, key: jax.Array) -> jax.Array:
        kernel = weights["kernel"]  # (pixels, code)
        code = jax.nn.sigmoid(x @ kernel + weights["hidden"])  # (batch, code)
        logits = code @ kernel.T + weights["visible"]  # (batch, pixels)
        slopes = (code * (1 - code)) ** 2  # (batch, code)
        contraction = slopes @ (kernel**2).sum(0)  # (batch,)
        reconstruction = optax.sigmoid_binary_cross_entropy(logits, x).sum(1)  # (batch,)
        return (reconstruction + sizes.CONTRACTION * contraction).mean()

    return _train(work, weights, loss_of)


def iwae(work: Work) -> Run:
    def loss_of(weights: Weights, x: jax.Array, key: jax.Array) -> jax.Array:
        key_x, key_z = jax.random.split(key)
        x = _binarized(key_x, x)
        parameters = _dense(weights["encoder"], x)  # (batch, 2 * latent_dim)
        decoder = partial(_dense, weights["decoder"])
        log_weights = _log_weights(decoder, x, parameters, sizes.IWAE_SAMPLES, key_z)
        bounds = jax.nn.logsumexp(log_weights, 0) - math.log(sizes.IWAE_SAMPLES)  # (batch,)
        return -bounds.mean()

    return _train(work, _perceptrons(sizes.DEEP, sizes.DEEP_LATENT), loss_of)


def evaluation(work: Work, samples_at_a_time: int = 50, bfloat16: bool = False) -> Run:
    """Importance sampling in chunks of bounded memory, all in one program.

    On CPUs, XLA turns products in bfloat16 into products in float32 of what it converts.
    """
    dtype = jnp.bfloat16 if bfloat16 else jnp.float32
    weights = jax.tree.map(jnp.asarray, _perceptrons(sizes.DEEP, sizes.DEEP_LATENT))
    decoder = partial(_dense, weights["decoder"], dtype=dtype)
    images = jnp.asarray(digits(work.rows).reshape(-1, work.batch_size, sizes.PIXELS))

    @jax.jit
    def log_likelihood(images: jax.Array, key: jax.Array) -> jax.Array:
        def batch(key: jax.Array, rows: jax.Array) -> tuple[jax.Array, jax.Array]:
            key, key_x, key_z = jax.random.split(key, 3)
            x = _binarized(key_x, rows / 255)  # (batch, pixels)
            parameters = _dense(weights["encoder"], x, dtype=dtype)  # (batch, 2 * latent_dim)

            def chunk(total: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
                log_weights = _log_weights(decoder, x, parameters, samples_at_a_time, key)
                return jnp.logaddexp(total, jax.nn.logsumexp(log_weights, 0)), None

            keys = jax.random.split(key_z, sizes.NLL_SAMPLES // samples_at_a_time)
            total, _ = jax.lax.scan(chunk, jnp.full(len(rows), -jnp.inf), keys)
            return key, total - math.log(sizes.NLL_SAMPLES)  # (batch,)

        return jax.lax.scan(batch, key, images)[1]  # (batches, batch)

    numbers = count()

    def run() -> float:
        for _ in range(work.epochs):
            mean = log_likelihood(images, jax.random.key(next(numbers))).mean().item()
        return -mean

    return run


def _perceptrons(hidden: tuple[int, ...], latent_dim: int) -> dict[str, Layers]:
    return {
        "encoder": dense_layers(sizes.PIXELS, *hidden, 2 * latent_dim),
        "decoder": dense_layers(latent_dim, *hidden[::-1], sizes.PIXELS),
    }


def _dense(
    layers: Any,
    x: jax.Array,
    activation: Callable[[jax.Array], jax.Array] = jnp.tanh,
    dtype: Any = jnp.float32,
) -> jax.Array:
    """Layers (..., width) -> (..., units), float32; no activation after the last."""
    *hidden, (kernel, bias) = jax.tree.map(lambda array: array.astype(dtype), layers)
    h = x.astype(dtype)
    for inner, inner_bias in hidden:
        h = activation(h @ inner + inner_bias)
    return (h @ kernel + bias).astype(jnp.float32)


def _binarized(key: jax.Array, x: jax.Array) -> jax.Array:
    return jax.random.bernoulli(key, x).astype(jnp.float32)


def _log_weights(
    decoder: Callable[[jax.Array], jax.Array],
    x: jax.Array,
    parameters: jax.Array,
    samples: int,
    key: jax.Array,
) -> jax.Array:
    """log p(x|z) p(z) / q(z|x) for samples of q, (samples, batch); x (batch, pixels)."""
    loc, log_variance = jnp.split(parameters, 2, axis=1)  # (batch, latent_dim) each
    noise = jax.random.normal(key, (samples, *loc.shape))  # (samples, batch, latent_dim)
    z = loc + jnp.exp(0.5 * log_variance) * noise
    losses = optax.sigmoid_binary_cross_entropy(decoder(z), x).sum(2)  # (samples, batch)
    return -losses - 0.5 * (z**2 - noise**2 - log_variance).sum(2)


def _vae_loss(encoder: Network, decoder: Network) -> Loss:
    def loss_of(weights: Weights, x: jax.Array, key: jax.Array) -> jax.Array:
        key_x, key_z = jax.random.split(key)
        x = _binarized(key_x, x)  # (batch, pixels)
        loc, log_variance = jnp.split(encoder(weights["encoder"], x), 2, axis=1)
        z = loc + jnp.exp(0.5 * log_variance) * jax.random.normal(key_z, loc.shape)
        reconstruction = optax.sigmoid_binary_cross_entropy(decoder(weights["decoder"], z), x).sum()
        kl = -0.5 * (1 + log_variance - loc**2 - jnp.exp(log_variance)).sum()
        return (reconstruction + kl) / len(x)

    return loss_of


def _train(work: Work, weights: Weights, loss_of: Loss) -> Run:
    """Minimizes a loss by Adam."""
    optimizer = optax.adam(sizes.LEARNING_RATE)
    images = jnp.asarray(digits(work.rows).reshape(-1, sizes.PIXELS))
    weights = jax.tree.map(jnp.asarray, weights)

    def step(carry: Any, batch: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        (weights, state), (rows, key) = carry, batch
        loss, gradients = jax.value_and_grad(loss_of)(weights, images[rows] / 255, key)
        updates, state = optimizer.update(gradients, state)
        return (optax.apply_updates(weights, updates), state), loss

    @jax.jit
    def epoch(carry: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        key_rows, key_steps = jax.random.split(key)
        rows = jax.random.permutation(key_rows, work.rows).reshape(work.steps, work.batch_size)
        carry, losses = jax.lax.scan(step, carry, (rows, jax.random.split(key_steps, work.steps)))
        return carry, losses.mean()

    carry, numbers = (weights, optimizer.init(weights)), count()

    def run() -> float:
        nonlocal carry
        for _ in range(work.epochs):
            carry, loss = epoch(carry, jax.random.key(next(numbers)))
        return loss.item()

    return run
