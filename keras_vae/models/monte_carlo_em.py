"""Monte Carlo EM."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_vae.errors import UserError, check_counts
from keras_vae.models._hamiltonian import transition
from keras_vae.models.vae import VAE, refuse_arguments, refuse_prior_of_encoder
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class MonteCarloEM(VAE):
    """A VAE trained by Monte Carlo EM: its codes are drawn from p(z|x) itself, by chains.

    Use it as the peer that a `VAE` is compared with, for few latent dimensions and networks small
    enough to be run `num_transitions * num_leapfrog_steps` times a step.

    The objective, per example in nats, in which what stands in brackets is held fixed:

        em + encoding = -log p(x, [z]) - log q([z]|x),                 z by chains of p(z|x)

    The E step moves a sample of q(z|x) by Hamiltonian Monte Carlo, whose step sizes are `step_size`
    times the standard deviations of q, on average; the M step is the first term. The second is no
    part of EM: it teaches the encoder the chains' ends, so that the next chains begin near the
    posterior, and that the model can encode. The decoder's gradient takes nothing from it, but
    chains are short: how well z follows p(z|x) depends on the encoder. The metrics
    `reconstruction`, `kl` and `elbo` are those of q, as in a `VAE`, and are not trained on.

    In the paper's comparison, there is no encoder, step sizes are tuned to an acceptance of 0.9,
    and five steps of the weights follow each transition, in place of one.

    Args:
        encoder: As in `VAE`.
        decoder: As in `VAE`.
        num_transitions: Of a chain, each with a Metropolis test.
        num_leapfrog_steps: Of a transition.
        step_size: Of a leapfrog step, in standard deviations of q(z|x).
        **kwargs: `likelihood`, `posterior`, `prior` (but "vamp"), `estimator` (of the metrics),
            `corruption` and `seed`, as in `VAE`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3)
    >>> model = keras_vae.MonteCarloEM(encoder, decoder, num_transitions=2)
    >>> model.sample(4, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Wei and Tanner (1990), "A Monte Carlo Implementation of the EM Algorithm"; as a peer in
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", section 5 and appendix E.
    """

    lacks: tuple[str, ...] = ("beta", "free_bits")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        num_transitions: int = 1,
        num_leapfrog_steps: int = 10,
        step_size: float = 0.15,
        **kwargs: Any,
    ) -> None:
        refuse_arguments(self, self.lacks, kwargs)
        check_counts(num_transitions=num_transitions, num_leapfrog_steps=num_leapfrog_steps)
        if not 0 < step_size < math.inf:
            raise UserError(f"step_size is positive and finite. Received {step_size!r}.")
        super().__init__(encoder, decoder, **kwargs)
        refuse_prior_of_encoder(self)
        self.num_transitions = num_transitions
        self.num_leapfrog_steps = num_leapfrog_steps
        self.step_size = step_size

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`em` and `encoding`, and the terms of the ELBO, of which no gradient is taken."""
        reconstruction, kl = self.elbo_parts(x, condition, noise, training)
        watched = {"reconstruction": reconstruction, "kl": tf.reduce_sum(kl, axis=1)}
        q = self.posterior(self.corrupted(x, noise, training), condition, training)
        z, _ = self.chains(x, condition, q, noise)  # (batch, latent_dim)
        return {
            "em": -self.log_joint(x, z, condition, training),
            "encoding": -q.log_prob(z),
            **{name: tf.stop_gradient(term) for name, term in watched.items()},
        }  # (batch,) each

    def log_joint(
        self, x: Tensor, z: Tensor, condition: Tensor | None, training: bool = False
    ) -> Tensor:
        """Log p(x, z) or log p(x, z|c) of each row (batch,), nats."""
        likelihood = self.likelihood(z, condition, training)
        return likelihood.log_prob(x) + self.prior(condition, training).log_prob(z)

    def chains(
        self, x: Tensor, condition: Tensor | None, q: Any, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Samples of p(z|x) by chains from samples of q: held fixed, and their acceptance (batch,).

        Layers such as dropout are off: a proposal is to be judged by the density that made it.

        Args:
            x: Data (batch, *event_shape).
            condition: (batch, condition_dim), or None.
            q: q(z|x).
            noise: The chains'.
        """
        standard = noise.normal("chain", (self.latent_dim,))  # (batch, latent_dim)
        z = tf.stop_gradient(q.bijector.forward(standard))
        sizes = tf.stop_gradient(self.step_size * q.stddev())  # (batch, latent_dim)

        def move(index: Tensor, z: Tensor, accepted: Tensor) -> tuple[Tensor, ...]:
            z, acceptance = transition(
                lambda z: self.log_joint(x, z, condition),
                z,
                sizes,
                self.num_leapfrog_steps,
                noise.fold(index),
            )
            return index + 1, z, accepted + acceptance

        _, z, accepted = tf.while_loop(
            lambda index, *_: index < self.num_transitions,
            move,
            (0, z, tf.zeros_like(z[:, 0])),
            maximum_iterations=self.num_transitions,
        )
        return tf.stop_gradient(z), tf.stop_gradient(accepted / self.num_transitions)

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The ELBO's terms are only looked at."""
        return dict.fromkeys(self.elbo_terms, 0.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {
            **super().get_config(),
            "num_transitions": self.num_transitions,
            "num_leapfrog_steps": self.num_leapfrog_steps,
            "step_size": self.step_size,
        }
