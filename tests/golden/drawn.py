"""What a model draws while something else is computed."""

from typing import Any

import numpy as np
import pytest


def keep_draws(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """A list that fills with the data that the densities of `model.likelihood` draw from now on."""
    drawn: list[np.ndarray] = []
    likelihood = model.likelihood

    def watched(z, condition=None, training=False):
        density = likelihood(z, condition, training)
        sample = density.sample

        def kept(**arguments):
            drawn.append(sample(**arguments))
            return drawn[-1]

        density.sample = kept
        return density

    monkeypatch.setattr(model, "likelihood", watched)
    return drawn
