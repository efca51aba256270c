"""log p(x) by annealed importance sampling, and bracketed by chains that run both ways.

Between a start f_0, the prior or the encoder's posterior, and the end f_1(z) = p(x|z) p(z) lie
f_b(z) = f_0(z)^(1 - b) f_1(z)^b. A chain that goes from b = 0 to 1 in small steps, each with a
transition that leaves f_b as it is, has a weight whose mean is p(x).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.errors import check_counts
from keras_vae.evaluation.chains import (
    Progress,
    Start,
    batches,
    check_start,
    key,
    observed_batches,
    start_chains,
)
from keras_vae.models import Generative, LikelihoodEstimate
from keras_vae.noise import Noise, Tensor
from keras_vae.rows import Array
from keras_vae.seeds import row_seeds

_ACCEPTANCE = 0.65
"""Of proposals: what step sizes are tuned to."""
_LEAPFROG_STEPS = 10
_TUNING = 2**31 - 1
"""Of a stream of noise, apart from those of the chains, which are numbered from 0."""


class Bracket(NamedTuple):
    """Of each example (num,), nats: two estimates of log p(x), between which it lies on average.

    Attributes:
        lower: By chains from the start to a sample of p(z|x).
        upper: By chains from an exact sample of p(z|x) to the start.
    """

    lower: Array
    upper: Array


def annealed_importance_sampling(
    model: Generative,
    x: Any,
    condition: Any = None,
    *,
    start: Start = "posterior",
    num_chains: int = 16,
    num_temperatures: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> LikelihoodEstimate:
    """Log p(x) of each example by annealed importance sampling: a bound, and a tight one.

    Hamiltonian Monte Carlo with 10 leapfrog steps moves the chains. Its step sizes, one for each
    example and temperature, are tuned to an acceptance of 0.65 by a run before, from other
    starts. More temperatures make the bound tighter.

    Args:
        model: A model with a prior.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.
        start: "posterior" begins with the encoder's samples, and takes fewer temperatures; "prior"
            owes nothing to the encoder.
        num_chains: For each example.
        num_temperatures: Steps from the start to the end.
        seed: Of all noise; of binarization as in `model.log_likelihood`.
        progress: Called with the number of examples just done.

    Returns:
        `log_likelihood`, `standard_error` (nats) and `effective_sample_size`, (num,) each, and
        `num_samples`, the number of chains.

    Raises:
        UserError: For a number below 1, or an unknown start.

    Reference:
        Neal (2001), "Annealed Importance Sampling", equation 11; Wu, Burda, Salakhutdinov and
        Grosse (2017), "On the Quantitative Analysis of Decoder-Based Generative Models".
    """
    betas = _betas(start, num_chains, num_temperatures)
    parts = []
    for number, (observed, given, noise) in enumerate(
        observed_batches(model, x, condition, seed, progress)
    ):
        begun = partial(start_chains, model, start, num_chains, observed, given)
        chains = _Chains(
            model, start, betas, observed, given, begun(noise.fold(_TUNING)), key(seed, number)
        )
        parts.append(chains.log_weights(begun(noise)))
    return LikelihoodEstimate.of_log_weights(np.concatenate(parts, axis=1)[:, : len(x)])


def bidirectional_monte_carlo(
    model: Generative,
    num: int = 100,
    condition: Any = None,
    *,
    start: Start = "posterior",
    num_chains: int = 16,
    num_temperatures: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
) -> Bracket:
    """Bounds from both sides of log p(x), for examples that the model draws itself.

    Of those an exact sample of p(z|x) is known, the code that they were drawn from, and chains can
    begin there too. A small gap says that `annealed_importance_sampling` with the same settings is
    tight, as far as the data are like the model's own.

    Args:
        model: A model with a prior.
        num: How many examples.
        condition: For a conditional model: a label or vector for all, or one per example.
        start: As in `annealed_importance_sampling`, like all that follow.
        num_chains: The same.
        num_temperatures: The same.
        seed: The same.
        progress: The same.

    Returns:
        `lower` and `upper`, (num,) each, nats.

    Raises:
        UserError: For a number below 1, or an unknown start.

    Reference:
        Grosse, Ghahramani and Adams (2015), "Sandwiching the Marginal Likelihood Using
        Bidirectional Monte Carlo", section 3.
    """
    betas = _betas(start, num_chains, num_temperatures)
    parts = []
    drawn = batches(*model.as_arrays(row_seeds(num, seed, 1.0), condition), progress=progress)
    for number, (seeds, *conditions) in enumerate(drawn):
        given = tf.constant(conditions[0]) if conditions else None
        noise, own = Noise.from_seeds(seeds), key(seed, number)
        given = model.observed_condition(given, noise)
        exact = model.prior_layer.draw(noise, tf.ones([len(seeds)]), given)  # (batch, latent_dim)
        x = model.likelihood(exact, given).sample(seed=own)  # (batch, *event_shape)
        begun = partial(start_chains, model, start, num_chains, x, given)
        chains = _Chains(model, start, betas, x, given, begun(noise.fold(_TUNING)), own)
        lower = chains.log_weights(begun(noise))
        ends = tf.repeat(exact[tf.newaxis], num_chains, axis=0)
        upper = chains.log_weights(ends, backwards=True)
        parts.append(
            (
                LikelihoodEstimate.of_log_weights(lower).log_likelihood,
                -LikelihoodEstimate.of_log_weights(-upper).log_likelihood,
            )
        )
    return Bracket(*np.concatenate(parts, axis=1)[:, :num])


def _betas(start: str, num_chains: int, num_temperatures: int) -> Tensor:
    """The temperatures (num_temperatures + 1,), denser at both ends; checks all settings."""
    check_counts(num_chains=num_chains, num_temperatures=num_temperatures)
    check_start(start)
    sigmoid = 1.0 / (1.0 + np.exp(-np.linspace(-4.0, 4.0, num_temperatures + 1)))
    return tf.constant((sigmoid - sigmoid[0]) / (sigmoid[-1] - sigmoid[0]), tf.float32)


class _Chains:
    """Chains z (chains, batch, latent_dim) between a start and p(x, z), of some examples.

    Their step sizes are tuned by chains from samples z of the start, which no other chain may begin
    at: a transition that depends on what it moves does not leave f_b as it is.
    """

    def __init__(
        self,
        model: Generative,
        start: str,
        betas: Tensor,
        x: Tensor,
        condition: Tensor | None,
        z: Tensor,
        seed: tuple[int, int],
    ) -> None:
        self._run, self._seed = model.program(_log_weights), seed
        self._path = start, betas, x, condition
        tune = model.program(_step_sizes)
        self._step_sizes = tune(*self._path, z, tf.constant([*seed, 0]))

    def log_weights(self, z: Tensor, backwards: bool = False) -> Array:
        """Of each chain (chains, batch): the mean of the weights is p(x).

        Backwards, from exact samples z of p(z|x), the mean of their inverses is 1 / p(x).
        """
        seed = tf.constant([*self._seed, 1 + backwards])
        weights: Array = self._run(*self._path, z, seed, self._step_sizes, backwards).numpy()
        return weights


def _step_sizes(
    model: Generative,
    start: str,
    betas: Tensor,
    x: Tensor,
    condition: Tensor | None,
    z: Tensor,
    seed: Tensor,
) -> Tensor:
    """Of each temperature and example (temperatures, batch)."""
    log_start, log_ratio = _densities(model, start, x, condition)
    num = betas.shape[0] - 1

    def step(index: Tensor, z: Tensor, size: Tensor, sizes: Any) -> tuple[Any, ...]:
        beta = betas[index + 1]
        moved, acceptance = _move(
            lambda z: log_start(z) + beta * log_ratio(z), z, size, _pair(seed, index)
        )
        sizes = sizes.write(index, size)
        return index + 1, moved, size * tf.exp(0.3 * (acceptance - _ACCEPTANCE)), sizes

    sizes = tf.TensorArray(tf.float32, num)
    first = tf.fill([tf.shape(x)[0]], 0.1)
    *_, sizes = tf.while_loop(
        lambda index, *_: index < num, step, (0, z, first, sizes), maximum_iterations=num
    )
    return sizes.stack()  # (temperatures, batch)


def _log_weights(
    model: Generative,
    start: str,
    betas: Tensor,
    x: Tensor,
    condition: Tensor | None,
    z: Tensor,
    seed: Tensor,
    step_sizes: Tensor,
    backwards: bool,
) -> Tensor:
    """As `_Chains.log_weights`."""
    log_start, log_ratio = _densities(model, start, x, condition)
    num = betas.shape[0] - 1

    def step(count: Tensor, z: Tensor, log_weights: Tensor) -> tuple[Any, ...]:
        index = num - 1 - count if backwards else count
        beta = betas[index + 1]

        def moved(z: Tensor) -> Tensor:
            return _move(
                lambda z: log_start(z) + beta * log_ratio(z),
                z,
                step_sizes[index],
                _pair(seed, index),
            )[0]

        if backwards:
            z = moved(z)
        log_weights += (beta - betas[index]) * log_ratio(z)
        return count + 1, z if backwards else moved(z), log_weights

    zeros = tf.zeros(tf.shape(z)[:-1])
    *_, log_weights = tf.while_loop(
        lambda count, *_: count < num, step, (0, z, zeros), maximum_iterations=num
    )
    return log_weights  # (chains, batch)


def _densities(
    model: Generative, start: str, x: Tensor, condition: Tensor | None
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Log f_0(z) and log f_1(z) - log f_0(z), of z (chains, batch, latent_dim)."""
    p = model.prior(condition)

    def log_likelihood(z: Tensor) -> Tensor:
        return model.likelihood(z, condition).log_prob(x)  # (chains, batch)

    if start == "prior":
        return p.log_prob, log_likelihood
    q = model.posterior(x, condition)
    return q.log_prob, lambda z: log_likelihood(z) + p.log_prob(z) - q.log_prob(z)


def _move(
    log_density: Callable[[Tensor], Tensor], z: Tensor, step_size: Tensor, seed: Tensor
) -> tuple[Tensor, Tensor]:
    """A transition of Hamiltonian Monte Carlo, and its mean acceptance over the chains (batch,)."""
    kernel = tfp.mcmc.HamiltonianMonteCarlo(
        log_density, step_size[tf.newaxis, :, tf.newaxis], _LEAPFROG_STEPS
    )
    moved, results = kernel.one_step(z, kernel.bootstrap_results(z), seed=seed)
    acceptance = tf.exp(tf.minimum(results.log_accept_ratio, 0.0))  # (chains, batch)
    return moved, tf.reduce_mean(acceptance, axis=0)


def _pair(seed: Tensor, index: Tensor) -> Tensor:
    """A seed of two integers, from a key, the number of what is run, and a step's."""
    return tf.stack([seed[0], seed[1] + 3 * index + seed[2]])
