"""Pairs of networks: the shapes that the densities need, for any data; and what is in between."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError
from keras_vae.networks import convolutional, dense

IMAGES = [(8, 8, 1), (28, 20, 1), (7, 5, 3), (9, 6, 3), (1, 1, 1), (2, 13, 2)]
VECTORS = [(7,), (1,)]
DENSITIES = [
    ("normal", "bernoulli"),
    ("deterministic", {"name": "normal", "scale": 0.1}),
    ("multivariate_normal_tril", {"name": "normal", "scale": "learned"}),
]


def build(network, event_shape, **arguments):
    """A small pair with three latent dimensions."""
    sizes = {"hidden": (6,)} if network is dense else {"filters": (4, 5)}
    return network(event_shape, 3, **{**sizes, **arguments})


def outputs(networks, event_shape, condition_dim=None, seed=0):
    """What the two give for two random rows."""
    generator = np.random.default_rng(seed)
    results = []
    for network, shape in zip(networks, [event_shape, (3,)], strict=True):
        inputs = tf.constant(generator.random((2, *shape)), tf.float32)
        if condition_dim is not None:
            inputs = [inputs, tf.eye(2, condition_dim)]
        results.append(network(inputs))
    return results


@pytest.mark.parametrize("condition_dim", [None, 4])
@pytest.mark.parametrize(
    ("network", "event_shape"),
    [(dense, shape) for shape in VECTORS + IMAGES] + [(convolutional, shape) for shape in IMAGES],
    ids=lambda value: value if isinstance(value, tuple) else value.__name__,
)
def test_shapes(network, event_shape, condition_dim):
    networks = build(network, event_shape, condition_dim=condition_dim)
    params, reconstruction = outputs(networks, event_shape, condition_dim)
    assert params.shape == (2, 6)
    assert reconstruction.shape == (2, *event_shape)


@pytest.mark.parametrize("network", [dense, convolutional])
@pytest.mark.parametrize(("posterior", "likelihood"), DENSITIES)
def test_as_many_parameters_as_the_densities_need(network, posterior, likelihood):
    networks = build(network, (7, 5, 3), posterior=posterior, likelihood=likelihood)
    params, reconstruction = outputs(networks, (7, 5, 3))
    assert params.shape[1:] == get_posterior(posterior).params_shape((3,))
    assert reconstruction.shape[1:] == get_likelihood(likelihood).params_shape((7, 5, 3))


def widths(network):
    kinds = (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    return [
        layer.units if isinstance(layer, keras.layers.Dense) else layer.filters
        for layer in network.layers
        if isinstance(layer, kinds)
    ]


def test_dense_layers_and_their_mirror_image():
    encoder, decoder = dense((4, 4, 1), 3, hidden=(12, 8), activation="relu")
    assert widths(encoder) == [12, 8, 6]
    assert widths(decoder) == [8, 12, 16]
    activations = [keras.activations.relu] * 2 + [keras.activations.linear]
    for network in (encoder, decoder):
        layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.activation for layer in layers] == activations


def test_convolutions_and_their_mirror_image():
    encoder, decoder = convolutional((9, 6, 2), 3, filters=(4, 8, 5), hidden=(10, 7))
    assert widths(encoder) == [4, 8, 5, 10, 7, 6]
    assert widths(decoder) == [7, 10, 2 * 1 * 5, 8, 4, 2]
    transposed = [
        layer for layer in decoder.layers if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    relu, linear = keras.activations.relu, keras.activations.linear
    assert [layer.activation for layer in transposed] == [relu, relu, linear]


def test_no_hidden_layer_is_linear():
    encoder, decoder = dense((3,), 2, hidden=())
    assert (widths(encoder), widths(decoder)) == ([4], [3])


@pytest.mark.parametrize("network", [dense, convolutional])
def test_every_pixel_and_every_code_matters(network):
    """Also at the border of an odd size, where the decoder crops."""
    encoder, decoder = build(network, (7, 5, 2), activation="tanh")
    x, z = tf.random.stateless_normal((1, 7, 5, 2), (0, 0)), tf.ones([1, 3])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        code, image = encoder(x), decoder(z)
        total = tf.reduce_sum(code * [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert np.all(tape.gradient(total, x) != 0)
    jacobian = tape.jacobian(image, z).numpy()[0, ..., 0, :]  # (7, 5, 2, 3)
    assert np.all(np.abs(jacobian).sum(axis=-1) != 0)
    assert np.all(np.abs(jacobian).sum(axis=(0, 1, 2)) != 0)


def test_an_odd_image_is_the_upper_left_of_an_even_one():
    """Seven rows and eight are both halved to four: the same weights serve."""
    odd, even = (convolutional(shape, 3, filters=(4,))[1] for shape in [(7, 5, 2), (8, 6, 2)])
    even.set_weights(odd.get_weights())
    z = tf.random.stateless_normal((2, 3), (0, 0))
    np.testing.assert_array_equal(odd(z), even(z)[:, :7, :5])


@pytest.mark.parametrize("network", [dense, convolutional])
def test_both_networks_see_the_condition(network):
    networks = build(network, (7, 5, 2), condition_dim=4, activation="tanh")
    for part, shape in zip(networks, [(7, 5, 2), (3,)], strict=True):
        inputs = tf.ones([4, *shape])
        result = part([inputs, tf.eye(4)]).numpy()
        assert len(np.unique(result.reshape(4, -1)[:, 0])) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event_shape": (7,)}, r"Received data of shape \(7,\); use the network \"dense\""),
        ({"event_shape": (7, 5)}, r"Received data of shape \(7, 5\)"),
        ({"filters": ()}, "at least one number in `filters`"),
        ({"likelihood": "bernouli"}, "Expected 'bernoulli', or"),
        ({"posterior": "norml"}, "Expected 'normal', or"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        convolutional(**{"event_shape": (8, 8, 1), "latent_dim": 3, **arguments})
    assert "\n" not in str(error.value)
