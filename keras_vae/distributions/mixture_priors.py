"""Priors that are a mixture: of free Normals, or of the model's own posteriors."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_vae.distributions.normal_posteriors import diagonal_normal
from keras_vae.distributions.prior import PosteriorOf, Prior
from keras_vae.errors import check_counts
from keras_vae.noise import Noise, Tensor

tfd = tfp.distributions


class MixturePrior(Prior):
    """p(z) = sum_k w_k p_k(z); samples take a component, and noise for it.

    Args:
        num_components: How many there are.
    """

    def __init__(self, num_components: int = 500, **kwargs: Any) -> None:
        check_counts(num_components=num_components)
        super().__init__(**kwargs)
        self.num_components = num_components

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "num_components": self.num_components}


@keras.saving.register_keras_serializable("keras_vae")
class NormalMixture(MixturePrior):
    """A mixture of Normals: p(z) = sum_k w_k N(z; loc_k, diag(scale_k^2)), all of it trained.

    With a condition c, logits, means and log-variances are affine functions of c: a mixture of its
    own for each class, where c is a label.

    Args:
        num_components: How many Normals there are.

    Reference:
        Dilokthanakul et al. (2016), "Deep Unsupervised Clustering with Gaussian Mixture Variational
        Autoencoders", section 3.
    """

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """Equal weights of Normals of scale 1 with means as standard normal numbers are."""
        means = keras.initializers.RandomNormal(stddev=1.0)
        num, latent_dim = self.num_components, self.latent_dim
        self.logits = self.add_weight(shape=(num, 1), initializer="zeros", name="logits")
        self.means = self.add_weight(shape=(num, latent_dim), initializer=means, name="means")
        self.log_variances = self.add_weight(
            shape=(num, latent_dim), initializer="zeros", name="log_variances"
        )
        if self.condition_dim is not None:
            shape = (self.condition_dim, num, 1 + 2 * latent_dim)
            self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The mixture, or one for each condition (batch, condition_dim)."""
        logits, normals = self._parts(condition)
        return tfd.MixtureSameFamily(tfd.Categorical(logits), diagonal_normal(normals))

    def moved(
        self, standard: Tensor, noise: Noise, condition: Tensor | None, training: bool
    ) -> Tensor:
        """Codes (batch, latent_dim) of components by their weights; at temperature 0 the means."""
        logits, normals = self._parts(condition)
        rows = tf.shape(standard)[0]
        edges = tf.cumsum(tf.nn.softmax(logits), axis=-1)  # (*batch, components)
        draw = noise.uniform("component", (1,)) * edges[..., -1:]  # (batch, 1)
        chosen = tf.reduce_sum(tf.cast(edges < draw, tf.int32), axis=-1)  # (batch,)
        normals = tf.broadcast_to(normals, tf.concat([[rows], tf.shape(normals)[-2:]], axis=0))
        params = tf.gather(normals, chosen, axis=1, batch_dims=1)  # (batch, 2 * latent_dim)
        return diagonal_normal(params).bijector.forward(standard)

    def _parts(self, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """Logits (*batch, components), and what Normals read (*batch, components, 2 * dim)."""
        parts = (self.logits, self.means, self.log_variances)
        params = tf.concat([tf.convert_to_tensor(part) for part in parts], axis=-1)
        if condition is not None:
            params += tf.tensordot(condition, self.kernel, axes=1)  # (batch, components, size)
        return params[..., 0], params[..., 1:]


@keras.saving.register_keras_serializable("keras_vae")
class VampPrior(MixturePrior):
    """A mixture of the posteriors of trained pseudo-inputs: p(z) = 1/K sum_k q(z|u_k).

    With a condition c the components are q(z|u_k, c): the encoder then sees every pseudo-input
    beside every row's condition, at `num_components` times the cost of a batch. Layers such as
    dropout are off in them.

    Args:
        num_components: Pseudo-inputs, K.

    Reference:
        Tomczak and Welling (2018), "VAE with a VampPrior", equation 9.
    """

    def make_weights(self, event_shape: tuple[int, ...], posterior: PosteriorOf | None) -> None:
        """Pseudo-inputs near to each other, as in the paper's own code."""
        self._posterior: Any = posterior
        self.pseudo_inputs = self.add_weight(
            shape=(self.num_components, *event_shape),
            initializer=keras.initializers.RandomNormal(0.05, 0.01),
            name="pseudo_inputs",
        )

    def may_serve(self, posterior: PosteriorOf | None) -> bool:
        """Only the model whose posteriors it is made of."""
        return bool(posterior == self._posterior)

    def distribution(self, condition: Tensor | None, training: bool = False) -> Any:
        """The mixture, or one for each condition (batch, condition_dim)."""
        inputs = tf.convert_to_tensor(self.pseudo_inputs)
        batch_shape = [self.num_components]
        if condition is not None:
            rows = tf.shape(condition)[0]
            inputs = tf.tile(inputs[tf.newaxis], [rows, *[1] * inputs.shape.rank])
            condition = tf.tile(condition[:, tf.newaxis], [1, self.num_components, 1])
            batch_shape = [rows, self.num_components]
        components = self._posterior(inputs, condition)  # batch shape (*batch, components)
        logits = tf.zeros(batch_shape)
        return tfd.MixtureSameFamily(tfd.Categorical(logits), components)

    def moved(
        self, standard: Tensor, noise: Noise, condition: Tensor | None, training: bool
    ) -> Tensor:
        """Codes (batch, latent_dim), each of one pseudo-input's posterior."""
        place = noise.uniform("component", ())  # (batch,), in (0, 1)
        chosen = tf.cast(place * self.num_components, tf.int32)
        q = self._posterior(tf.gather(self.pseudo_inputs, chosen), condition)
        return q.bijector.forward(standard)
