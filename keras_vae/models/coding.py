"""What every model can do with its two networks: encode, decode, classify, be served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from keras_vae.arrays import check_range, check_shape, over_batches
from keras_vae.distributions import Likelihood, Posterior
from keras_vae.errors import UserError
from keras_vae.export import Compact, Endpoint, Whole, export
from keras_vae.models._chain import Chain, Data, Mean
from keras_vae.models._endpoints import coding_endpoints
from keras_vae.noise import Tensor
from keras_vae.rows import Array, as_condition


class Coding:
    """Codes of a `LatentModel`, as arrays, in another network, and behind a server.

    A part of `LatentModel`, whose densities it calls.
    """

    event_shape: tuple[int, ...]
    latent_shape: tuple[int, ...]
    condition_dim: int | None
    seed: int
    encoder: keras.Model
    posterior_layer: Posterior
    likelihood_layer: Likelihood
    posterior: Callable[..., Any]
    likelihood: Callable[..., Any]
    call: Callable[..., Tensor]
    as_inputs: Callable[..., tuple[Tensor, Tensor | None]]
    from_config: ClassVar[Callable[..., Any]]
    get_config: Callable[[], dict[str, Any]]
    get_weights: Callable[[], list[Array]]
    default_endpoint: str = "reconstruct"
    """The endpoint that a server answers with when it is asked for none."""

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

    def data_arrays(self, x: Any, condition: Any) -> tuple[Array, ...]:
        """As `as_arrays`, for data x, which are checked too."""
        x = np.asarray(x)
        self.check_data(x)
        return self.as_arrays(x, condition)

    def check_data(self, x: Array) -> None:
        """Raises a `UserError` for an array that has no rows, or others than the model takes."""
        if not x.size:
            raise UserError(f"Received data of shape {x.shape}; expected at least one row.")
        check_shape(x, self.event_shape)
        check_range("x", x, self.likelihood_layer.support)

    def as_arrays(self, values: Any, condition: Any) -> tuple[Array, ...]:
        """The values alone, or with one checked condition per value (num, condition_dim)."""
        values = np.asarray(values)
        if self.condition_dim is None:
            return (values,)
        return values, as_condition(condition, len(values), self.condition_dim)

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
                f"A {type(self).__name__} sees the condition beside x, so its encoder is no "
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
        """What a server of this model can be asked: `encode`, `decode` and `reconstruct`.

        Args:
            labels: Whether a conditional model is told a `label`, int32 (batch,); otherwise it is
                given a `condition`, float32 (batch, condition_dim).
        """
        return coding_endpoints(self, labels)

    def code_outputs(self, posterior: Any) -> dict[str, Tensor]:
        """What `encode` serves of q(z|x): the `code` (batch, *latent_shape)."""
        return {"code": posterior.mean()}

    def export(
        self,
        path: str | Path,
        *,
        labels: bool = True,
        card: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        compact: bool = False,
    ) -> Path:
        """Writes a version of this model that TensorFlow Serving serves and Keras loads.

            vae.export("saved_models/mine")      # the next free version: saved_models/mine/1
            vae.export("saved_models/mine/7")    # that one, if it is not there

        Args:
            path: `<models>/<name>`, or `<models>/<name>/<version>`.
            labels: As in `endpoints`.
            card: What `card.json` says besides the signatures, such as metrics.
            files: Name -> content of other files of the version, such as a picture.
            compact: Whether to write the weights once, in half precision, and `model.json` in place
                of `model.keras`: a quarter of the size. `from_preset` reads both.

        Returns:
            The folder of the version: the servable graph, its warm-up requests, `model.keras` (the
            model without its optimizer) and `card.json`. It appears whole or not at all.

        Raises:
            UserError: When the version is there already; when the graph holds an operation that
                cannot be served; when labels are asked for and the condition is one number; when
                half precision is too narrow for a weight.
        """
        copy = type(self).from_config(self.get_config())  # which has no optimizer
        copy.set_weights(self.get_weights())
        return export(
            copy.endpoints(labels),
            self.default_endpoint,
            Compact(copy) if compact else Whole(copy.save),
            path,
            {"model": type(self).__name__, **(card or {})},
            files or {},
        )
