"""Networks that tell a flow's bijectors how to shift and scale: TFP's own need Keras 2."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.float32 import Float32Layer
from keras_vae.noise import Tensor
from keras_vae.rows import Array

_MAX_LOG_SCALE = 3.0
"""Of one bijector, in a chain of many: enough to learn with, and no density overflows."""


class Conditioner(Float32Layer):
    """A perceptron from numbers (..., num_inputs) to the shifts and log-scales of others.

    Its last layer begins as zero, a flow as the identity.

    Args:
        num_inputs: How many numbers it sees.
        num_outputs: How many numbers have a shift and a scale.
        hidden: Widths of the hidden layers, rectified linear units.
        context_dim: Width of a context that it sees beside, or None for none.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        hidden: Sequence[int],
        context_dim: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        sizes = [num_inputs, *hidden, 2 * num_outputs]
        initializers = [*["glorot_uniform"] * len(hidden), "zeros"]
        self.kernels = [
            self.add_weight(shape=shape, initializer=initializer, name="kernel")
            for shape, initializer in zip(pairwise(sizes), initializers, strict=True)
        ]
        self.biases = [
            self.add_weight(shape=(size,), initializer="zeros", name="bias") for size in sizes[1:]
        ]
        self.context_kernel = None
        if context_dim is not None:
            self.context_kernel = self.add_weight(
                shape=(context_dim, sizes[1]), initializer=initializers[0], name="context_kernel"
            )

    def masked_kernels(self) -> list[Tensor]:
        """The kernels (inputs, outputs) of the layers, first to last."""
        return self.kernels

    def shift_and_log_scale(
        self, values: Tensor, context: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Two tensors (..., num_outputs) of values (..., num_inputs).

        Args:
            values: With any number of axes before the last.
            context: Of a shape that broadcasts: (..., context_dim).
        """
        h = values
        for number, (kernel, bias) in enumerate(
            zip(self.masked_kernels(), self.biases, strict=True)
        ):
            h = tf.tensordot(h if number == 0 else tf.nn.relu(h), kernel, axes=1)
            h += bias  # (..., width)
            if number == 0 and context is not None:
                h += tf.tensordot(context, self.context_kernel, axes=1)
        shift, log_scale = tf.split(h, 2, axis=-1)  # each (..., num_outputs)
        return shift, _MAX_LOG_SCALE * tf.tanh(log_scale / _MAX_LOG_SCALE)


class AutoregressiveConditioner(Conditioner):
    """A conditioner of each number by those before it in an order: a masked perceptron.

    Args:
        num_values: How many numbers there are.
        hidden: Widths of the hidden layers.
        context_dim: Width of a context that all of them see, or None for none.
        reverse: Whether the order is that of the last to the first.

    Reference:
        Germain et al. (2015), "MADE: Masked Autoencoder for Distribution Estimation", equations 8
        and 9.
    """

    def __init__(
        self,
        num_values: int,
        hidden: Sequence[int],
        context_dim: int | None,
        reverse: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_values, num_values, hidden, context_dim, **kwargs)
        self._masks = _masks(num_values, hidden, reverse)

    def masked_kernels(self) -> list[Tensor]:
        """Zero where an output would see what does not come before it."""
        return [kernel * mask for kernel, mask in zip(self.kernels, self._masks, strict=True)]


def _masks(num_values: int, hidden: Sequence[int], reverse: bool) -> list[Array]:
    """One mask (inputs, outputs) for each layer.

    A hidden unit of degree m sees the first m numbers, those of degree 0 the context alone; the
    output of place d takes units of degree below d. Degrees are spread evenly: a hidden layer that
    is narrower than the code leaves some out, and with them some of what comes before.
    """
    places = np.arange(1, num_values + 1)[:: -1 if reverse else 1]
    degrees = [places, *(np.arange(width) * num_values // width for width in hidden)]
    masks = [below[:, np.newaxis] <= above for below, above in pairwise(degrees)]
    last = degrees[-1][:, np.newaxis] < places
    return [mask.astype("float32") for mask in (*masks, np.tile(last, 2))]
