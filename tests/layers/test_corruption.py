"""Corruptions: their rates, their range, and that they are functions of the noise alone."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.layers import get_corruption
from keras_vae.noise import Noise

SHAPE = (8, 8, 1)
ROWS = 500
X = np.random.default_rng(0).uniform(0.1, 0.9, (ROWS, *SHAPE)).astype("float32")
EVERY = [
    {"name": "gaussian", "scale": 0.5},
    {"name": "masking", "rate": 0.3},
    {"name": "salt_and_pepper", "rate": 0.3},
]


def noise(seed=0):
    return Noise.from_seeds(tf.range(seed, seed + ROWS, dtype=tf.int64))


def corrupted(spec, x=X, seed=0):
    return get_corruption(spec).corrupt(tf.constant(x), noise(seed)).numpy()


def assert_rate(hits, rate):
    lower, upper = scipy.stats.binom.interval(0.9999, hits.size, rate)
    assert lower <= hits.sum() <= upper


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_masking_sets_its_share_to_zero(rate):
    found = corrupted({"name": "masking", "rate": rate})
    assert_rate(found == 0, rate)
    np.testing.assert_array_equal(found[found != 0], X[found != 0])


@pytest.mark.parametrize("rate", [0.0, 0.1, 1.0])
def test_salt_and_pepper_sets_its_share_to_the_ends(rate):
    found = corrupted({"name": "salt_and_pepper", "rate": rate, "value_range": (-1.0, 2.0)})
    salt, pepper = found == 2, found == -1
    assert_rate(salt, rate / 2)
    assert_rate(pepper, rate / 2)
    untouched = ~(salt | pepper)
    np.testing.assert_array_equal(found[untouched], X[untouched])


def test_gaussian_adds_normal_noise():
    wide = {"name": "gaussian", "scale": 0.5, "value_range": (-100.0, 100.0)}
    added = (corrupted(wide) - X) / 0.5
    assert scipy.stats.kstest(added.ravel(), "norm").pvalue > 0.01


def test_gaussian_is_cut_to_the_range():
    found = corrupted({"name": "gaussian", "scale": 0.5})
    assert (found.min(), found.max()) == (0.0, 1.0)


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec["name"])
def test_no_value_leaves_the_range_of_the_data(spec):
    extremes = np.random.default_rng(0).integers(0, 2, X.shape).astype("float32")
    found = corrupted(spec, extremes)
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.dtype == np.float32


@pytest.mark.parametrize("spec", EVERY, ids=lambda spec: spec["name"])
def test_a_function_of_the_noise(spec):
    np.testing.assert_array_equal(corrupted(spec), corrupted(spec))
    assert not np.array_equal(corrupted(spec), corrupted(spec, seed=ROWS))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "masking", "rate": 1.1}, r"in \[0, 1\]. Received rate=1.1"),
        ({"name": "salt_and_pepper", "rate": -0.1}, r"Received rate=-0.1"),
        ({"name": "gaussian", "scale": -1}, "at least 0"),
        ({"name": "gaussian", "value_range": (1, 0)}, r"Received \(1, 0\)"),
        ("salt_n_pepper", "Expected 'salt_and_pepper', or"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message):
        get_corruption(spec)


# --- in a model ---


@pytest.mark.parametrize("cls", [keras_vae.Autoencoder, keras_vae.VAE])
def test_any_model_is_shown_corrupted_data_while_training(cls):
    """Everything masked: the loss is that of the code of zeros, with x for its target."""
    posterior = "deterministic" if cls is keras_vae.Autoencoder else "normal"
    networks = keras_vae.networks.dense(SHAPE, 3, hidden=(4,), posterior=posterior)
    model = cls(*networks, likelihood="bernoulli", corruption={"name": "masking", "rate": 1.0})
    x, zeros = tf.constant(X), tf.zeros_like(X)

    def code(x, training):
        return model.posterior(model.corrupted(x, noise(), training)).mean()

    np.testing.assert_array_equal(code(x, training=True), code(zeros, training=False))
    assert not np.array_equal(code(x, training=True), code(x, training=False))
    found = model.loss_terms(x, None, noise(), training=True)["reconstruction"]
    clean = model.loss_terms(x, None, noise(), training=False)["reconstruction"]
    assert not np.allclose(found, clean, rtol=1e-3)


def test_pixels_that_depend_on_each_other_have_no_emphasis():
    likelihood = "autoregressive_bernoulli"
    networks = keras_vae.networks.dense(
        (4, 4, 1), 2, posterior="deterministic", likelihood=likelihood
    )
    with pytest.raises(UserError, match="have no weights of their own"):
        keras_vae.DenoisingAutoencoder(*networks, likelihood=likelihood, untouched_weight=0.5)


@pytest.mark.parametrize("untouched_weight", [0.0, 0.5, 1.0])
def test_emphasis_against_numpy(untouched_weight):
    networks = keras_vae.networks.dense(SHAPE, 3, hidden=(4,), posterior="deterministic")
    model = keras_vae.DenoisingAutoencoder(
        *networks,
        likelihood="bernoulli",
        corruption={"name": "masking", "rate": 0.4},
        untouched_weight=untouched_weight,
    )
    seen = model.corruption_layer.corrupt(tf.constant(X), noise()).numpy()
    logits = model.decoder(model.encoder(seen)).numpy().astype("float64")
    cross_entropy = np.logaddexp(0, logits) - X * logits
    weights = np.where(seen == 0, 1.0, untouched_weight)
    expected = (weights * cross_entropy).sum(axis=(1, 2, 3))
    found = model.loss_terms(tf.constant(X), None, noise(), training=True)["reconstruction"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corruption": None}, "needs a corruption"),
        ({"untouched_weight": 1.5}, "Received 1.5"),
    ],
)
def test_mistakes_of_a_denoising_autoencoder(arguments, message):
    networks = keras_vae.networks.dense(SHAPE, 3, posterior="deterministic")
    with pytest.raises(UserError, match=message):
        keras_vae.DenoisingAutoencoder(*networks, likelihood="bernoulli", **arguments)
