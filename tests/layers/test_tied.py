"""Tied kernels: one kernel for two layers, also after training and saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from conformance.compare import assert_same
from keras_vae.errors import UserError
from keras_vae.layers import TiedConv2DTranspose
from keras_vae.layers.tied import Tied
from keras_vae.networks import convolutional, dense, dense_layers

X = np.random.default_rng(0).random((20, 3, 2, 1), "float32")


def pair(**arguments):
    return dense(
        (3, 2, 1), 4, hidden=(5,), posterior="deterministic", likelihood="normal", **arguments
    )


def autoencoder():
    return keras_vae.Autoencoder(*pair(tied=True))


def by_hand(model, x):
    """encoder and decoder in numpy, with the encoder's kernels alone."""
    (first, a), (second, b) = (
        model.encoder.get_layer(name).get_weights() for name in ("hidden_0", "params")
    )
    c, d = (model.decoder.get_layer(name).get_weights()[0] for name in ("hidden_0", "params"))
    code = np.tanh(x.reshape(len(x), -1) @ first + a) @ second + b
    return (np.tanh(code @ second.T + c) @ first.T + d).reshape(x.shape)


def test_tied_before_and_after_training_and_saving(tmp_path):
    model = autoencoder()
    assert len(model.trainable_weights) == 6  # two kernels, four biases
    np.testing.assert_allclose(model.reconstruct(X), by_hand(model, X), rtol=1e-4, atol=1e-6)
    model.compile("adam")
    model.fit(X, verbose=0, epochs=2)
    np.testing.assert_allclose(model.reconstruct(X), by_hand(model, X), rtol=1e-4, atol=1e-6)
    model.save(tmp_path / "tied.keras")
    loaded = keras.saving.load_model(tmp_path / "tied.keras")
    assert_same(loaded.get_weights(), model.get_weights())
    loaded.fit(X, verbose=0)
    np.testing.assert_allclose(loaded.reconstruct(X), by_hand(loaded, X), rtol=1e-4, atol=1e-6)


def test_the_gradient_comes_from_both_sides():
    model = autoencoder()
    kernel = model.encoder.get_layer("params").kernel
    code = tf.ones([2, 4])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model.decoder(code))
    assert np.any(tape.gradient(total, kernel.value) != 0)


def test_weight_decay_is_the_sum_of_squared_kernels():
    encoder, decoder = pair(weight_decay=0.1)
    model = keras_vae.Autoencoder(encoder, decoder)
    kernels = [weight for weight in model.get_weights() if weight.ndim == 2]
    expected = 0.1 * sum(np.sum(kernel.astype("float64") ** 2) for kernel in kernels)
    assert len(kernels) == 4
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_untied_it_says_so():
    _, decoder = pair(tied=True)
    with pytest.raises(UserError, match="has no kernel yet: it is tied to 'params'"):
        decoder(np.ones((2, 4), "float32"))


@pytest.mark.parametrize(
    "arguments",
    [
        {"posterior": "normal", "likelihood": "normal"},
        {"posterior": "deterministic", "likelihood": {"name": "normal", "scale": "learned"}},
        {"posterior": "deterministic", "likelihood": "normal", "condition_dim": 3},
    ],
)
@pytest.mark.parametrize("network", [dense, convolutional])
def test_what_cannot_be_tied(network, arguments):
    with pytest.raises(UserError, match="Tied kernels need"):
        network((3, 2, 1), 4, tied=True, **arguments)


def test_networks_that_were_not_made_together():
    _, decoder = pair(tied=True)
    encoder = keras.Sequential([keras.Input((3, 2, 1)), keras.layers.Flatten()])
    encoder.add(keras.layers.Dense(4, name="other"))
    with pytest.raises(UserError, match=r"tied to 'params', and the encoder has \['other'\]"):
        keras_vae.Autoencoder(encoder, decoder)


def test_a_decoder_follows_the_encoder_that_it_is_given():
    _, decoder = pair(tied=True)
    models = [keras_vae.Autoencoder(pair()[0], decoder) for _ in range(2)]
    np.testing.assert_allclose(
        models[1].reconstruct(X), by_hand(models[1], X), rtol=1e-4, atol=1e-6
    )


