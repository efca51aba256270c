"""What a served model can be asked, written once over its densities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.export import Endpoint
from keras_vae.models._importance import log_sums
from keras_vae.noise import Tensor, fresh_seeds

if TYPE_CHECKING:
    from keras_vae.models.coding import Coding
    from keras_vae.models.generative import Generative

LOG_PROB_SAMPLES = 50
"""Importance samples of the served `log_prob`."""
_SAMPLES_AT_A_TIME = 5
_SEED = tf.TensorSpec([None], tf.int64)
_CHANNELS = (1, 3, 4)
"""Of the images that have a PNG."""


def coding_endpoints(model: Coding, labels: bool) -> dict[str, Endpoint]:
    """`encode`, `decode` and `reconstruct`: no noise in them."""
    image = tf.TensorSpec([None, *model.event_shape], tf.float32)
    z = tf.TensorSpec([None, *model.latent_shape], tf.float32)

    def encode(condition: Tensor | None, image: Tensor) -> dict[str, Tensor]:
        return model.code_outputs(model.posterior(image, condition))

    def decode(condition: Tensor | None, z: Tensor) -> dict[str, Tensor]:
        return {"image": model.likelihood(z, condition).mean()}

    def reconstruct(condition: Tensor | None, image: Tensor) -> dict[str, Tensor]:
        return decode(condition, model.posterior(image, condition).mean())

    return {
        "encode": _endpoint(model, labels, encode, {"image": image}),
        "decode": _endpoint(model, labels, decode, {"z": z}),
        "reconstruct": _endpoint(model, labels, reconstruct, {"image": image}),
    }


def generative_endpoints(model: Generative, labels: bool) -> dict[str, Endpoint]:
    """`sample`, `sample_png`, `elbo` and `log_prob`: each row's noise comes from its own seed."""
    image = tf.TensorSpec([None, *model.event_shape], tf.float32)
    drawn = {"seed": _SEED, "temperature": tf.TensorSpec([None], tf.float32)}
    scored = {"image": image, "seed": _SEED}

    def sample(condition: Tensor | None, seed: Tensor, temperature: Tensor) -> dict[str, Tensor]:
        seed = _chosen(seed)
        return {"image": model.drawn(seed, temperature, condition), "seed": seed}

    def sample_png(condition: Tensor | None, **inputs: Tensor) -> dict[str, Tensor]:
        outputs = sample(condition, **inputs)
        levels = tf.round(255.0 * tf.clip_by_value(outputs.pop("image"), 0.0, 1.0))
        return {"png_bytes": tf.io.encode_png(tf.cast(levels, tf.uint8)), **outputs}

    def elbo(condition: Tensor | None, image: Tensor, seed: Tensor) -> dict[str, Tensor]:
        x, condition, noise = model.observation(_chosen(seed), image, condition)
        reconstruction, kl = model.elbo_parts(x, condition, noise, training=False)
        kl = tf.reduce_sum(kl, axis=1)  # (batch,)
        return {
            "elbo": -(reconstruction + kl),
            "reconstruction_log_prob": -reconstruction,
            "kl": kl,
        }

    def log_prob(condition: Tensor | None, image: Tensor, seed: Tensor) -> dict[str, Tensor]:
        x, condition, noise = model.observation(_chosen(seed), image, condition)
        samples = LOG_PROB_SAMPLES, _SAMPLES_AT_A_TIME
        log_sum, _ = log_sums(model, x, condition, noise, *samples)
        return {"log_prob": log_sum - math.log(LOG_PROB_SAMPLES)}

    endpoints = {
        "sample": _endpoint(model, labels, sample, drawn),
        "elbo": _endpoint(model, labels, elbo, scored),
        "log_prob": _endpoint(model, labels, log_prob, scored),
    }
    if len(model.event_shape) == 3 and model.event_shape[-1] in _CHANNELS:
        endpoints["sample_png"] = _endpoint(model, labels, sample_png, drawn)
    return endpoints


def _chosen(seed: Tensor) -> Tensor:
    """The seeds (batch,), with fresh ones in place of those below 0."""
    return tf.where(seed < 0, fresh_seeds(tf.shape(seed)[0]), seed)


def _endpoint(
    model: Coding | Generative,
    labels: bool,
    function: Callable[..., dict[str, Tensor]],
    inputs: Mapping[str, tf.TensorSpec],
) -> Endpoint:
    """An endpoint that also takes what the model is conditioned on: a label, or numbers.

    A row that the model does not take gives NaN, or an empty string: the other rows of its batch
    are others' requests, so it cannot be refused.
    """
    num_classes = model.condition_dim
    if num_classes is not None:
        if labels and num_classes == 1:
            raise UserError(
                "A condition of one number is no label: export this model with labels=False, and a "
                "server takes a `condition` of that number."
            )
        label = tf.TensorSpec([None], tf.int32)
        values = tf.TensorSpec([None, num_classes], tf.float32)
        inputs = {**inputs, **({"label": label} if labels else {"condition": values})}

    def served(**tensors: Tensor) -> dict[str, Tensor]:
        taken = _are_taken(model, tensors)  # (batch,)
        condition = tensors.pop("condition", None)
        if "label" in tensors:
            condition = tf.one_hot(tensors.pop("label"), num_classes)
        outputs = function(condition, **tensors)
        return {name: _blank_unless(taken, values) for name, values in outputs.items()}

    return Endpoint(served, inputs)


def _are_taken(model: Coding | Generative, tensors: Mapping[str, Tensor]) -> Tensor:
    """Which rows (batch,) the model takes: known labels, and finite numbers in their range."""
    ranges = {
        "image": model.likelihood_layer.support,
        "condition": model.condition_support,
        "temperature": (0.0, np.inf),
    }
    taken = []
    for name, values in tensors.items():
        if name == "label":
            taken.append((values >= 0) & (values < model.condition_dim))
        elif values.dtype.is_floating:
            low, high = ranges.get(name, (-np.inf, np.inf))
            good = tf.math.is_finite(values) & (values >= low) & (values <= high)
            taken.append(tf.reduce_all(good, axis=list(range(1, values.shape.rank))))
    return tf.reduce_all(tf.stack(taken), axis=0)  # (batch,)


def _blank_unless(taken: Tensor, values: Tensor) -> Tensor:
    """The values (batch, ...) with NaN or nothing in the other rows; integers as they are."""
    if values.dtype.is_integer:
        return values
    blank = tf.constant("" if values.dtype == tf.string else np.nan, values.dtype)
    rows = tf.reshape(taken, [-1, *[1] * (values.shape.rank - 1)])  # (batch, 1, ...)
    return tf.where(rows, values, blank)
