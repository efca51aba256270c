"""Layers that compute in float32 whatever the policy: half precision overflows in exp and log."""

from __future__ import annotations

from typing import Any

import keras


class Float32Layer(keras.Layer):
    """A layer without weights to build later, in float32."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        del config["dtype"]
        return config
