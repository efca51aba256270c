"""Estimators of the ELBO's two terms, and so of its gradient, from samples of the posterior."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_vae.distributions import NoClosedForm, kl_divergence
from keras_vae.errors import check_counts
from keras_vae.noise import Noise, Tensor
from keras_vae.registry import resolve

LogLikelihood = Callable[[Tensor], Tensor]
"""From codes (num_samples, batch, latent_dim) to log p(x|z) (num_samples, batch), in nats."""


class Estimator:
    """Estimates -E_q[log p(x|z)] and KL(q || p) from samples of each example's posterior.

    Args:
        num_samples: Samples per example, L in the paper.
    """

    def __init__(self, num_samples: int = 1) -> None:
        check_counts(num_samples=num_samples)
        self.num_samples = num_samples

    def __call__(
        self, q: Any, p: Any, log_likelihood: LogLikelihood, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """The two terms in nats: reconstruction (batch,) and KL (batch, groups).

        There is one group per latent dimension where the KL splits, else one in all.
        """
        raise NotImplementedError

    def sample(self, q: Any, noise: Noise) -> Tensor:
        """Reparameterized samples (num_samples, batch, latent_dim): equation 4 of the paper."""
        shape = (self.num_samples, q.event_shape[-1])
        standard = noise.normal("posterior", shape)  # (batch, num_samples, latent_dim)
        return q.bijector.forward(
            tf.transpose(standard, [1, 0, 2])
        )  # (num_samples, batch, latent_dim)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"num_samples": self.num_samples}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Estimator:
        """An estimator from its config."""
        return cls(**config)


@keras.saving.register_keras_serializable("keras_vae")
class AnalyticKL(Estimator):
    """SGVB estimator B: the KL in closed form, the reconstruction by samples.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", equation 7.
    """

    def __call__(
        self, q: Any, p: Any, log_likelihood: LogLikelihood, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch,), KL (batch, latent_dim) or (batch, 1) for a full covariance."""
        kl = kl_divergence(q, p)
        z = self.sample(q, noise)  # (num_samples, batch, latent_dim)
        return -tf.reduce_mean(log_likelihood(z), axis=0), kl


@keras.saving.register_keras_serializable("keras_vae")
class MonteCarloKL(Estimator):
    """SGVB estimator A: log q(z|x) - log p(z) by samples, for any pair of densities.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", equation 6.
    """

    def __call__(
        self, q: Any, p: Any, log_likelihood: LogLikelihood, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch,) and KL (batch, 1)."""
        z = self.sample(q, noise)  # (num_samples, batch, latent_dim)
        kl = tf.reduce_mean(q.log_prob(z) - p.log_prob(z), axis=0)  # (batch,)
        return -tf.reduce_mean(log_likelihood(z), axis=0), kl[:, tf.newaxis]


@keras.saving.register_keras_serializable("keras_vae")
class SGVB(Estimator):
    """`AnalyticKL` where the pair of densities has a closed form, else `MonteCarloKL`.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", section 2.3.
    """

    def __call__(
        self, q: Any, p: Any, log_likelihood: LogLikelihood, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch,), and KL (batch, groups) as the one or the other gives it."""
        try:
            return AnalyticKL(self.num_samples)(q, p, log_likelihood, noise)
        except NoClosedForm:
            return MonteCarloKL(self.num_samples)(q, p, log_likelihood, noise)


@keras.saving.register_keras_serializable("keras_vae")
class ScoreFunction(Estimator):
    """The score-function (REINFORCE) estimator: no reparameterization, far higher variance.

    The values are those of `MonteCarloKL`; the gradient of E_q[f(z)] is E_q[f(z) grad log q(z|x)].

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", section 2.2; Paisley, Blei and
        Jordan (2012), "Variational Bayesian Inference with Stochastic Search".
    """

    def __call__(
        self, q: Any, p: Any, log_likelihood: LogLikelihood, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch,) and KL (batch, 1)."""
        z = tf.stop_gradient(self.sample(q, noise))  # (num_samples, batch, latent_dim)
        log_q = q.log_prob(z)  # (num_samples, batch)

        def with_score(value: Tensor) -> Tensor:
            """Keeps the value (num_samples, batch) and adds its score-function gradient."""
            return value + tf.stop_gradient(value) * (log_q - tf.stop_gradient(log_q))

        reconstruction = with_score(-log_likelihood(z))
        kl = with_score(tf.stop_gradient(log_q) - p.log_prob(z))
        return tf.reduce_mean(reconstruction, axis=0), tf.reduce_mean(kl, axis=0)[:, tf.newaxis]


ESTIMATORS: dict[str, type[Estimator]] = {
    "sgvb": SGVB,
    "analytic_kl": AnalyticKL,
    "monte_carlo_kl": MonteCarloKL,
    "score_function": ScoreFunction,
}


def get_estimator(spec: Any) -> Estimator:
    """An estimator from its name, a table with `name`, or an `Estimator`."""
    return resolve("estimator", spec, ESTIMATORS, Estimator)
