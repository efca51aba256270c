"""The variational autoencoder."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_vae.distributions import Deterministic, VampPrior, get_prior
from keras_vae.errors import UserError
from keras_vae.models.estimators import get_estimator
from keras_vae.models.generative import Generative
from keras_vae.models.latent_model import LatentModel
from keras_vae.models.schedules import get_schedule
from keras_vae.noise import Noise, Tensor


@keras.saving.register_keras_serializable("keras_vae")
class VAE(Generative, LatentModel):
    """The variational autoencoder: a model p(x|z) p(z), trained with an inference network q(z|x).

    Use it to sample, to estimate likelihoods, and where codes must fill the space between the
    examples.

    The objective, per example in nats, is the negative evidence lower bound:

        reconstruction + beta * kl = -E_q(z|x)[log p(x|z)] + beta * KL(q(z|x) || p(z))

    The metric `elbo` is -(reconstruction + kl), with beta = 1 whatever the loss.

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape) to raw posterior parameters, such as
            (batch, 2 * latent_dim).
        decoder: A `keras.Model` from z (batch, latent_dim) to raw likelihood parameters, such as
            logits (batch, *event_shape).
        likelihood: p(x|z): "bernoulli", "autoregressive_bernoulli", "continuous_bernoulli",
            "normal", "discretized_logistic", a table with `name`, or a `Likelihood`.
        posterior: q(z|x): "normal", "multivariate_normal_tril", "inverse_autoregressive_flow", a
            table, or a `Posterior`.
        prior: p(z): "standard_normal", "normal_mixture", "vamp", "real_nvp",
            "masked_autoregressive_flow", a table such as {"name": "real_nvp", "num_layers": 8}, or
            a `Prior`.
        estimator: "analytic_kl" (SGVB B), "monte_carlo_kl" (SGVB A), "sgvb" (B where the KL of the
            two densities has a closed form, else A), "score_function", a table such as {"name":
            "sgvb", "num_samples": 5}, or an `Estimator`.
        beta: Weight of the KL term: a number, {"name": "linear_warmup", "steps": 1000}, {"name":
            "cyclical_warmup", "period": 1000}, or a Keras learning-rate schedule; see Higgins et
            al. (2017), "beta-VAE", equation 4.
        free_bits: Nats per latent dimension below which an example's KL is not pressed; after
            Kingma et al. (2016), "Improving Variational Inference with Inverse Autoregressive
            Flow", equation 15, which takes the mean of a minibatch where this takes each example,
            so that the loss depends on neither the batch nor the number of replicas. Posteriors
            whose dimensions depend on each other, and estimators without an analytic KL, compare
            the KL of the whole code with latent_dim times as many.
        seed: Of all noise.
        **kwargs: `corruption`, as in `LatentModel`: a denoising VAE.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3)
    >>> vae = keras_vae.VAE(encoder, decoder, likelihood="bernoulli")
    >>> vae.sample(4, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", equations 3, 7 and 10.
    """

    elbo_terms: tuple[str, ...] = ("reconstruction", "kl")
    lacks: tuple[str, ...] = ()
    """Arguments of the constructor, and so of the config, that a variant does not have."""

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        likelihood: Any = "bernoulli",
        posterior: Any = "normal",
        prior: Any = "standard_normal",
        estimator: Any = "sgvb",
        beta: Any = 1.0,
        free_bits: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            encoder, decoder, posterior=posterior, likelihood=likelihood, seed=seed, **kwargs
        )
        if not 0 <= free_bits < math.inf:
            raise UserError(
                "free_bits, in nats per dimension, are at least 0, and finite. "
                f"Received {free_bits!r}."
            )
        if isinstance(self.posterior_layer, Deterministic):
            raise UserError(
                f"The codes of a {type(self).__name__} are drawn, and this posterior is a point. "
                'Received posterior="deterministic"; use "normal", or the class Autoencoder.'
            )
        self.prior_layer = get_prior(prior)
        self.prior_layer.prepare(
            self.latent_dim, self.condition_dim, self.event_shape, self.posterior
        )
        self.estimator = get_estimator(estimator)
        self.beta = get_schedule(beta)
        self.free_bits = free_bits

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`reconstruction`, `kl` and, if there is a floor, `free_bits`, what it adds to the KL."""
        reconstruction, kl = self.elbo_parts(
            x, condition, noise, training
        )  # (batch,), (batch, groups)
        terms = {"reconstruction": reconstruction, "kl": tf.reduce_sum(kl, axis=1)}  # (batch,) each
        if self.free_bits:
            floor = self.free_bits * self.latent_dim / kl.shape[1]
            terms["free_bits"] = tf.reduce_sum(tf.nn.relu(floor - kl), axis=1)  # (batch,)
        return terms

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The present beta, for `kl` and its floor."""
        beta = self.present_beta()
        return {"kl": beta, "free_bits": beta}

    def present_beta(self) -> Tensor | float:
        """The weight of the KL at the present `step`."""
        return self.beta if isinstance(self.beta, float) else self.beta(self.step)

    def elbo_parts(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch,) and KL (batch, groups) in nats, by the estimator."""
        q = self.posterior(self.corrupted(x, noise, training), condition, training)
        p = self.prior(condition, training)
        return self.estimator(
            q, p, lambda z: self.likelihood(z, condition, training).log_prob(x), noise
        )

    # --- config ---

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        serialize = keras.saving.serialize_keras_object
        config = {
            **super().get_config(),
            "prior": serialize(self.prior_layer),
            "estimator": serialize(self.estimator),
            "beta": serialize(self.beta),
            "free_bits": self.free_bits,
        }
        return {name: value for name, value in config.items() if name not in self.lacks}


def refuse_arguments(model: VAE, names: Collection[str], given: Collection[str]) -> None:
    """Raises a `UserError` for a given argument that is one of a `VAE` alone."""
    for name in names:
        if name in given:
            raise UserError(
                f"{type(model).__name__}() takes no `{name}`: leave it out, or use a VAE."
            )


def refuse_prior_of_encoder(model: VAE) -> None:
    """Raises a `UserError` for a prior whose objective would train the encoder too."""
    if isinstance(model.prior_layer, VampPrior):
        name = type(model).__name__
        raise UserError(
            f'The prior "vamp" is made of the encoder, which in a {name} has an objective of its '
            'own: use another, such as "normal_mixture".'
        )
