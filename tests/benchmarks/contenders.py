"""One epoch of the same VAE in several libraries: 784-500-20, tanh, Adam, dynamic binarization.

Each function prepares a contender and returns what runs its epoch. What it needs is imported
inside: every contender is a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

HIDDEN, LATENT = 500, 20

Epoch = Callable[[], object]


def digits() -> np.ndarray:
    """60,000 images of MNIST's shape, uint8: the time does not depend on what they show."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (60_000, 28, 28, 1), dtype=np.uint8) * (
        rng.random((60_000, 28, 28, 1)) < 0.2
    )


def keras_vae(batch_size: int, steps_per_execution: int | None = None) -> Epoch:
    """This library, through `model.fit`."""
    import keras_vae

    networks = keras_vae.networks.dense((28, 28, 1), latent_dim=LATENT, hidden=(HIDDEN,))
    vae = keras_vae.VAE(*networks, likelihood={"name": "bernoulli", "binarization": "dynamic"})
    vae.compile("adam", steps_per_execution=steps_per_execution)
    x = digits()
    return lambda: vae.fit(x, batch_size=batch_size, epochs=1, verbose=0)


def plain_keras(batch_size: int) -> Epoch:
    """A subclassed model with an own `train_step` and Keras' defaults."""
    import keras
    import tensorflow as tf

    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            dense = keras.layers.Dense
            self.encoder = keras.Sequential(
                [keras.Input((784,)), dense(HIDDEN, "tanh"), dense(2 * LATENT)]
            )
            self.decoder = keras.Sequential(
                [keras.Input((LATENT,)), dense(HIDDEN, "tanh"), dense(784)]
            )
            self.mean_loss = keras.metrics.Mean(name="loss")

        def train_step(self, data):
            x = tf.cast(tf.random.uniform(tf.shape(data)) < data, tf.float32)
            with tf.GradientTape() as tape:
                loc, log_variance = tf.split(self.encoder(x), 2, axis=1)
                z = loc + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(loc))
                reconstruction = tf.reduce_sum(
                    tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=self.decoder(z)), 1
                )
                kl = -0.5 * tf.reduce_sum(1 + log_variance - loc**2 - tf.exp(log_variance), 1)
                loss = tf.reduce_mean(reconstruction + kl)
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply(gradients, self.trainable_weights)
            self.mean_loss.update_state(loss)
            return {"loss": self.mean_loss.result()}

    model = Plain()
    model.compile("adam")
    x = digits().reshape(-1, 784).astype("float32") / 255
    return lambda: model.fit(x, batch_size=batch_size, epochs=1, verbose=0)


def torch(batch_size: int, compiled: bool) -> Epoch:
    """PyTorch eager with its default Adam; or compiled, with the fused one."""
    import torch
    from torch.nn import Linear, Sequential, Tanh, functional

    torch.manual_seed(0)
    encoder = Sequential(Linear(784, HIDDEN), Tanh(), Linear(HIDDEN, 2 * LATENT))
    decoder = Sequential(Linear(LATENT, HIDDEN), Tanh(), Linear(HIDDEN, 784))
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=compiled or None)
    images = torch.from_numpy(digits().reshape(-1, 784))

    def loss_of(rows: torch.Tensor) -> torch.Tensor:
        x = torch.bernoulli(rows.float() / 255)
        loc, log_variance = encoder(x).chunk(2, dim=1)
        z = loc + torch.exp(0.5 * log_variance) * torch.randn_like(loc)
        reconstruction = functional.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_variance - loc**2 - log_variance.exp())
        return (reconstruction + kl) / len(x)

    if compiled:
        loss_of = torch.compile(loss_of)

    def epoch() -> None:
        order = torch.randperm(len(images))
        for start in range(0, len(images), batch_size):
            loss = loss_of(images[order[start : start + batch_size]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def jax(batch_size: int) -> Epoch:
    """JAX and optax: the epoch is one compiled scan over data in memory."""
    import jax
    import jax.numpy as jnp
    import optax

    sizes = {"encoder": (784, HIDDEN, 2 * LATENT), "decoder": (LATENT, HIDDEN, 784)}
    keys = iter(jax.random.split(jax.random.key(0), 4))
    glorot = jax.nn.initializers.glorot_uniform()
    weights = {
        name: [(glorot(next(keys), shape), jnp.zeros(shape[1])) for shape in pairwise(widths)]
        for name, widths in sizes.items()
    }
    optimizer = optax.adam(1e-3)
    images = jnp.asarray(digits().reshape(-1, 784))

    def network(layers, x):
        (first, bias), (second, last_bias) = layers
        return jnp.tanh(x @ first + bias) @ second + last_bias

    def loss_of(weights, rows, key):
        key_x, key_z = jax.random.split(key)
        x = jax.random.bernoulli(key_x, images[rows] / 255).astype(jnp.float32)
        loc, log_variance = jnp.split(network(weights["encoder"], x), 2, axis=1)
        z = loc + jnp.exp(0.5 * log_variance) * jax.random.normal(key_z, loc.shape)
        logits = network(weights["decoder"], z)
        reconstruction = optax.sigmoid_binary_cross_entropy(logits, x).sum()
        kl = -0.5 * (1 + log_variance - loc**2 - jnp.exp(log_variance)).sum()
        return (reconstruction + kl) / len(rows)

    def step(carry, batch):
        weights, state = carry
        loss, gradients = jax.value_and_grad(loss_of)(weights, *batch)
        updates, state = optimizer.update(gradients, state)
        return (optax.apply_updates(weights, updates), state), loss

    @jax.jit
    def run(carry, key):
        key_rows, key_steps = jax.random.split(key)
        rows = jax.random.permutation(key_rows, len(images)).reshape(-1, batch_size)
        return jax.lax.scan(step, carry, (rows, jax.random.split(key_steps, len(rows))))

    carry, count = (weights, optimizer.init(weights)), iter(range(10**6))

    def epoch() -> None:
        nonlocal carry
        carry, losses = run(carry, jax.random.key(next(count)))
        losses.block_until_ready()

    return epoch


def products(batch_size: int) -> Epoch:
    """The products of matrices alone, by numpy: what no implementation can leave out."""
    rng = np.random.default_rng(0)

    def layers() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for number, (width, units) in enumerate(
            ((784, HIDDEN), (HIDDEN, 2 * LATENT), (LATENT, HIDDEN), (HIDDEN, 784))
        ):
            shapes = ((batch_size, width), (width, units), (batch_size, units))
            x, kernel, gradient = (rng.random(shape, "float32") for shape in shapes)
            yield x, kernel if number else None, gradient  # no gradient of the data

    arrays = list(layers())
    first = rng.random((784, HIDDEN), "float32")

    def epoch() -> None:
        for _ in range(60_000 // batch_size):
            for x, kernel, gradient in arrays:
                x @ (first if kernel is None else kernel)
                x.T @ gradient
                if kernel is not None:
                    gradient @ kernel.T

    return epoch
