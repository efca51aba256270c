"""A model whose every density is Normal and linear, so that p(x) is known: factor analysis.

    z ~ N(A c, diag(prior_variance)),    x | z ~ N(W z + U c + b, scale^2 I)

`model` builds it of the library's parts; `log_prob` and `posterior` are linear algebra in float64.
"""

from dataclasses import dataclass

import keras
import numpy as np
import scipy.stats
import tensorflow_probability as tfp

import keras_vae

EVENT, LATENT, CONDITION = 5, 3, 2
SCALE = 0.6


@dataclass
class LinearGaussian:
    """One such model; without a condition, A c and U c are left out and p(z) = N(0, I)."""

    conditional: bool
    event: int = EVENT
    latent: int = LATENT

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self.loading = rng.normal(size=(self.event, self.latent))  # W
        self.bias = rng.normal(size=self.event)
        width = CONDITION if self.conditional else 0
        self.shift = rng.normal(size=(self.event, width))  # U
        self.prior_shift = rng.normal(size=(self.latent, width))  # A
        self.prior_variance = np.ones(self.latent)
        if self.conditional:
            self.prior_variance = np.geomspace(0.5, 2.0, self.latent)
        self.posterior_covariance = np.linalg.inv(
            np.diag(1 / self.prior_variance) + self.loading.T @ self.loading / SCALE**2
        )

    def data(self, num: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows x (num, event) that the model may have made, and conditions c (num, width)."""
        rng = np.random.default_rng(1)
        c = rng.normal(size=(num, self.shift.shape[1]))
        z = c @ self.prior_shift.T + np.sqrt(self.prior_variance) * rng.normal(
            size=(num, self.latent)
        )
        x = (
            z @ self.loading.T
            + c @ self.shift.T
            + self.bias
            + SCALE * rng.normal(size=(num, self.event))
        )
        return x.astype("float32"), c.astype("float32")

    def log_prob(self, x: np.ndarray, c: np.ndarray) -> np.ndarray:
        """Log p(x), or log p(x|c), of each row (num,)."""
        loc = c @ (self.shift + self.loading @ self.prior_shift).T + self.bias
        covariance = self.loading * self.prior_variance @ self.loading.T + SCALE**2 * np.eye(
            self.event
        )
        return scipy.stats.multivariate_normal(cov=covariance).logpdf(x - loc)

    def posterior_weights(self) -> list[np.ndarray]:
        """Kernels by x and by c, and the bias, of the mean of p(z|x,c)."""
        by_x = self.posterior_covariance @ self.loading.T / SCALE**2
        by_c = (
            self.posterior_covariance / self.prior_variance @ self.prior_shift - by_x @ self.shift
        )
        return [by_x, by_c, -by_x @ self.bias]

    def posterior_mean(self, x: np.ndarray, c: np.ndarray) -> np.ndarray:
        """The mean of p(z|x,c) of each row (num, latent)."""
        by_x, by_c, bias = self.posterior_weights()
        return x @ by_x.T + c @ by_c.T + bias

    def model(
        self, covariance: np.ndarray, offset: float = 0.0, cls=keras_vae.VAE, **arguments
    ) -> keras_vae.VAE:
        """The model in keras-vae, with q(z|x) = N(the exact mean + offset, `covariance`).

        Without a condition it is a `cls`.
        """
        full = np.any(covariance != np.diag(np.diag(covariance)))
        posterior = "multivariate_normal_tril" if full else "normal"
        likelihood = {"name": "normal", "scale": SCALE}
        encoder, decoder = keras_vae.networks.dense(
            (self.event,),
            self.latent,
            hidden=(),
            posterior=posterior,
            likelihood=likelihood,
            condition_dim=CONDITION if self.conditional else None,
        )
        by_x, by_c, bias = self.posterior_weights()
        triangle = np.linalg.cholesky(covariance)
        spread = 2 * np.log(np.diag(triangle))  # log-variances, or twice the log of L's diagonal
        if full:
            below = tfp.math.fill_triangular_inverse(np.tril(triangle[1:, :-1]))
            spread = np.concatenate([spread, below])
        kernel = np.concatenate([by_x, by_c], axis=1).T  # (event + condition, latent)
        encoder.set_weights(
            [
                np.concatenate([kernel, np.zeros((len(kernel), len(spread)))], axis=1),
                np.concatenate([bias + offset, spread]),
            ]
        )
        decoder.set_weights([np.concatenate([self.loading, self.shift], axis=1).T, self.bias])
        arguments |= {"likelihood": likelihood, "posterior": posterior}
        if not self.conditional:
            return cls(encoder, decoder, **arguments)
        prior = keras.Sequential([keras.Input((CONDITION,)), keras.layers.Dense(2 * self.latent)])
        kernel = np.concatenate([self.prior_shift, np.zeros((self.latent, CONDITION))]).T
        prior.set_weights(
            [kernel, np.concatenate([np.zeros(self.latent), np.log(self.prior_variance)])]
        )
        return keras_vae.CVAE(encoder, decoder, prior=prior, **arguments)
