"""What a code is like: saturated, contracted, and how much of the data it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.arrays import Array, over_batches
from keras_vae.models import LatentModel
from keras_vae.models.jacobian import closed_form, exact, single_layer
from keras_vae.noise import Tensor

_JACOBIAN_VALUES = 2**26
"""Numbers of the Jacobians that are in memory at a time: 256 MB."""


def code_scores(model: LatentModel, x: Any, x_test: Any) -> dict[str, float]:
    """What can be said of a code without labels, measured on x_test.

    Args:
        model: A model without a condition.
        x: Training data (num, *event_shape), for the principal components.
        x_test: Data (num_test, *event_shape). The Jacobian is that of the first thousand.

    Returns:
        `squared_error`, `pca_squared_error` of as many components, `jacobian_norm`, and for a code
        in [0, 1] `saturated_units` in percent.
    """
    x_test = np.asarray(x_test)
    code = model.encode(x_test)
    scores = {
        "squared_error": squared_error(model, x_test),
        "pca_squared_error": pca_squared_error(x, x_test, model.latent_dim),
        "jacobian_norm": jacobian_norm(model, x_test[:1000]),
    }
    if code.min() >= 0 and code.max() <= 1:
        scores["saturated_units"] = saturation(code)
    return scores


def saturation(code: Array, low: float = 0.05, high: float = 0.95) -> float:
    """The share of units that are outside [low, high], in percent, over units and data.

    Args:
        code: Codes (num, *latent_shape) in [0, 1], such as those of the activation "sigmoid".
        low: Below this a unit is off.
        high: Above this it is on.

    Reference:
        Rifai et al. (2011), "Contractive Auto-Encoders", table 1.
    """
    return 100.0 * float(np.mean((code < low) | (code > high)))


def jacobian_norm(model: LatentModel, x: Any) -> float:
    """The mean over the data of the Frobenius norm of dz/dx, for z = `encode(x)`.

    Args:
        model: A model without a condition.
        x: Data (num, *event_shape).

    Reference:
        Rifai et al. (2011), "Contractive Auto-Encoders", table 1.
    """
    layer = single_layer(model.encoding_layers())

    @tf.function(reduce_retracing=True, autograph=False)
    def squared_norm(x: Tensor) -> Tensor:
        x, _ = model.as_inputs(x, None)
        if layer is not None:
            return closed_form(*layer, model.posterior(x).mean())  # (batch,)
        return exact(lambda x: model.posterior(x).mean(), x)  # (batch,)

    each = int(np.prod(model.event_shape)) * model.latent_dim
    size = 1000 if layer is not None else max(1, min(1000, _JACOBIAN_VALUES // each))
    return float(np.mean(np.sqrt(over_batches(squared_norm, np.asarray(x), batch_size=size))))


def squared_error(model: LatentModel, x: Any) -> float:
    """The squared distance of an example and its reconstruction, averaged over the data.

    Args:
        model: A model without a condition.
        x: Data (num, *event_shape), uint8 read as x / 255.
    """
    return _mean_squared_distance(_as_floats(x), model.reconstruct(x))


def pca_squared_error(x: Any, x_test: Any, num_components: int) -> float:
    """The same of x_test for the best linear code of that width: the principal components of x.

    Args:
        x: Data (num, ...) that the components are taken from.
        x_test: Data (num_test, ...) that are reconstructed.
        num_components: Width of the code.
    """
    rows, test = (_as_floats(values).reshape(len(values), -1) for values in (x, x_test))
    mean = rows.mean(axis=0, dtype=np.float64)  # (event_size,)
    centred = rows - mean
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending: (event_size, event_size)
    components = directions[:, ::-1][:, :num_components]  # (event_size, num_components)
    return _mean_squared_distance(test, mean + (test - mean) @ components @ components.T)


def _as_floats(x: Any) -> Array:
    """Data as models read them: uint8 as x / 255."""
    x = np.asarray(x)
    return x / np.float32(255) if x.dtype == np.uint8 else x


def _mean_squared_distance(x: Array, other: Array) -> float:
    return float(np.mean(np.sum((x - other).reshape(len(x), -1) ** 2, axis=1)))
