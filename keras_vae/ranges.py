"""The values that a likelihood or a corruption takes, asked of arrays and of streams."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.graph_errors import require
from keras_vae.noise import Tensor
from keras_vae.rows import Array


class Range(NamedTuple):
    """Finite values from `least` to `most`.

    Args:
        least: What no value may be below.
        most: What no value may be above.
        taker: Who takes them.
        mend: What to do where others were given.
    """

    least: float
    most: float
    taker: str = "likelihood"
    mend: str = 'scale it, store pixels as uint8, or use the likelihood "normal"'

    def check(self, name: str, x: Array) -> None:
        """Raises a `UserError` for an array of floats, any shape, with values that are no such."""
        if not np.issubdtype(x.dtype, np.floating) or not x.size:
            return
        least, most = x.min(), x.max()
        if not (np.isfinite(least) and np.isfinite(most)):
            raise UserError(_not_finite(name))
        if not (least >= self.least and most <= self.most):
            raise UserError(self._outside(name, f"{least:g}", f"{most:g}"))

    def require(self, name: str, x: Tensor) -> None:
        """The same in a graph, of a tensor of any shape; `graph_errors.told` raises it."""
        if not x.dtype.is_floating:
            return
        least, most = tf.reduce_min(x), tf.reduce_max(x)
        require(tf.reduce_all(tf.math.is_finite(x)), _not_finite(name))
        require(
            (least >= self.least) & (most <= self.most),
            tf.strings.format(self._outside(name, "{}", "{}"), (least, most)),
        )

    def _outside(self, name: str, least: str, most: str) -> str:
        return (
            f"{name} ranges from {least} to {most}, and the {self.taker} takes {self.least:g} to "
            f"{self.most:g}: {self.mend}."
        )


def _not_finite(name: str) -> str:
    return f"{name} has NaN or infinite values: leave those rows out, or fill them."
