"""The base of all models: two networks, and densities over what they give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError
from keras_vae.layers import get_corruption, tie
from keras_vae.models._metrics import TermMeans
from keras_vae.models._networks import has_convolutions, read_shapes
from keras_vae.models.coding import Coding
from keras_vae.models.trainable import Trainable
from keras_vae.noise import Noise, Tensor
from keras_vae.seeds import check_seed


class LatentModel(Coding, Trainable):
    """A model with a code: an encoder and a decoder network, and densities over what they give.

    A variant fills `loss_terms`, its idea, and inherits the rest: `fit`, `evaluate`, `predict`,
    saving, `encode`, `decode`. All shapes are known when the constructor ends, so a loaded model
    keeps its optimizer's state.

    Data are float arrays, taken as they are, or uint8 arrays, taken as x / 255. `fit` takes what
    Keras takes: x, or (x, y), where y is the condition of a conditional model and is ignored by the
    others.

    Args:
        encoder: A `keras.Model` from x (batch, *event_shape), or from [x, condition], to raw
            posterior parameters.
        decoder: A `keras.Model` from z (batch, *latent_shape), or from [z, condition], to raw
            likelihood parameters.
        posterior: What the encoder's output means: a name, a table, or a `Posterior`.
        likelihood: What the decoder's output means: a name, a table, or a `Likelihood`.
        corruption: What the encoder is shown in place of x while training, with x itself for
            target: "gaussian", "masking", "salt_and_pepper", a table with `name`, a `Corruption`,
            or None for x.
        seed: Of all noise. Two fits with one seed, data and initial weights give the same weights.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        *,
        posterior: Any,
        likelihood: Any,
        corruption: Any = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        for role, network in (("encoder", encoder), ("decoder", decoder)):
            if not isinstance(network, keras.Model):
                raise UserError(
                    f"The {role} is a keras.Model, such as keras_vae.networks.dense makes. "
                    f"Received {network!r}."
                )
        check_seed(seed)
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.posterior_layer = get_posterior(posterior)
        self.likelihood_layer = get_likelihood(likelihood)
        self.corruption_layer = get_corruption(corruption)
        self.seed = seed
        # An own counter: the optimizer's is lost when a model is compiled anew.
        self.step = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.term_means = TermMeans()
        tie(encoder, decoder)
        shapes = read_shapes(encoder, decoder, self.posterior_layer, self.likelihood_layer)
        self.event_shape = shapes.event_shape
        self.latent_shape = shapes.latent_shape
        self.latent_dim = math.prod(shapes.latent_shape)
        self.condition_dim = shapes.condition_dim
        self.posterior_layer.prepare(self.latent_shape)
        # On CPUs, XLA's convolutions are several times slower than those that TensorFlow calls op
        # by op.
        self.supports_jit = bool(tf.config.list_physical_devices("GPU")) or not has_convolutions(
            encoder, decoder
        )
        self.is_distributed = tf.distribute.has_strategy()
        self.built = True

    @property
    def takes_y(self) -> bool:
        """Whether `fit` and `evaluate` need a y beside x: the condition."""
        return self.condition_dim is not None

    @property
    def support(self) -> tuple[float, float]:
        """Least and largest value that data may have."""
        return self.likelihood_layer.support

    @property
    def protocol(self) -> str:
        """What data are made into; likelihoods under different protocols do not compare."""
        return self.likelihood_layer.protocol

    # --- densities ---

    def posterior(self, x: Tensor, condition: Tensor | None = None, training: bool = False) -> Any:
        """q(z|x) or q(z|x,c): batch shape (*batch,), event shape `latent_shape`.

        Args:
            x: Data (*batch, *event_shape), with any number of batch axes.
            condition: (*batch, condition_dim), or None.
            training: Whether layers such as dropout are on.
        """
        x = tf.convert_to_tensor(x)
        batch_shape = tf.shape(x)[: x.shape.rank - len(self.event_shape)]
        params = self._rows_through(self.encoder, x, batch_shape, condition, training)
        return self.posterior_layer.distribution(params, training)

    def likelihood(self, z: Tensor, condition: Tensor | None = None, training: bool = False) -> Any:
        """p(x|z), or p(x|z,c): a distribution with event shape `event_shape`.

        Args:
            z: Codes (*samples, batch, *latent_shape), with any number of sample axes.
            condition: (batch, condition_dim), or None.
            training: Whether layers such as dropout are on.
        """
        batch_ndims = z.shape.rank - len(self.latent_shape)
        params = self._rows_through(
            self.decoder, z, tf.shape(z)[:batch_ndims], condition, training
        )  # (*samples, batch, *params_shape)
        return self.likelihood_layer.distribution(params, batch_ndims)

    def _rows_through(
        self,
        network: keras.Model,
        inputs: Tensor,
        batch_shape: Tensor,
        condition: Tensor | None,
        training: bool,
    ) -> Tensor:
        """What a network, which takes one batch axis, gives for inputs (*batch, *shape)."""
        rows = tf.reshape(inputs, [-1, *inputs.shape[batch_shape.shape[0] :]])  # (rows, *shape)
        if condition is not None:
            conditions = tf.broadcast_to(
                condition, tf.concat([batch_shape, [self.condition_dim]], axis=0)
            )  # (*batch, condition_dim)
            rows = [rows, tf.reshape(conditions, [-1, self.condition_dim])]
        params = network(rows, training=training)  # (rows, *params_shape)
        return tf.reshape(params, tf.concat([batch_shape, params.shape[1:]], axis=0))

    def corrupted(self, x: Tensor, noise: Noise, training: bool) -> Tensor:
        """What the encoder is to see of x (batch, *event_shape): x itself when not training."""
        if self.corruption_layer is None or not training:
            return x
        return self.corruption_layer.corrupt(x, noise)

    def observed(
        self, x: Tensor, condition: Tensor | None, noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        """What is modelled of data x (batch, *event_shape), and the condition that goes with it."""
        return self.likelihood_layer.observe(x, noise), condition

    def observation(
        self, seed: int | Tensor, x: Tensor, condition: Tensor | None
    ) -> tuple[Tensor, Tensor | None, Noise]:
        """As `observed` outside of training, and the noise: a function of seeds and rows.

        Args:
            seed: One for all rows, or one each (batch,).
            x: Data (batch, *event_shape), uint8 or floats.
            condition: Labels (batch,), values (batch, condition_dim), or None.
        """
        x, condition = self.as_inputs(x, condition)
        noise = Noise.for_rows(seed, x)
        return *self.observed(x, condition, noise), noise

    def observed_condition(self, condition: Tensor | None, noise: Noise) -> Tensor | None:
        """What is modelled of a condition (batch, condition_dim) with no data beside it."""
        return condition

    # --- hooks of a variant ---

    def loss_terms(
        self, x: Tensor, condition: Tensor | None, noise: Noise, training: bool
    ) -> dict[str, Tensor]:
        """The terms of the loss by name, each (batch,) in nats; the loss is their weighted sum.

        Args:
            x: Data (batch, *event_shape), float32.
            condition: (batch, condition_dim) float32, or None.
            noise: The only source of random numbers that a variant may use.
            training: False in `evaluate`.
        """
        raise NotImplementedError

    def loss_weights(self) -> Mapping[str, Tensor | float]:
        """The weights of the loss terms at the present `step`; 1 for a term that is not named."""
        return {}

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        """The reconstruction (batch, *event_shape) of x, or (x, condition)."""
        x, condition = self.as_inputs(inputs, None)
        code = self.posterior(x, condition, training).mean()  # (batch, *latent_shape)
        return self.likelihood(code, condition, training).mean()  # (batch, *event_shape)

    # --- config ---

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, networks and densities included; a variant adds its own."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "encoder": serialize(self.encoder),
            "decoder": serialize(self.decoder),
            "posterior": serialize(self.posterior_layer),
            "likelihood": serialize(self.likelihood_layer),
            "corruption": serialize(self.corruption_layer),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LatentModel:
        """A model from its config, in a new process too."""
        deserialize = keras.saving.deserialize_keras_object
        return cls(**{key: deserialize(value, custom_objects) for key, value in config.items()})
