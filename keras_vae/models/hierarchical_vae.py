"""The variational autoencoder with several layers of codes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras

from keras_vae.distributions import (
    DiagonalNormal,
    LayeredPosterior,
    LayeredPrior,
    Normal,
    get_likelihood,
    get_prior,
)
from keras_vae.errors import UserError
from keras_vae.models._networks import read_shapes
from keras_vae.models.iwae import IWAE
from keras_vae.models.vae import refuse_arguments
from keras_vae.noise import Tensor

Stage = tuple[keras.Model, keras.Model]


@keras.saving.register_keras_serializable("keras_vae")
class HierarchicalVAE(IWAE):
    """The VAE with two or more stochastic layers: codes of codes.

    Use it for better likelihoods than one layer of Normals has, and for abstractions of several
    grains: z_1 is nearest to the data, z_L to the prior.

        p(x, z) = p(x|z_1) p(z_1|z_2) ... p(z_L),    q(z|x) = q(z_1|x) q(z_2|z_1) ... q(z_L|z_(L-1))

    The objective is `IWAE`'s, which with one sample, the default, is the negative ELBO, and in
    place of its metric `kl` there is one for each layer, in nats:

        kl_l = E_q(z|x)[log q(z_l|z_(l-1)) - log p(z_l|z_(l+1))],    kl = kl_1 + ... + kl_L

    A code of this model is the vector [z_1, ..., z_L], whose mean has no closed form: `encode`
    estimates it, the same at every call.

    Args:
        stages: A pair (encoder, decoder) for each layer, from the data upwards, such as
            `keras_vae.networks.dense_stages` makes: `keras.Model`s from x, or the code below, to
            raw posterior parameters (batch, 2 * latent_dim), and from this code to the raw
            parameters of what is below, (batch, 2 * latent_dim) of a code.
        num_samples: As in `IWAE`.
        prior: p(z_L): as in `VAE`; the pseudo-inputs of "vamp" are codes z_(L-1).
        likelihood: p(x|z_1): as in `VAE`.
        **kwargs: `alpha` and `gradient`, as in `IWAE`; `beta`, `corruption` and `seed`, as in
            `VAE`.

    Example:
    >>> import keras_vae
    >>> stages = keras_vae.networks.dense_stages((8, 8, 1), latent_dims=(4, 2))
    >>> vae = keras_vae.HierarchicalVAE(stages)
    >>> vae.sample(4, seed=0).shape
    (4, 8, 8, 1)

    Reference:
        Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", section 2;
        Rezende, Mohamed and Wierstra (2014), "Stochastic Backpropagation and Approximate Inference
        in Deep Generative Models", equations 1 to 4.
    """

    lacks: tuple[str, ...] = ("encoder", "decoder", "posterior", *IWAE.lacks)

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        num_samples: int = 1,
        prior: Any = "standard_normal",
        likelihood: Any = "bernoulli",
        **kwargs: Any,
    ) -> None:
        refuse_arguments(self, HierarchicalVAE.lacks, kwargs)
        if len(stages) < 2:
            raise UserError(
                f"A HierarchicalVAE has two or more stages, and received {len(stages)}: "
                "give more, or use a VAE."
            )
        likelihoods = [get_likelihood(likelihood), *[Normal("learned")] * (len(stages) - 1)]
        shapes = [
            read_shapes(*stage, DiagonalNormal(), below)
            for stage, below in zip(stages, likelihoods, strict=True)
        ]
        if any(shape.condition_dim is not None for shape in shapes):
            raise UserError(
                "A HierarchicalVAE's stages take no condition: make them without, or use a CVAE."
            )
        for below, above in pairwise(shapes):
            if above.event_shape != below.latent_shape:
                raise UserError(
                    f"A stage's encoder takes {above.event_shape} and the code below has "
                    f"{below.latent_shape}: give the stages from the data upwards, each with the "
                    "shape of the code before it."
                )
        widths = [shape.latent_shape[0] for shape in shapes]
        encoders, decoders = zip(*stages, strict=True)
        super().__init__(
            encoders[0],
            _of_the_first(decoders[0], widths),
            num_samples=num_samples,
            posterior=LayeredPosterior(encoders[1:], widths),
            prior=LayeredPrior(get_prior(prior), decoders[1:], encoders[-1], widths),
            likelihood=likelihoods[0],
            **kwargs,
        )
        self.stages = [tuple(stage) for stage in stages]
        self._layers_of_kl = [f"kl_{number}" for number in range(1, len(stages) + 1)]
        self.elbo_terms = ("reconstruction", *self._layers_of_kl)

    def log_ratios(self, q: Any, p: Any, z: Tensor) -> dict[str, Tensor]:
        """One term for each layer, from the data upwards."""
        return {
            name: log_q - log_p
            for name, log_q, log_p in zip(
                self._layers_of_kl, q.layer_log_probs(z), p.layer_log_probs(z), strict=True
            )
        }

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, the networks and densities included."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "stages": [[serialize(network) for network in stage] for stage in self.stages],
            "prior": serialize(self.prior_layer.top),
        }


def _of_the_first(decoder: keras.Model, widths: Sequence[int]) -> keras.Model:
    """A decoder of the vector of all codes, which takes the first."""
    codes = keras.Input((sum(widths),))
    return keras.Model(codes, decoder(codes[:, : widths[0]]), name="decoder")
