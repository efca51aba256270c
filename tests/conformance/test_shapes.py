"""Data of other shapes: small, coloured, not square, not images."""

import keras
import numpy as np
import pytest

from conformance.cases import CASES, named

SHAPES = [(8, 8, 1), (32, 32, 3), (28, 20, 1), (7,)]
MODELS = ["autoencoder dense", "vae dense", "cvae dense", "autoencoder convolutional"]
MODELS += ["convolutional autoencoder", "vae convolutional", "cvae convolutional"]


def reshaped(name: str, event_shape: tuple[int, ...]):
    """The case of that name with data of another shape."""
    case = named(name)
    return type(case)(**{**vars(case), "event_shape": event_shape})


@pytest.mark.parametrize("event_shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_arrays_have_the_shape(name, event_shape):
    if len(event_shape) == 1 and "convolutional" in name:
        with pytest.raises(ValueError, match="takes images"):
            reshaped(name, event_shape).build()
        return
    case = reshaped(name, event_shape)
    model, data = case.build(), case.data(5)
    assert model.event_shape == event_shape
    assert model.encode(*data).shape == (5, 3)
    for image in (model.reconstruct(*data), model.decode(model.encode(*data), *data[1:])):
        assert image.shape == (5, *event_shape)
        assert np.all(np.isfinite(image))


@pytest.mark.parametrize(
    ("name", "event_shape"),
    [
        ("autoencoder dense", (7,)),
        ("vae learned scale", (7,)),
        ("vae shared scale", (28, 20, 1)),
        ("vae convolutional", (32, 32, 3)),
        ("cvae convolutional", (28, 20, 1)),
        ("cvae dense", (32, 32, 3)),
    ],
)
def test_fit(name, event_shape):
    case = reshaped(name, event_shape)
    model = case.build()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    losses = case.fit(model, epochs=2)["loss"]
    assert losses[1] < losses[0]
    sample = model.sample(2, *case.data(2)[1:], seed=0) if "vae" in name else None
    assert sample is None or sample.shape == (2, *event_shape)


def test_every_shape_of_model_is_here():
    assert {named(name).cls for name in MODELS} == {case.cls for case in CASES}
