"""The classifier: an ordinary Keras model that fits, is saved, goes on, and is served."""

import json

import keras
import numpy as np
import pytest

import keras_vae
from conformance.compare import assert_close, assert_same
from keras_vae import training
from keras_vae.errors import UserError
from loaded_graph import Servable

NUM = 60


def build(dropout=0.0, shift=0):
    keras.utils.set_random_seed(0)
    network = keras_vae.networks.convolutional_classifier(
        (8, 8, 1), 3, filters=(4,), hidden=(8,), dropout=dropout, shift=shift
    )
    classifier = keras_vae.Classifier(network)
    classifier.compile(keras.optimizers.Adam(0.02))
    return classifier


def data():
    labels = np.arange(NUM) % 3
    x = np.random.default_rng(0).integers(0, 60, (NUM, 8, 8, 1), dtype=np.uint8)
    for label in range(3):
        x[labels == label, 2 * label : 2 * label + 2] += 190
    return x, labels


def test_it_learns_and_says_so_in_percent():
    classifier, (x, y) = build(), data()
    classifier.fit(x, y, batch_size=20, epochs=10, verbose=0)
    found = classifier.evaluate(x, y, verbose=0, return_dict=True)
    probabilities = classifier.probabilities(x)
    right = 100 * np.mean(probabilities.argmax(axis=1) == y)
    assert found["accuracy"] == pytest.approx(right)
    assert right > 90
    assert found["loss"] == pytest.approx(-np.mean(np.log(probabilities[np.arange(NUM), y])), 1e-4)
    floats = classifier.probabilities((x / 255).astype("float32"))
    assert_close([floats], [probabilities])


def test_a_loaded_one_goes_on_alike(tmp_path):
    classifier, (x, y) = build(), data()
    classifier.compile(keras.optimizers.Adam(0.02), steps_per_execution=3)
    classifier.fit(x, y, batch_size=20, shuffle=False, verbose=0)
    classifier.save(tmp_path / "c.keras")
    loaded = keras.saving.load_model(tmp_path / "c.keras")
    for each in (classifier, loaded):
        each.fit(x, y, batch_size=20, shuffle=False, verbose=0)
    assert loaded.steps_per_execution == classifier.steps_per_execution == 3
    assert int(loaded.step) == int(classifier.step) == 6
    assert_same(loaded.get_weights(), classifier.get_weights())


def test_a_stopped_fit_goes_on_bit_for_bit(tmp_path):
    x, y = data()

    def fit(classifier, epochs, folder):
        batches = training.ShuffledBatches(x, y, batch_size=20, seed=0)
        checkpoint = training.Checkpoint(tmp_path / folder)
        classifier.fit(batches, epochs=epochs, callbacks=[checkpoint], verbose=0)
        return classifier.get_weights()

    whole = fit(build(0.3, 2), 3, "whole")
    fit(build(0.3, 2), 1, "stopped")
    assert_same(fit(build(0.3, 2), 3, "stopped"), whole)


def test_it_is_served(tmp_path):
    classifier, (x, _) = build(dropout=0.3, shift=1), data()
    folder = classifier.export(tmp_path / "judge")
    image = (x[:5] / 255).astype("float32")
    for signature in ("classify", "serving_default"):
        answer = Servable(folder)(signature, image=image)
        expected = classifier.probabilities(image)
        assert_close([answer["probabilities"]], [expected])
        np.testing.assert_array_equal(answer["label"], expected.argmax(axis=1))
    card = json.loads((folder / "card.json").read_text())
    assert card["model"] == "Classifier"
    assert_same([keras.saving.load_model(folder / "model.keras").probabilities(image)], [expected])


def test_a_shift_moves_images_in_training_alone():
    network = keras_vae.networks.convolutional_classifier((8, 8, 1), 3, filters=(4,), shift=2)
    x = np.random.default_rng(0).random((20, 8, 8, 1)).astype("float32")
    moved = np.asarray(network.layers[1](x, training=True))
    assert not np.array_equal(moved, x)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    windows = [padded[:, i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    for row in range(20):
        assert any(np.allclose(moved[row], window[row], atol=1e-6) for window in windows)
    np.testing.assert_array_equal(network.layers[1](x, training=False), x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dropout": 1.0}, "dropout is a share"),
        ({"shift": 8}, "below 8"),
        ({"filters": ()}, "at least one number in `filters`"),
        ({"hidden": (0,)}, "hidden is a list of whole numbers of at least 1"),
        ({"event_shape": (8,)}, 'use the network "dense"'),
    ],
)
def test_networks_that_cannot_be(arguments, message):
    arguments = {"event_shape": (8, 8, 1), "num_classes": 3, **arguments}
    with pytest.raises(UserError, match=message):
        keras_vae.networks.convolutional_classifier(**arguments)


def test_it_has_its_loss():
    with pytest.raises(UserError, match="takes no `loss`"):
        build().compile(loss="mse")


def test_rows_of_another_shape():
    with pytest.raises(UserError, match=r"takes rows of \(8, 8, 1\)"):
        build().probabilities(np.zeros((2, 8, 7, 1)))
