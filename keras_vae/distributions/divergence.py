"""KL(q || p), in nats, kept apart by latent dimension where it can be."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.errors import UserError
from keras_vae.noise import Tensor

tfd = tfp.distributions


class NoClosedForm(UserError):
    """The KL of a pair of densities that has no closed form was asked for."""


def kl_divergence(q: Any, p: Any) -> Tensor:
    """The analytic KL(q || p): (batch, latent_dim) for two diagonal Normals, else (batch, 1); nats.

    Raises:
        NoClosedForm: When the pair has none.

    Reference:
        Kingma and Welling (2013), "Auto-Encoding Variational Bayes", appendix B.
    """
    if isinstance(q, tfd.MultivariateNormalDiag) and isinstance(p, tfd.MultivariateNormalDiag):
        return tfd.kl_divergence(
            tfd.Normal(q.loc, q.stddev()), tfd.Normal(p.loc, p.stddev())
        )  # (batch, latent_dim)
    try:
        return tfd.kl_divergence(q, p)[..., tf.newaxis]  # (batch, 1)
    except NotImplementedError:
        raise NoClosedForm(
            f"KL({type(q).__name__} || {type(p).__name__}) has no closed form. "
            'Use estimator="monte_carlo_kl" (SGVB estimator A).'
        ) from None
