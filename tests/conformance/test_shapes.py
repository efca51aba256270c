"""Data of other shapes: small, coloured, not square, not images."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from conformance.cases import EVERY_PAIR, named

SHAPES = [(8, 8, 1), (32, 32, 3), (28, 20, 1), (7,)]


@pytest.mark.parametrize("event_shape", SHAPES, ids=str)
@pytest.mark.parametrize("pair", EVERY_PAIR, ids=str)
def test_arrays_have_the_shape(pair, event_shape):
    case = replace(pair, event_shape=event_shape)
    if len(event_shape) == 1 and "convolutional" in case.networks:
        with pytest.raises(ValueError, match="takes images"):
            case.build()
        return
    model, data = case.build(), case.data(5)
    assert model.event_shape == event_shape
    assert model.encode(*data).shape == (5, *model.latent_shape)
    assert model.latent_shape[-1] == (5 if case.networks == "dense_stages" else 3)
    for image in (model.reconstruct(*data), model.decode(model.encode(*data), *data[1:])):
        assert image.shape == (5, *event_shape)
        assert np.all(np.isfinite(image))


@pytest.mark.parametrize(
    ("name", "event_shape"),
    [
        ("vae learned scale", (7,)),
        ("cvae dense", (32, 32, 3)),
        ("cvae convolutional", (28, 20, 1)),
        pytest.param("autoencoder dense", (7,), marks=pytest.mark.slow),
        pytest.param("vae shared scale", (28, 20, 1), marks=pytest.mark.slow),
        pytest.param("vae convolutional", (32, 32, 3), marks=pytest.mark.slow),
    ],
)
def test_fit(name, event_shape):
    case = replace(named(name), event_shape=event_shape)
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    losses = case.fit(model, epochs=2)["loss"]
    assert losses[1] < losses[0]
    sample = model.sample(2, *case.data(2)[1:], seed=0) if "vae" in name else None
    assert sample is None or sample.shape == (2, *event_shape)
