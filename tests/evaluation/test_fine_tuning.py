"""Fine-tuning trains all of a classifier, with the encoder that it is given."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.compare import assert_same
from keras_vae.evaluation import fine_tune

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3
X = (0.1 * RNG.random((60, 6)) + 0.8 * np.eye(6)[2 * Y]).astype("float32")


def autoencoder():
    keras.utils.set_random_seed(0)
    networks = keras_vae.networks.dense((6,), 4, hidden=(), posterior="deterministic")
    return keras_vae.Autoencoder(*networks, likelihood="bernoulli")


def test_it_learns_and_trains_the_encoder():
    model = autoencoder()
    before = model.encoder.get_weights()
    assert fine_tune(model, X[:45], Y[:45], X[45:], Y[45:], epochs=30, learning_rate=0.05) == 0.0
    assert not np.array_equal(before[0], model.encoder.get_weights()[0])


def test_errors_are_counted_in_percent():
    wrong = Y.copy()
    wrong[45:48] = (wrong[45:48] + 1) % 3
    error = fine_tune(
        autoencoder(), X[:45], Y[:45], X[45:], wrong[45:], epochs=30, learning_rate=0.05
    )
    assert error == pytest.approx(20.0)


def test_it_begins_with_the_encoders_weights():
    """Without a step, two models differ by their encoders alone."""
    encoders = []
    for scale in (0.0, 1.0):
        model = autoencoder()
        model.encoder.set_weights([scale * weight for weight in model.encoder.get_weights()])
        fine_tune(model, X, Y, X, Y, epochs=1, learning_rate=0.0)
        encoders.append(model.encoder.get_weights()[0])
    assert not encoders[0].any()
    assert encoders[1].any()


def test_the_same_seed_gives_the_same_classifier():
    trained = []
    for seed in (1, 1, 2):
        model = autoencoder()
        fine_tune(model, X, Y, X, Y, epochs=2, seed=seed, dropout=0.5, input_dropout=0.2)
        trained.append(model.encoder.get_weights())
    assert_same(trained[0], trained[1])
    assert not np.array_equal(trained[0][0], trained[2][0])


def test_dropout_is_where_it_is_asked_for():
    classifier = autoencoder().to_classifier(3, input_dropout=0.2, dropout=0.5)
    layers = [layer for layer in classifier.parts if isinstance(layer, keras.layers.Dropout)]
    assert [layer.rate for layer in layers] == [0.2, 0.5]
    assert classifier.parts.index(layers[0]) < classifier.parts.index(layers[1])
    same = [classifier.predict(X, verbose=0) for _ in range(2)]
    assert_same(same[:1], same[1:])
    assert not np.array_equal(classifier(X, training=True), classifier(X, training=True))
