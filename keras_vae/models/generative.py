"""What every model with a prior can do, written once over its three densities."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.arrays import over_batches
from keras_vae.distributions import Likelihood, Prior
from keras_vae.export import Endpoint
from keras_vae.models._endpoints import generative_endpoints
from keras_vae.models._importance import (
    LikelihoodEstimate,
    importance_sampling,
    sums_of_batch,
)
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array
from keras_vae.seeds import check_seed, row_seeds

tfd = tfp.distributions


class Generative:
    """Sampling, the evidence lower bound and the likelihood of a `LatentModel` that has a prior.

    A class that mixes it in has a `prior_layer` and fills `elbo_parts`; the rest is the
    `LatentModel`'s.
    """

    default_endpoint = "sample"
    supports_jit: bool
    condition_dim: int | None
    condition_support: tuple[float, float]
    event_shape: tuple[int, ...]
    latent_dim: int
    likelihood_layer: Likelihood
    prior_layer: Prior
    posterior: Callable[..., Any]
    likelihood: Callable[..., Any]
    encode: Callable[..., Array]
    as_arrays: Callable[..., tuple[Array, ...]]
    data_arrays: Callable[..., tuple[Array, ...]]
    observation: Callable[..., tuple[Tensor, Tensor | None, Noise]]
    observed_condition: Callable[..., Tensor | None]

    def prior(self, condition: Tensor | None = None, training: bool = False) -> Any:
        """p(z), or p(z|c): a distribution with event shape (latent_dim,).

        Args:
            condition: (batch, condition_dim), or None.
            training: Whether layers such as dropout are on.
        """
        return self.prior_layer.distribution(condition, training)

    def elbo_parts(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> tuple[Tensor, Tensor]:
        """The negative ELBO in two parts, nats: reconstruction (batch,) and KL (batch, groups)."""
        raise NotImplementedError

    def sample(
        self, num: int, condition: Any = None, seed: int | None = None, temperature: float = 1.0
    ) -> Array:
        """Draws codes from the prior and returns the likelihood's means, or what it shows for them.

        Args:
            num: How many.
            condition: For a conditional model: a label or vector for all, or one per sample.
            seed: Row i is a function of seed + i alone. In [0, 2**53); None takes fresh entropy.
            temperature: Scales the prior's noise; 0 gives a standard normal prior's mode, and of a
                mixture the components' means.

        Returns:
            Array (num, *event_shape), float32.

        Raises:
            UserError: For a number out of range, or a condition that the model cannot take.
        """
        seeds, *conditions = self.as_arrays(
            row_seeds(num, seed, temperature), condition
        )  # (num,), (num, condition_dim)
        return over_batches(self._sample, seeds, np.full(num, temperature, np.float32), *conditions)

    def elbo(self, x: Any, condition: Any = None, seed: int = 0) -> Array:
        """The evidence lower bound of each example, beta = 1, by the model's estimator.

        Args:
            x: Data (num, *event_shape).
            condition: Labels (num,) or values (num, condition_dim) of a conditional model.
            seed: A row's noise is a function of the seed and its own values.

        Returns:
            Array (num,), nats.
        """
        return over_batches(partial(self._elbo, _constant(seed)), *self.data_arrays(x, condition))

    def observed_codes(self, x: Any, condition: Any = None, seed: int = 0) -> Array:
        """The codes of what the model sees of data: as `encode`, but binarized as in `elbo`.

        Args:
            x: Data (num, *event_shape).
            condition: Labels (num,) or values (num, condition_dim) of a conditional model.
            seed: A row's noise is a function of the seed and its own values.

        Returns:
            Array (num, latent_dim): the posterior's means.
        """
        return over_batches(
            partial(self._observed_codes, _constant(seed)), *self.data_arrays(x, condition)
        )

    def marginal_kl(self, x: Any, condition: Any = None, seed: int = 0) -> Array:
        """KL(q(z_j|x) || p(z_j)) of each example and latent dimension j, as far as two Normals go.

        Args:
            x: Data (num, *event_shape).
            condition: Labels (num,) or values (num, condition_dim) of a conditional model.
            seed: A row's noise is a function of the seed and its own values, as in `elbo`.

        Returns:
            Array (num, latent_dim), nats: the divergence of Normals with the means and variances of
            both. It is exact where both are Normal; where dimensions depend on each other, or the
            prior is a mixture or a flow, it tells sizes alone, and does not add up to `kl`.
        """
        return over_batches(
            partial(self._marginal_kl, _constant(seed)), *self.data_arrays(x, condition)
        )

    def log_likelihood(
        self,
        x: Any,
        condition: Any = None,
        num_samples: int = 5000,
        seed: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> Array:
        """Log p(x) of each example by importance sampling: a bound, tight for many samples.

        Args:
            x: Data (num, *event_shape).
            condition: Labels (num,) or values (num, condition_dim) of a conditional model.
            num_samples: Samples per example; they are decoded in chunks, so memory does not grow
                with them.
            seed: A row's noise is a function of the seed and its own values.
            progress: Called with the number of examples just done.

        Returns:
            Array (num,), nats.

        Reference:
            Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", equation 8.
        """
        return self.importance_sampling(
            x, condition, num_samples=num_samples, seed=seed, progress=progress
        ).log_likelihood

    def importance_sampling(
        self,
        x: Any,
        condition: Any = None,
        num_samples: int = 5000,
        seed: int = 0,
        progress: Callable[[int], object] | None = None,
    ) -> LikelihoodEstimate:
        """As `log_likelihood`, with a standard error and an effective sample size.

        Where the effective sample size is below a hundredth of `num_samples`, few samples carry the
        estimate, and log p(x) may be far above it.

        Args:
            x: As in `log_likelihood`, like all that follow.
            condition: The same.
            num_samples: The same.
            seed: The same.
            progress: The same.

        Returns:
            `log_likelihood`, `standard_error` (nats) and `effective_sample_size`, (num,) each, and
            `num_samples`.
        """
        return importance_sampling(
            self.program(sums_of_batch, reduce_retracing=True),
            *self.data_arrays(x, condition),
            num_samples=num_samples,
            seed=_constant(seed),
            progress=progress,
        )

    def endpoints(self, labels: bool = True) -> dict[str, Endpoint]:
        """As `LatentModel.endpoints`, and `sample`, `elbo`, `log_prob`; `sample_png` for images."""
        return {**super().endpoints(labels), **generative_endpoints(self, labels)}  # type: ignore[misc]

    def code_outputs(self, posterior: Any) -> dict[str, Tensor]:
        """`z_mean` and `z_log_var`, of each dimension by itself, (batch, latent_dim) each."""
        return {"z_mean": posterior.mean(), "z_log_var": 2.0 * tf.math.log(posterior.stddev())}

    def drawn(self, seeds: Tensor, temperature: Tensor, condition: Tensor | None = None) -> Tensor:
        """Samples (batch, *event_shape) in a graph: each row by its own seed and temperature."""
        noise = Noise.from_seeds(seeds)
        z = self.prior_layer.draw(noise, temperature, condition)  # (batch, latent_dim)
        return self.likelihood_layer.shown(
            self.likelihood(z, condition), noise
        )  # (batch, *event_shape)

    def program(self, function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """A function of this model and tensors as a graph of the tensors alone, made once.

        Args:
            function: Of the model and tensors; one that is defined once, as a module's are.
            **options: Of `tf.function`, the first time; by default XLA compiles what it can of a
                model.
        """
        if function not in self._programs:

            def of_tensors(*tensors: Any) -> Any:
                return function(self, *tensors)

            options = {"jit_compile": self.supports_jit, **options}
            self._programs[function] = tf.function(of_tensors, autograph=False, **options)
        return self._programs[function]

    @cached_property
    def _programs(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        return {}

    @tf.function(reduce_retracing=True, autograph=False)
    def _sample(
        self, seeds: Tensor, temperature: Tensor, condition: Tensor | None = None
    ) -> Tensor:
        return self.drawn(seeds, temperature, condition)

    @tf.function(reduce_retracing=True, autograph=False)
    def _observed_codes(self, seed: Tensor, x: Tensor, condition: Tensor | None = None) -> Tensor:
        x, condition, _ = self.observation(seed, x, condition)
        return self.posterior(x, condition).mean()  # (batch, latent_dim)

    @tf.function(reduce_retracing=True, autograph=False)
    def _marginal_kl(self, seed: Tensor, x: Tensor, condition: Tensor | None = None) -> Tensor:
        x, condition, _ = self.observation(seed, x, condition)
        q = self.posterior(x, condition)
        return tfd.kl_divergence(
            tfd.Normal(q.mean(), q.stddev()), tfd.Normal(*self._prior_moments(condition))
        )  # (batch, latent_dim)

    def _prior_moments(self, condition: Tensor | None) -> list[Tensor]:
        """Mean and standard deviation of the prior, each (batch, latent_dim) or (latent_dim,).

        A flow estimates its own from many codes: once for each condition that there is, no more.
        """
        if condition is None:
            prior = self.prior()
            return [prior.mean(), prior.stddev()]
        distinct, numbers = tf.raw_ops.UniqueV2(x=condition, axis=[0])  # (num, condition_dim)
        prior = self.prior(distinct)
        shape = [tf.shape(distinct)[0], self.latent_dim]
        return [
            tf.gather(tf.broadcast_to(moment, shape), numbers)
            for moment in (prior.mean(), prior.stddev())
        ]

    @tf.function(reduce_retracing=True, autograph=False)
    def _elbo(self, seed: Tensor, x: Tensor, condition: Tensor | None = None) -> Tensor:
        x, condition, noise = self.observation(seed, x, condition)
        reconstruction, kl = self.elbo_parts(x, condition, noise, training=False)
        return -(reconstruction + tf.reduce_sum(kl, axis=1))  # (batch,)


def _constant(seed: int) -> Tensor:
    """A seed that is one, as a tensor."""
    check_seed(seed)
    return tf.constant(seed, tf.int64)
