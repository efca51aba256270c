"""The importance-weighted autoencoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import keras
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.models.vae import VAE, refuse_arguments
from keras_vae.noise import Noise, Tensor

Gradient = Literal["standard", "sticking_the_landing", "doubly_reparameterized"]
GRADIENTS = get_args(Gradient)


@keras.saving.register_keras_serializable("keras_vae")
class IWAE(VAE):
    """The importance-weighted autoencoder: a VAE with a bound that tightens with its samples.

    Use it for better likelihoods than a `VAE`'s, at `num_samples` times the cost of the decoder.

    The objective, per example in nats, is the negative bound of k = `num_samples` samples,

        iwae = -E[log 1/k sum_i p(x|z_i) (p(z_i) / q(z_i|x))^beta],    z_1, ..., z_k from q(z|x)

    With one sample it is the negative ELBO. The metrics `reconstruction`, `kl` and `elbo` are
    estimated from the same samples, with beta = 1, and are not trained on.

    With the weights w_i = p(x|z_i) (p(z_i) / q(z_i|x))^beta, `alpha` chooses a bound between this
    one, alpha = 0, and the ELBO of k samples, the mean of log w_i, which is its limit at alpha = 1:

        -E[1 / (1 - alpha) log 1/k sum_i w_i^(1 - alpha)]

    Args:
        encoder: As in `VAE`.
        decoder: As in `VAE`.
        num_samples: Samples per example, k.
        alpha: Of Renyi's bounds (Li and Turner 2016), in [0, 1].
        gradient: How the gradient with respect to the posterior is estimated. "standard" takes all
            of it, and has ever less signal with more samples (Rainforth et al. 2018).
            "sticking_the_landing" leaves out the score: less variance near the optimum, none at it
            for k = 1, but biased for k > 1 (Roeder, Wu and Duvenaud 2017).
            "doubly_reparameterized" (DReG) is unbiased, and has more signal with more samples
            (Tucker et al. 2019, equation 8, and for other alpha and beta by the same steps).
        **kwargs: `likelihood`, `posterior`, `prior`, `beta`, `corruption` and `seed`, as in `VAE`.

    Example:
    >>> import keras_vae
    >>> encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3)
    >>> iwae = keras_vae.IWAE(encoder, decoder, num_samples=5, gradient="doubly_reparameterized")
    >>> iwae.sample(4, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", equation 8;
        Li and Turner (2016), "Renyi Divergence Variational Inference", section 4.
    """

    lacks: tuple[str, ...] = ("estimator", "free_bits")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        num_samples: int = 5,
        alpha: float = 0.0,
        gradient: Gradient = "standard",
        **kwargs: Any,
    ) -> None:
        refuse_arguments(self, IWAE.lacks, kwargs)
        if gradient not in GRADIENTS:
            raise UserError(
                f"Unknown gradient: {gradient!r}. Expected one of {', '.join(GRADIENTS)}."
            )
        if not 0 <= alpha <= 1:
            raise UserError(
                "alpha is in [0, 1], from the importance-weighted bound to the ELBO. "
                f"Received {alpha!r}."
            )
        estimator = {"name": "monte_carlo_kl", "num_samples": num_samples}
        super().__init__(encoder, decoder, estimator=estimator, **kwargs)
        self.num_samples = num_samples
        self.alpha = alpha
        self.gradient = gradient

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """`iwae`, and the terms of the ELBO, of which no gradient is taken."""
        q = self.posterior(self.corrupted(x, noise, training), condition, training)
        z = self.estimator.sample(q, noise)  # (num_samples, batch, latent_dim)
        shares: list[Tensor] = []
        if self.gradient == "doubly_reparameterized":
            z = _with_gradient_times(shares, z)
        log_likelihood = self.likelihood(z, condition, training).log_prob(x)
        kls = self.log_ratios(q, self.prior(condition, training), z)
        log_ratio = tf.add_n([*kls.values()])  # (num_samples, batch)
        if self.gradient != "standard":
            score = q.log_prob(tf.stop_gradient(z))
            log_ratio -= score - tf.stop_gradient(score)  # the value stays, the gradient goes
        beta = self.present_beta()
        log_weights = log_likelihood - beta * log_ratio
        share = tf.nn.softmax((1.0 - self.alpha) * tf.stop_gradient(log_weights), axis=0)
        shares.append(1.0 - beta * (1.0 - self.alpha) * (1.0 - share))
        bound = self._bound(log_weights)  # (batch,)
        watched = {"reconstruction": -log_likelihood, **kls}
        means = {
            name: tf.reduce_mean(tf.stop_gradient(values), axis=0)
            for name, values in watched.items()
        }
        return {"iwae": -bound, **means}  # (batch,) each

    def _bound(self, log_weights: Tensor) -> Tensor:
        """From the logarithms of weights (num_samples, batch) to the bound (batch,)."""
        power = 1.0 - self.alpha
        if power == 0.0:
            return tf.reduce_mean(log_weights, axis=0)
        largest = tf.stop_gradient(tf.reduce_max(log_weights, axis=0))  # (batch,)
        # Numbers near 1 would lose what a small power leaves of them.
        beyond = tf.reduce_mean(tf.math.expm1(power * (log_weights - largest)), axis=0)
        return largest + tf.math.log1p(beyond) / power

    def log_ratios(self, q: Any, p: Any, z: Tensor) -> dict[str, Tensor]:
        """The terms of log q(z|x) - log p(z), (num_samples, batch) each, of z from q."""
        return {"kl": q.log_prob(z) - p.log_prob(z)}

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The ELBO's terms are only looked at."""
        return dict.fromkeys(self.elbo_terms, 0.0)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        return {
            **super().get_config(),
            "num_samples": self.num_samples,
            "alpha": self.alpha,
            "gradient": self.gradient,
        }


def _with_gradient_times(shares: list[Tensor], z: Tensor) -> Tensor:
    """The same z (num_samples, batch, latent_dim), its gradient multiplied by samples' shares.

    The shares (num_samples, batch) depend on z, and stand in the list before a gradient is taken.
    Behind z, the decoder and the prior keep the bound's own gradient.
    """

    @tf.custom_gradient
    def identity(z: Tensor) -> tuple[Tensor, Any]:
        return tf.identity(z), lambda upstream: upstream * shares[0][..., tf.newaxis]

    return identity(z)
