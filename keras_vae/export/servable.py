"""The servable graph: endpoints -> saved_model.pb and variables/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_vae.export.endpoint import Endpoint
from keras_vae.export.stored import Stored
from keras_vae.model_folders import DEFAULT_SIGNATURE


def trace(endpoint: Endpoint) -> Any:
    """Makes a concrete function of an endpoint; without XLA, which a stock server lacks."""
    named = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in endpoint.inputs.items()
    }
    return tf.function(endpoint.function, autograph=False).get_concrete_function(**named)


def write_servable(traced: Mapping[str, Any], default: str, stored: Stored, folder: Path) -> None:
    """Writes a SavedModel with each weight once.

    Args:
        traced: Name of the signature -> its concrete function.
        default: The name of the one that is `serving_default` too.
        stored: Which weights are saved.
        folder: Is made, or filled if it is empty.
    """
    module = tf.Module()
    # Of the model nothing but its weights: tracking the model itself would write each of them a
    # second time.
    read = list(
        {
            variable.ref(): variable
            for function in traced.values()
            for variable in function.variables
        }.values()
    )
    module.weights = stored.weights(read)
    tf.saved_model.save(
        module, str(folder), signatures={**traced, DEFAULT_SIGNATURE: traced[default]}
    )


def signatures(
    endpoints: Mapping[str, Endpoint], traced: Mapping[str, Any], default: str
) -> dict[str, Any]:
    """Describes the signatures: name -> `inputs` and `outputs`, name -> [dtype, shape]."""
    described = {
        name: {
            "inputs": _described(endpoint.inputs),
            "outputs": _described(traced[name].structured_outputs),
        }
        for name, endpoint in endpoints.items()
    }
    return {**described, DEFAULT_SIGNATURE: default}


def _described(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [tensor.dtype.name, tensor.shape.as_list()] for name, tensor in tensors.items()}