def test_in_a_stack_each_layer_keeps_its_own_kernel(tmp_path):
    """Though all of them have the same name."""
    layers = dense_layers((3, 2, 1), 4, hidden=(5,), likelihood="normal", tied=True)
    stack = keras_vae.StackedAutoencoder([keras_vae.Autoencoder(**layer) for layer in layers])
    stack.compile("adam")
    stack.fit(X, verbose=0)
    stack.save(tmp_path / "stack.keras")
    for model in (stack, keras.saving.load_model(tmp_path / "stack.keras")):
        (first, a), (second, b) = (part.encoder.get_weights() for part in model.autoencoders)
        c, d = (part.decoder.get_weights()[0] for part in model.autoencoders)
        hidden = sigmoid(X.reshape(20, 6) @ first + a)
        np.testing.assert_allclose(model.encode(X), hidden @ second + b, rtol=1e-4, atol=1e-5)
        back = sigmoid(model.encode(X) @ second.T + d) @ first.T + c
        np.testing.assert_allclose(model.reconstruct(X).reshape(20, 6), back, rtol=1e-4, atol=1e-5)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("downsampling", ["strides", "max_pool"])
def test_a_tied_convolution_is_the_transposed_linear_map(downsampling):
    """<conv(x), y> = <x, conv^T(y)> for every x and y; bias and activation come after."""
    encoder, decoder = convolutional(
        (8, 4, 2),
        3,
        filters=(4, 5),
        downsampling=downsampling,
        posterior="deterministic",
        likelihood="normal",
        tied=True,
    )
    keras_vae.ConvolutionalAutoencoder(encoder, decoder)
    generator = np.random.default_rng(0)
    layers = [layer for layer in decoder.layers if isinstance(layer, TiedConv2DTranspose)]
    assert [(layer.source, layer.activation) for layer in layers] == [
        ("convolution_1", keras.activations.relu),
        ("convolution_0", keras.activations.linear),
    ]
    for layer in layers:
        convolution = encoder.get_layer(layer.source)
        assert layer.tied_to is convolution
        shape = convolution.input.shape[1:]
        x = generator.standard_normal((3, *shape)).astype("float32")
        convolved = keras.ops.conv(x, convolution.kernel, convolution.strides, "same").numpy()
        y = generator.standard_normal(convolved.shape).astype("float32")
        activation, layer.activation = layer.activation, keras.activations.linear
        back = layer(y).numpy()  # its bias is zero still
        np.testing.assert_allclose(np.sum(convolved * y), np.sum(x * back), rtol=1e-4)
        bias = generator.standard_normal(layer.filters).astype("float32")
        layer.bias.assign(bias)
        layer.activation = activation
        np.testing.assert_allclose(layer(y), activation(back + bias), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("event_shape", [(8, 8, 1), (7, 5, 3)])
def test_a_tied_convolutional_model_owns_one_kernel_each_and_keeps_them_tied(event_shape, tmp_path):
    model = keras_vae.ConvolutionalAutoencoder(
        *convolutional(
            event_shape,
            3,
            filters=(4, 5),
            hidden=(6,),
            posterior="deterministic",
            likelihood="normal",
            tied=True,
        )
    )
    assert len(model.trainable_weights) == 4 + 8  # kernels of the encoder, and all biases
    x = np.random.default_rng(0).random((20, *event_shape), "float32")
    model.compile("adam")
    model.fit(x, verbose=0)
    model.save(tmp_path / "tied.keras")
    loaded = keras.saving.load_model(tmp_path / "tied.keras")
    np.testing.assert_allclose(loaded.reconstruct(x), model.reconstruct(x), rtol=1e-4, atol=1e-6)
    for layer in loaded.decoder.layers:
        if isinstance(layer, Tied):
            assert layer.kernel is loaded.encoder.get_layer(layer.source).kernel
    loaded.encoder.get_layer("convolution_0").kernel.assign_add(
        keras.ops.ones_like(loaded.encoder.get_layer("convolution_0").kernel)
    )
    assert not np.allclose(loaded.decode(model.encode(x)), model.reconstruct(x), atol=1e-3)
