"""A served model's signatures: the names, dtypes and row shapes of what it takes and gives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keras_vae.errors import UserError
from keras_vae.rows import Array
from keras_vae.serving._protos import meta_graph_pb2
from keras_vae.serving.tensors import numpy_dtype


@dataclass(frozen=True)
class Rows:
    """One input or output, whose dimension 0 is the batch.

    Attributes:
        dtype: Of numpy; object for strings.
        shape: Of one row.
    """

    dtype: np.dtype
    shape: tuple[int, ...]

    @classmethod
    def read(cls, info: meta_graph_pb2.TensorInfo) -> Rows:
        """Reads TensorFlow's description, whose shape begins with the batch."""
        return cls(numpy_dtype(info.dtype), tuple(dim.size for dim in info.tensor_shape.dim[1:]))

    @property
    def row_bytes(self) -> int:
        """Bytes of one row's values."""
        return math.prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class Signature:
    """A function of a served model, from named rows to named rows."""

    inputs: Mapping[str, Rows]
    outputs: Mapping[str, Rows]

    @classmethod
    def read(cls, definition: meta_graph_pb2.SignatureDef) -> Signature:
        """Reads TensorFlow's description."""
        return cls(
            {name: Rows.read(info) for name, info in definition.inputs.items()},
            {name: Rows.read(info) for name, info in definition.outputs.items()},
        )

    @property
    def row_bytes(self) -> int:
        """Bytes that one row adds to the larger of the two messages, request and reply."""
        messages = (self.inputs, self.outputs)
        return max(sum(rows.row_bytes for rows in message.values()) for message in messages)

    def count_rows(self, inputs: Mapping[str, Array]) -> int:
        """The number of rows of inputs.

        Raises:
            UserError: For an input without rows, or with rows of another shape.
        """
        for name, values in inputs.items():
            shape = self.inputs[name].shape
            if values.ndim != len(shape) + 1 or values.shape[1:] != shape or not len(values):
                raise UserError(
                    f"Received {name} of shape {values.shape}; the model takes rows of {shape}, at "
                    "least one: reshape what is sent."
                )
        return len(next(iter(inputs.values())))
