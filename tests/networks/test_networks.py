"""Pairs of networks: the shapes that the densities need, for any data; and what is in between."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import get_likelihood, get_posterior
from keras_vae.errors import UserError
from keras_vae.layers import GatedDense
from keras_vae.networks import (
    convolutional,
    dense,
    dense_layers,
    dense_stages,
    fully_convolutional,
)

IMAGES = [(8, 8, 1), (28, 20, 1), (7, 5, 3), (9, 6, 3), (1, 1, 1), (2, 13, 2)]
VECTORS = [(7,), (1,)]
DENSITIES = [
    ("normal", "bernoulli"),
    ("deterministic", {"name": "normal", "scale": 0.1}),
    ("multivariate_normal_tril", {"name": "normal", "scale": "learned"}),
]


max_pool = functools.partial(convolutional, downsampling="max_pool")
max_pool.__name__ = "max_pool"


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
    [(dense, shape) for shape in VECTORS + IMAGES]
    + [(network, shape) for network in (convolutional, max_pool) for shape in IMAGES],
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


@pytest.mark.parametrize("network", [dense, convolutional, max_pool])
def test_every_pixel_and_every_code_matters(network):
    """Also at the border of an odd size, where the decoder crops."""
    encoder, decoder = build(network, (7, 5, 2), activation="tanh")
    x, z = tf.random.stateless_normal((1, 7, 5, 2), (0, 0)), tf.ones([1, 3])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, z])
        code, image = encoder(x), decoder(z)
        total = tf.reduce_sum(code * [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    # Max-pooling hands on the largest of four values, each of which sees 3 x 3 pixels.
    share = 0.9 if network is max_pool else 1.0
    assert np.mean(tape.gradient(total, x) != 0) >= share
    jacobian = tape.jacobian(image, z).numpy()[0, ..., 0, :]  # (7, 5, 2, 3)
    assert np.all(np.abs(jacobian).sum(axis=-1) != 0)
    assert np.all(np.abs(jacobian).sum(axis=(0, 1, 2)) != 0)


def test_an_odd_image_is_the_upper_left_of_an_even_one():
    """Seven rows and eight are both halved to four: the same weights serve."""
    odd, even = (convolutional(shape, 3, filters=(4,))[1] for shape in [(7, 5, 2), (8, 6, 2)])
    even.set_weights(odd.get_weights())
    z = tf.random.stateless_normal((2, 3), (0, 0))
    np.testing.assert_array_equal(odd(z), even(z)[:, :7, :5])


def test_max_pooling_keeps_the_largest_of_four_and_unpooling_repeats_it():
    encoder, decoder = max_pool((4, 4, 1), 16, filters=(1,), activation="linear")
    identity = np.zeros((3, 3, 1, 1))
    identity[1, 1] = 1
    encoder.layers[1].set_weights([identity, np.zeros(1)])
    x = np.random.default_rng(0).random((1, 4, 4, 1)).astype("float32")
    pooled = keras.Model(encoder.input, encoder.layers[2].output)(x)
    blocks = x.reshape(1, 2, 2, 2, 2, 1).max(axis=(2, 4))
    np.testing.assert_array_equal(pooled, blocks)
    decoder.get_layer("params").set_weights([identity, np.zeros(1)])
    maps = decoder.layers[2].output  # (batch, 2, 2, 1)
    image = keras.Model(maps, decoder.output)(blocks)
    np.testing.assert_array_equal(image, blocks.repeat(2, axis=1).repeat(2, axis=2))


@pytest.mark.parametrize("event_shape", IMAGES)
def test_fully_convolutional_codes_are_maps(event_shape):
    encoder, decoder = fully_convolutional(event_shape, (2, 5), decoder_kernel_size=3)
    x = np.random.default_rng(0).random((2, *event_shape)).astype("float32")
    code = encoder(x)
    assert code.shape == (2, *event_shape[:2], 5)
    assert decoder(code).shape == x.shape
    assert (widths(encoder), widths(decoder)) == ([2, 5], [event_shape[-1]])
    assert [layer.kernel_size[0] for layer in encoder.layers[1:]] == [5, 5]


def test_dense_layers_are_autoencoders_of_each_others_codes():
    layers = dense_layers((4, 4, 1), 2, hidden=(6, 5), likelihood="normal", tied=True)
    shapes = [(layer["encoder"].input_shape, layer["encoder"].output_shape) for layer in layers]
    assert shapes == [((None, 4, 4, 1), (None, 6)), ((None, 6), (None, 5)), ((None, 5), (None, 2))]
    for layer in layers:
        assert layer["decoder"].output_shape == layer["encoder"].input_shape
        assert [part.__class__.__name__ for part in layer["decoder"].layers][2] == "TiedDense"
    sigmoid = {"name": "deterministic", "activation": "sigmoid"}
    assert [layer["posterior"] for layer in layers] == [sigmoid, sigmoid, "deterministic"]
    assert [layer["likelihood"] for layer in layers] == ["normal", "bernoulli", "bernoulli"]
    relu = dense_layers((4,), 2, hidden=(3,), activation="relu")
    assert relu[1]["likelihood"] == {"name": "normal", "activation": "relu"}


@pytest.mark.parametrize("network", [dense, convolutional, fully_convolutional])
def test_weight_decay_is_the_sum_of_squared_kernels(network):
    if network is fully_convolutional:
        pair = network((7, 5, 2), (3, 4), weight_decay=0.1)
    else:
        pair = build(network, (7, 5, 2), weight_decay=0.1)
    for part in pair:
        part(np.zeros((1, *part.input_shape[1:])))
        kernels = [w for w in part.trainable_weights if w.name == "kernel"]
        expected = 0.1 * sum(np.square(kernel).sum() for kernel in kernels)
        assert float(sum(part.losses)) == pytest.approx(expected, rel=1e-5)
        assert len(part.losses) == len(kernels) > 0


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
        ({"downsampling": "pool"}, 'expected "strides" or "max_pool"'),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        convolutional(**{"event_shape": (8, 8, 1), "latent_dim": 3, **arguments})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": 500}, "hidden is a list of whole numbers .* Received hidden=500"),
        ({"hidden": [5, 0]}, r"hidden is a list .* Received hidden=\[5, 0\]"),
        ({"hidden": [2.5]}, "hidden is a list of whole numbers"),
        ({"event_shape": 784}, "event_shape is a list of whole numbers"),
        (
            {"latent_dim": 2.0},
            "latent_dim is a whole number of at least 1. Received latent_dim=2.0",
        ),
        ({"latent_dim": "2"}, "Received latent_dim='2'"),
    ],
)
def test_what_is_no_number_of_units(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        dense(**{"event_shape": (8, 8, 1), "latent_dim": 3, **arguments})
    assert "\n" not in str(error.value)


def test_a_fully_convolutional_code_has_one_number_per_value():
    with pytest.raises(UserError, match="Received 'normal'"):
        fully_convolutional((8, 8, 1), posterior="normal")
    with pytest.raises(UserError, match=r"Received data of shape \(7,\)"):
        fully_convolutional((7,))


def test_kernels_begin_with_the_standard_deviation_that_is_asked_for():
    keras.utils.set_random_seed(0)
    encoder, decoder = dense((30, 30, 1), 200, hidden=(200,), kernel_stddev=0.01)
    kernels = [
        layer.kernel.numpy()
        for network in (encoder, decoder)
        for layer in network.layers
        if isinstance(layer, keras.layers.Dense)
    ]
    assert len(kernels) == 4
    for kernel in kernels:
        assert abs(kernel.std() / 0.01 - 1) < 0.02  # 5 standard errors of 40,000 numbers: 0.018
    assert not np.array_equal(kernels[1], kernels[2])  # of one shape


def test_gated_units():
    """Each is a product of a linear unit and a gate, in both networks; and saved as such."""
    keras.utils.set_random_seed(0)
    pair = dense((4,), 2, hidden=(3, 5), activation="glu", condition_dim=1)
    for network, widths in zip(pair, [(3, 5), (5, 3)], strict=True):
        layers = [layer for layer in network.layers if isinstance(layer, GatedDense)]
        assert [layer.compute_output_shape((7, 1)) for layer in layers] == [
            (7, width) for width in widths
        ]
    x, condition = tf.random.stateless_normal([6, 4], [0, 1]), tf.ones([6, 1])
    kernel, bias = pair[0].get_layer("hidden_0").get_weights()
    linear, gate = np.split(np.concatenate([x, condition], axis=1) @ kernel + bias, 2, axis=1)
    copy = keras.models.clone_model(pair[0])
    copy.set_weights(pair[0].get_weights())
    np.testing.assert_array_equal(copy([x, condition]), pair[0]([x, condition]))
    hidden = pair[0].get_layer("hidden_0")(tf.concat([x, condition], axis=1))
    np.testing.assert_allclose(hidden, linear / (1 + np.exp(-gate)), rtol=1e-5, atol=1e-6)
    with pytest.raises(UserError, match="cannot be tied"):
        dense((4,), 2, activation="glu", tied=True, posterior="deterministic")


def test_stages_fit_on_each_other():
    stages = dense_stages((4, 4, 1), (5, 3, 2), hidden=[(6,), (), (7, 8)])
    sizes = [16, 5, 3, 2]
    for number, (encoder, decoder) in enumerate(stages):
        assert np.prod(encoder.input_shape[1:]) == sizes[number]
        assert encoder.output_shape == (None, 2 * sizes[number + 1])
        assert decoder.input_shape == (None, sizes[number + 1])
        below = 16 if number == 0 else 2 * sizes[number]
        assert np.prod(decoder.output_shape[1:]) == below
    widths = [
        [layer.units for layer in encoder.layers if isinstance(layer, keras.layers.Dense)][:-1]
        for encoder, _ in stages
    ]
    assert widths == [[6], [], [7, 8]]


def test_an_activation_for_each_layer():
    """The decoder has them in the mirror's order."""
    encoder, decoder = dense((8,), 2, hidden=(6, 5), activation=["elu", "tanh"])
    for network, expected in ((encoder, ["elu", "tanh"]), (decoder, ["tanh", "elu"])):
        layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.activation.__name__ for layer in layers] == [*expected, "linear"]
    with pytest.raises(UserError, match="one for each of the 2 hidden layers"):
        dense((8,), 2, hidden=(6, 5), activation=["elu"])
