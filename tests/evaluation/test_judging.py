"""The judge's word on samples, with a model and a judge whose weights are set by hand."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.errors import UserError
from keras_vae.evaluation import judged_accuracy

NUM_CLASSES = 4
SHAPE = (2, 2, 1)


def painter(shown=range(NUM_CLASSES), **arguments):
    """A CVAE that paints for each label the pixel of that number, or of `shown` in its place."""
    encoder, decoder = keras_vae.networks.dense(
        SHAPE, 2, hidden=(), condition_dim=NUM_CLASSES, **arguments
    )
    kernel = np.zeros((2 + NUM_CLASSES, NUM_CLASSES))
    kernel[2 + np.arange(NUM_CLASSES), list(shown)] = 20.0
    decoder.get_layer("params").set_weights([kernel, np.full(NUM_CLASSES, -10.0)])
    return keras_vae.CVAE(encoder, decoder)


def reader(num_classes=NUM_CLASSES, shape=SHAPE):
    """A judge whose logits are the pixels."""
    flat = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(num_classes)]
    network = keras.Sequential(flat)
    judge = keras_vae.Classifier(network)
    if (num_classes, shape) == (NUM_CLASSES, SHAPE):
        network.layers[-1].set_weights([np.eye(NUM_CLASSES), np.zeros(NUM_CLASSES)])
    return judge


@pytest.mark.parametrize(
    ("shown", "accuracy"), [([0, 1, 2, 3], 100.0), ([0, 1, 3, 2], 50.0), ([1, 2, 3, 0], 0.0)]
)
def test_samples_that_show_their_label_are_counted(shown, accuracy):
    done = []
    found = judged_accuracy(painter(shown), reader(), num_per_class=5, progress=done.append)
    assert found == accuracy
    assert done == [5] * NUM_CLASSES


def test_each_label_has_noise_of_its_own():
    class Listening(keras_vae.Classifier):
        def probabilities(self, x):
            seen.append(x)
            return super().probabilities(x)

    seen = []
    model = painter()
    kernel, bias = model.decoder.get_layer("params").get_weights()
    kernel[:2], kernel[2:] = 1.0, 0.0  # the code alone
    model.decoder.get_layer("params").set_weights([kernel, bias])
    judged_accuracy(model, Listening(reader().network), num_per_class=3)
    assert len(np.unique(np.concatenate(seen)[:, 0, 0, 0])) == 3 * NUM_CLASSES


@pytest.mark.parametrize(
    ("model", "judge", "message"),
    [
        (
            lambda: keras_vae.VAE(*keras_vae.networks.dense(SHAPE, 2, hidden=())),
            reader,
            "a VAE is asked for none",
        ),
        (reader, reader, "a Classifier is asked for none"),
        (painter, lambda: reader(shape=(2, 2, 3)), r"takes rows of shape \(2, 2, 3\)"),
        (painter, lambda: reader(3), "tells 3 classes apart, and the CVAE is told one of 4"),
    ],
)
def test_who_cannot_be_judged(model, judge, message):
    with pytest.raises(UserError, match=message):
        judged_accuracy(model(), judge(), num_per_class=5)
