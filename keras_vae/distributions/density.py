"""What every density layer has in common."""

from __future__ import annotations

from typing import Any

from keras_vae.errors import UserError
from keras_vae.float32 import Float32Layer


class DensityLayer(Float32Layer):
    """A layer whose product is a distribution; several models may have it, of the same sizes."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._sizes: dict[str, Any] | None = None

    def begins_with(self, **sizes: Any) -> bool:
        """Whether this is the first model that the layer is a part of, and weights are to be made.

        Args:
            **sizes: What the weights depend on.

        Raises:
            UserError: When the layer is part of a model of other sizes.
        """
        if self._sizes is None:
            self._sizes = sizes
            return True
        if self._sizes != sizes:
            raise UserError(
                f"This {type(self).__name__} is part of a model with {_named(self._sizes)} "
                f"already, and this one has {_named(sizes)}: make another for it."
            )
        return False


def _named(sizes: dict[str, Any]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())
