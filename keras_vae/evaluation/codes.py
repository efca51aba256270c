"""What a code is like: saturated, contracted, and how much of the data it keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.arrays import BATCH_SIZE, over_batches
from keras_vae.models import LatentModel
from keras_vae.models.jacobian import WIDEST, closed_form, exact, single_layer
from keras_vae.noise import Tensor
from keras_vae.rows import Array, as_data

_JACOBIAN_VALUES = 2**26
"""Numbers of the Jacobians that are in memory at a time: 256 MB."""
_REGIONS = 4
"""Of a feature map, along each axis, when it is pooled."""


def code_scores(model: LatentModel, x: Any, x_test: Any) -> dict[str, float]:
    """What can be said of a code without labels, measured on x_test.

    Args:
        model: A model without a condition.
        x: Training data (num, *event_shape), for the principal components.
        x_test: Data (num_test, *event_shape). The Jacobian and the saturation are those of the
            first thousand.

    Returns:
        `squared_error`, `pca_squared_error` of as many components, `jacobian_norm` for a code of up
        to 4,096 numbers, and for a code in [0, 1] `saturated_units` in percent.
    """
    x_test = np.asarray(x_test)
    code = model.encode(x_test[:1000])
    scores = {
        "squared_error": squared_error(model, x_test),
        "pca_squared_error": pca_squared_error(x, x_test, model.latent_dim),
    }
    if model.latent_dim <= WIDEST:
        scores["jacobian_norm"] = jacobian_norm(model, x_test[:1000])
    if code.min() >= 0 and code.max() <= 1:
        scores["saturated_units"] = saturation(code)
    return scores


def code_vectors(model: LatentModel, x: Any, condition: Any = None) -> Array:
    """The codes of data as vectors, for classifiers and pictures: feature maps are pooled.

    Of each map the largest value in each of 4 x 4 regions is kept, as Makhzani and Frey (2015),
    "Winner-Take-All Autoencoders", section 3.1, do before they classify.

    Args:
        model: Any model.
        x: Data (num, *event_shape).
        condition: Labels (num,) or values (num, condition_dim) of a conditional model.

    Returns:
        Array (num, features), float32.
    """
    parts = []
    for start in range(0, len(x), BATCH_SIZE):  # whole maps of all rows would be gigabytes
        rows = slice(start, start + BATCH_SIZE)
        code = model.encode(x[rows], None if condition is None else condition[rows])
        for axis in range(1, code.ndim - 1):
            num_regions = min(_REGIONS, code.shape[axis])
            starts = np.arange(num_regions) * code.shape[axis] // num_regions
            code = np.maximum.reduceat(code, starts, axis=axis)  # (rows, 4, 4, maps)
        parts.append(code.reshape(len(code), -1))  # (rows, features)
    return np.concatenate(parts)


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
    layer = single_layer(model.encoding_layers(), model.event_shape)

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
    return _mean_squared_distance(as_data(x), model.reconstruct(x))


def pca_squared_error(x: Any, x_test: Any, num_components: int) -> float:
    """The same of x_test for the best linear code of that width: the principal components of x.

    Args:
        x: Data (num, ...) that the components are taken from.
        x_test: Data (num_test, ...) that are reconstructed.
        num_components: Width of the code.
    """
    rows, test = (as_data(values).reshape(len(values), -1) for values in (x, x_test))
    mean = rows.mean(axis=0, dtype=np.float64)  # (event_size,)
    centred = rows - mean
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending: (event_size, event_size)
    components = directions[:, ::-1][:, :num_components]  # (event_size, num_components)
    return _mean_squared_distance(test, mean + (test - mean) @ components @ components.T)


def _mean_squared_distance(x: Array, other: Array) -> float:
    return float(np.mean(np.sum((x - other).reshape(len(x), -1) ** 2, axis=1)))
