"""What every density layer has in common."""

from __future__ import annotations

from keras_vae.float32 import Float32Layer


class DensityLayer(Float32Layer):
    """A layer whose product is a distribution."""
