"""Hamiltonian Monte Carlo whose random numbers are the rows' own."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from keras_vae.noise import Noise, Tensor


def transition(
    log_density: Callable[[Tensor], Tensor],
    z: Tensor,
    step_size: Tensor,
    num_steps: int,
    noise: Noise,
) -> tuple[Tensor, Tensor]:
    """One transition, which leaves the density as it is.

    Each row's step sizes are multiplied by a number between 1/2 and 3/2 of its own: trajectories of
    one length come back to where they began in a direction with that period.

    Args:
        log_density: From z (batch, dim) to log densities (batch,), up to a constant.
        z: Where the chains are (batch, dim).
        step_size: Of each row and dimension (batch, dim): their mass is 1 / step_size^2.
        num_steps: Leapfrog steps.
        noise: One stream per row.

    Returns:
        Where the chains are then (batch, dim), and the probability of acceptance (batch,).

    Reference:
        Neal (2011), "MCMC using Hamiltonian dynamics", sections 5.3.3 and 5.4.2.
    """

    def value_and_gradient(z: Tensor) -> tuple[Tensor, Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = log_density(z)  # (batch,)
        return value, tape.gradient(value, z)

    def leapfrog(
        index: Tensor, z: Tensor, momentum: Tensor, value: Tensor, gradient: Tensor
    ) -> tuple[Tensor, ...]:
        half = momentum + 0.5 * step_size * gradient
        z = z + step_size * half
        value, gradient = value_and_gradient(z)
        return index + 1, z, half + 0.5 * step_size * gradient, value, gradient

    step_size = step_size * (0.5 + noise.uniform("step", (1,)))  # (batch, dim)
    momentum = noise.normal("momentum", (z.shape[-1],))  # (batch, dim)
    value, gradient = value_and_gradient(z)
    _, end, end_momentum, end_value, _ = tf.while_loop(
        lambda index, *_: index < num_steps,
        leapfrog,
        (0, z, momentum, value, gradient),
        maximum_iterations=num_steps,
    )
    kinetic = 0.5 * tf.reduce_sum(momentum**2 - end_momentum**2, axis=-1)  # (batch,)
    log_ratio = end_value - value + kinetic
    # A trajectory that has left all numbers behind is refused.
    log_ratio = tf.where(tf.math.is_finite(log_ratio), tf.minimum(log_ratio, 0.0), -float("inf"))
    acceptance = tf.exp(log_ratio)
    accepted = noise.uniform("acceptance", ()) < acceptance  # (batch,)
    return tf.where(accepted[:, tf.newaxis], end, z), acceptance
