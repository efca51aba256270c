"""The contractive penalty: closed form, differentiation both ways and the estimate agree."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.models.jacobian import closed_form, exact, hutchinson
from keras_vae.noise import Noise

X = np.random.default_rng(0).random((6, 5), "float32")


def autoencoder(latent_dim=7, hidden=(), activation="sigmoid", **arguments):
    keras.utils.set_random_seed(0)
    networks = keras_vae.networks.dense(
        (5,), latent_dim, hidden=hidden, posterior="deterministic", likelihood="normal"
    )
    posterior = {"name": "deterministic", "activation": activation}
    return keras_vae.ContractiveAutoencoder(*networks, posterior=posterior, **arguments)


def encode(model):
    return lambda x: model.posterior(x).mean()


def by_differences(model):
    """The squared norm by central differences in double precision, for one layer (batch,)."""
    kernel, bias = (np.float64(weight) for weight in model.encoder.get_weights())
    functions = {
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "tanh": np.tanh,
        None: lambda a: a,
    }
    f = functions[model.posterior_layer.activation]
    x, step = np.float64(X), 1e-6
    total = np.zeros(len(x))
    for direction in np.eye(5):
        ahead, behind = (f((x + sign * step * direction) @ kernel + bias) for sign in (1, -1))
        total += (((ahead - behind) / (2 * step)) ** 2).sum(axis=1)
    return total


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", None])
@pytest.mark.parametrize("latent_dim", [3, 7])
def test_one_layer_against_differences(activation, latent_dim):
    """Codes of 3 are differentiated backwards, codes of 7 forwards: data have 5 values."""
    model = autoencoder(latent_dim, activation=activation)
    assert model.jacobian == "closed_form"
    expected = by_differences(model)
    terms = model.loss_terms(tf.constant(X), None, Noise.for_rows(0, X), training=True)
    np.testing.assert_allclose(terms["contraction"], expected, rtol=1e-4)
    np.testing.assert_allclose(exact(encode(model), tf.constant(X)), expected, rtol=1e-4)


def test_the_activation_may_stand_in_the_layer():
    inputs = keras.Input((5,))
    encoder = keras.Model(inputs, keras.layers.Dense(4, activation="sigmoid")(inputs))
    decoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5)])
    model = keras_vae.ContractiveAutoencoder(encoder, decoder)
    assert model.jacobian == "closed_form"
    terms = model.loss_terms(tf.constant(X), None, Noise.for_rows(0, X), training=True)
    np.testing.assert_allclose(
        terms["contraction"], exact(encode(model), tf.constant(X)), rtol=1e-5
    )


@pytest.mark.parametrize("hidden", [(6,), pytest.param((), marks=pytest.mark.slow)])
def test_hutchinson_is_unbiased(hidden):
    model = autoencoder(hidden=hidden)
    draws = np.stack(
        [
            hutchinson(encode(model), tf.constant(X), Noise.from_seeds(tf.range(6) + 6 * i))
            for i in range(400)
        ]
    )
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    expected = exact(encode(model), tf.constant(X)).numpy()
    assert np.all(error < 0.1 * expected)
    assert np.all(np.abs(draws.mean(axis=0) - expected) < 4 * error)


def test_gradients_of_closed_form_and_exact_agree():
    model = autoencoder()
    x = tf.constant(X)
    with tf.GradientTape(persistent=True) as tape:
        first = closed_form(*model._layer, encode(model)(x))
        second = exact(encode(model), x)
    weights = model.encoder.trainable_weights
    for a, b in zip(tape.gradient(first, weights), tape.gradient(second, weights), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        ({}, "closed_form"),
        ({"activation": "relu"}, "exact"),
        ({"hidden": (6,)}, "exact"),
        ({"hidden": (6,), "latent_dim": 33}, "hutchinson"),
        ({"jacobian": "hutchinson"}, "hutchinson"),
    ],
)
def test_what_is_chosen(arguments, chosen):
    assert autoencoder(**arguments).jacobian == chosen


class TenTimes(keras.Model):
    """One dense layer, of ten times the data."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)
        self(np.zeros((1, 5), "float32"))

    def call(self, x):
        return self.dense(10.0 * x)


def twice():
    inputs, layer = keras.Input((5,)), keras.layers.Dense(5)
    return keras.Model(inputs, layer(layer(inputs)))


def row_by_row():
    inputs = keras.Input((2, 5))
    return keras.Model(inputs, keras.layers.Flatten()(keras.layers.Dense(2)(inputs)))


@pytest.mark.parametrize(
    ("make", "event_shape"), [(TenTimes, (5,)), (twice, (5,)), (row_by_row, (2, 5))]
)
def test_a_layer_that_is_not_all_there_is_has_no_closed_form(make, event_shape):
    encoder = make()
    decoder = keras.Sequential(
        [
            keras.Input(encoder(np.zeros((1, *event_shape), "float32")).shape[1:]),
            keras.layers.Dense(int(np.prod(event_shape))),
            keras.layers.Reshape(event_shape),
        ]
    )
    model = keras_vae.ContractiveAutoencoder(encoder, decoder)
    assert model.jacobian == "exact"
    model.compile(run_eagerly=True)


@pytest.mark.parametrize("jacobian", ["closed_form", "exact", "hutchinson"])
def test_the_jacobian_is_that_at_the_clean_x(jacobian):
    masked = autoencoder(jacobian=jacobian, corruption={"name": "masking", "rate": 0.9})
    clean = autoencoder(jacobian=jacobian)
    terms, expected = (
        model.loss_terms(tf.constant(X), None, Noise.for_rows(0, X), training=True)
        for model in (masked, clean)
    )
    np.testing.assert_allclose(terms["contraction"], expected["contraction"], rtol=1e-5)
    assert not np.allclose(terms["reconstruction"], expected["reconstruction"], rtol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": (6,), "jacobian": "closed_form"}, "needs an encoder of one dense layer"),
        ({"jacobian": "closed"}, 'Expected "auto"'),
        ({"weight": -0.1}, "at least 0"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(UserError, match=message):
        autoencoder(**arguments)
