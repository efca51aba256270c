"""What every model can do with its two networks: encode, decode, classify, be served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_vae.arrays import over_batches
from keras_vae.distributions import Posterior
from keras_vae.errors import UserError
from keras_vae.export import Endpoint
from keras_vae.models._chain import Chain, Data, Mean
from keras_vae.models._endpoints import coding_endpoints
from keras_vae.models._inputs import Inputs
from keras_vae.models._servable import Servable
from keras_vae.noise import Tensor
from keras_vae.rows import Array


class Coding(Inputs, Servable):
    """Codes of a `LatentModel`, as arrays, in another network, and behind a server.

    A part of `LatentModel`, whose densities it calls.
    """

    latent_shape: tuple[int, ...]
    seed: int
    encoder: keras.Model
    posterior_layer: Posterior
    posterior: Callable[..., Any]
    likelihood: Callable[..., Any]
    call: Callable[..., Tensor]
    default_endpoint = "reconstruct"

    # --- arrays in, arrays out ---

    def encode(self, x: Any, condition: Any = None) -> Array:
        """The codes (num, *latent_shape) of data x: posterior means, the same at every call."""
        return over_batches(self._encode, *self.data_arrays(x, condition))

    def decode(self, z: Any, condition: Any = None) -> Array:
        """The likelihood's means (num, *event_shape) for codes z (num, *latent_shape)."""
        z, *conditions = self.as_arrays(z, condition)
        if z.shape[1:] != self.latent_shape:
            raise UserError(
                f"Received codes of shape {z.shape}; the decoder takes rows of {self.latent_shape}."
            )
        return over_batches(self._decode, z, *conditions)

    def reconstruct(self, x: Any, condition: Any = None) -> Array:
        """Data x (num, *event_shape) encoded and decoded, through the posterior's means."""
        return over_batches(self._reconstruct, *self.data_arrays(x, condition))

    @tf.function(reduce_retracing=True, autograph=False)
    def _encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.posterior(*self.as_inputs(x, condition)).mean()

    @tf.function(reduce_retracing=True, autograph=False)
    def _decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.likelihood(z, condition).mean()

    @tf.function(reduce_retracing=True, autograph=False)
    def _reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return self.call(x if condition is None else (x, condition))

    # --- the encoder in another network ---

    def encoding_layers(self) -> list[keras.Layer]:
        """What makes a code (batch, *latent_shape) of x, to be taken over by another network."""
        return [self.encoder, Mean(self.posterior_layer)]

    def to_classifier(
        self, num_classes: int, *, input_dropout: float = 0.0, dropout: float = 0.0
    ) -> keras.Model:
        """An ordinary Keras model that begins with this encoder, to fine-tune on labels.

        It ends with a new dense layer over the code. The encoder's weights are shared: fine-tuning
        changes this model too.

            classifier = model.to_classifier(10)
            classifier.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            classifier.fit(x, y)

        Args:
            num_classes: How many.
            input_dropout: Share of the data's values that are left out while training.
            dropout: Share of the code's values that are left out while training.

        Returns:
            A model from x (batch, *event_shape), uint8 or float, to probabilities (batch,
            num_classes).

        Raises:
            UserError: For a conditional model, which would be told the class.
        """
        if self.condition_dim is not None:
            raise UserError(
                f"This {type(self).__name__} sees the condition beside x, so its encoder is no "
                "beginning of a classifier: use a model without a condition."
            )
        parts = [
            Data(self.event_shape),
            keras.layers.Dropout(input_dropout, seed=self.seed),
            *self.encoding_layers(),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout, seed=self.seed + 1),
            keras.layers.Dense(num_classes, activation="softmax", dtype="float32"),
        ]
        return Chain(self.event_shape, parts, name="classifier")

    # --- serving ---

    def endpoints(self, labels: bool = True) -> dict[str, Endpoint]:
        """As `Servable.endpoints`: `encode`, `decode` and `reconstruct`."""
        return coding_endpoints(self, labels)

    def code_outputs(self, posterior: Any) -> dict[str, Tensor]:
        """What `encode` serves of q(z|x): the `code` (batch, *latent_shape)."""
        return {"code": posterior.mean()}
