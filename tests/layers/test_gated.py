"""Gated units against numpy, and what they do not take."""

import numpy as np
import pytest

from keras_vae.errors import UserError
from keras_vae.layers import GatedDense


def test_against_numpy():
    layer = GatedDense(3)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    found = layer(x)
    kernel, bias = layer.get_weights()
    values, gates = np.split(x @ kernel + bias, 2, axis=1)
    np.testing.assert_allclose(found, values / (1 + np.exp(-gates)), rtol=1e-5)


def test_an_activation_is_refused():
    with pytest.raises(UserError, match="no activation"):
        GatedDense(3, activation="relu")
