"""A served model as if it were here: numpy in, numpy out, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array, as_condition, as_data, as_labels, check_each
from keras_vae.seeds import check_seed, row_seeds
from keras_vae.serving.connection import Connection
from keras_vae.serving.signatures import Signature

_WORDS = {"image": "data", "z": "codes", "condition": "conditions"}
"""Of inputs, for a message."""


class Client:
    """A model behind TensorFlow Serving's API, with the methods of the local model.

    Arguments, defaults and results are those of the local model's methods of the same names. What
    is UNAVAILABLE is tried again with exponential backoff, five times in all; no other failure is.
    A large batch goes out as several requests. Where the server may change to a new version between
    them, give `version`, so that all rows come from one.

    Every method raises a `UserError` for arguments that do not fit the model, and a
    `keras_vae.serving.ServingError` when the server refuses or does not answer.

    Args:
        address: gRPC's host and port, such as "localhost:8500".
        model: The name that the server has for the model.
        version: A version's number; None for the latest.
        timeout: Seconds for each request, all of its attempts together.
        credentials: For TLS, such as `grpc.ssl_channel_credentials()`; None sends plain text.

    Example:
        with keras_vae.serving.Client("localhost:8500", "mnist-cvae") as client:
            nines = client.sample(16, condition=9, seed=0)  # (16, 28, 28, 1)
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        timeout: float = 60.0,
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._connection = Connection(
            address, model, version=version, timeout=timeout, credentials=credentials
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def sample(
        self, num: int, condition: Any = None, seed: int | None = None, temperature: float = 1.0
    ) -> Array:
        """Draws codes from the prior and returns the likelihood's means.

        Args:
            num: How many.
            condition: For a conditional model: a label for all, or one per sample; the same of
                vectors, where the condition is no class.
            seed: Row i is a function of seed + i alone. In [0, 2**53); None takes fresh entropy.
            temperature: Scales the prior's noise; 0 gives the prior's mode.

        Returns:
            Array (num, *event_shape), float32.
        """
        seeds = row_seeds(num, seed, temperature)  # (num,)
        inputs = {"seed": seeds, "temperature": np.full(num, temperature)}  # (num,) each
        return self._call("sample", inputs, condition)["image"]

    def encode(self, x: Any, condition: Any = None) -> Array:
        """The codes (num, *latent_shape) of data x: posterior means, the same at every call."""
        outputs = self._call("encode", {"image": as_data(x)}, condition)
        return outputs["code" if "code" in outputs else "z_mean"]

    def decode(self, z: Any, condition: Any = None) -> Array:
        """The likelihood's means (num, *event_shape) for codes z (num, *latent_shape)."""
        return self._call("decode", {"z": np.asarray(z)}, condition)["image"]

    def reconstruct(self, x: Any, condition: Any = None) -> Array:
        """Data x (num, *event_shape) encoded and decoded, through the posterior's means."""
        return self._call("reconstruct", {"image": as_data(x)}, condition)["image"]

    def elbo(self, x: Any, condition: Any = None, seed: int = 0) -> Array:
        """The evidence lower bound of each example, beta = 1, by the model's estimator.

        Args:
            x: Data (num, *event_shape).
            condition: Labels (num,) or values (num, condition_dim) of a conditional model.
            seed: A row's noise is a function of the seed and its own values. In [0, 2**53).

        Returns:
            Array (num,), nats.
        """
        check_seed(seed)
        image = as_data(x)
        inputs = {"image": image, "seed": np.full(image.shape[:1], seed)}  # seed: (num,)
        return self._call("elbo", inputs, condition)["elbo"]

    def _call(self, name: str, inputs: Mapping[str, Array], condition: Any) -> dict[str, Array]:
        """The outputs of a signature for checked inputs and the condition of each row."""
        signature = self._connection.signature(name)
        num = signature.count_rows(inputs)
        given = self._given(signature, condition, num)
        outputs = self._connection.call(name, {**inputs, **given})
        self._refuse_blank({**inputs, **given}, outputs)
        return outputs

    def _given(self, signature: Signature, condition: Any, num: int) -> dict[str, Array]:
        """The input that tells the condition of each row, where the model has one."""
        taken = signature.inputs.keys() & {"label", "condition"}
        if taken and condition is None:
            raise UserError(
                f"Received no condition, and {self._connection} needs one: give one for all rows, "
                "or one each."
            )
        if not taken and condition is not None:
            raise UserError(
                f"Received a condition, and {self._connection} takes none: leave it out."
            )
        if "label" in taken:
            return {"label": as_labels(condition, num)}  # (num,)
        if "condition" in taken:
            (condition_dim,) = signature.inputs["condition"].shape
            if "image" in signature.inputs:
                check_each(condition, num, condition_dim)
            return {"condition": as_condition(condition, num, condition_dim)}
        return {}

    def _refuse_blank(self, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> None:
        """Raises a `UserError` for rows of NaN: so a model says that it does not take them."""
        rows = next(values for values in outputs.values() if values.dtype == np.float32)
        blank = np.isnan(rows).reshape(len(rows), -1).all(axis=1)  # (num,)
        if blank.any():
            row = blank.argmax()
            given = [f"the label {inputs['label'][row]}"] if "label" in inputs else []
            given += [words for name, words in _WORDS.items() if name in inputs]
            raise UserError(
                f"Received {' with '.join(given) or 'numbers'}, for which {self._connection} gives "
                f"NaN in row {row}: it takes labels that it was trained with, and finite data and "
                "conditions in their range (pixels from 0 to 1; those of data may be uint8, which "
                "is read as x / 255)."
            )
