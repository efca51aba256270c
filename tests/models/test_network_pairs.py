"""Networks that do not fit each other, or their densities, are refused in one sentence each."""

import warnings

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.errors import UserError

dense = keras_vae.networks.dense
layers = keras.layers


def network(*shape, width, condition_dim=None):
    inputs = [keras.Input(shape)]
    h = layers.Flatten()(inputs[0])
    if condition_dim is not None:
        inputs.append(keras.Input((condition_dim,)))
        h = layers.Concatenate()([h, inputs[1]])
    return keras.Model(inputs if condition_dim is not None else inputs[0], layers.Dense(width)(h))


def maps_as_condition(size, width):
    inputs = [keras.Input((size,)), keras.Input((2, 1))]
    return keras.Model(inputs, layers.Dense(width)(inputs[0]))


def two_outputs():
    inputs = keras.Input((6,))
    return keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])


def open_axis():
    inputs = keras.Input((None, 6))
    return keras.Model(inputs, layers.Dense(4)(layers.GlobalAveragePooling1D()(inputs)))


DECODER = network(2, width=6)


@pytest.mark.parametrize(
    ("encoder", "decoder", "arguments", "message"),
    [
        (network(6, width=3), DECODER, {}, r"encoder .*\(3,\).*DiagonalNormal.*needs \(4,\)"),
        (
            network(6, width=4),
            DECODER,
            {"posterior": "multivariate_normal_tril"},
            r"encoder .*\(4,\).*MultivariateNormalTriL.*needs \(5,\)",
        ),
        (
            network(6, width=4),
            network(2, width=5),
            {},
            r"decoder .*\(5,\).*Bernoulli.*needs \(6,\)",
        ),
        (
            network(6, width=4),
            DECODER,
            {"likelihood": {"name": "normal", "scale": "learned"}},
            r"decoder .*\(6,\).*Normal.*needs \(12,\)",
        ),
        (network(2, 3, width=4), DECODER, {}, r"decoder .*\(6,\).*needs \(2, 3\)"),
        (network(6, width=4, condition_dim=3), DECODER, {}, "same condition as second input"),
        (
            network(6, width=4, condition_dim=3),
            network(2, width=6, condition_dim=4),
            {},
            r"\(3,\).*\(4,\).*same condition",
        ),
        (
            maps_as_condition(6, width=4),
            maps_as_condition(2, width=6),
            {},
            r"\(2, 1\).* of vectors",
        ),
        (network(6, width=4), network(1, 2, width=6), {}, r"codes of shape \(1, 2\).* vector"),
        (
            network(6, width=5),
            network(1, 2, width=6),
            {"posterior": "multivariate_normal_tril"},
            r"codes of shape \(1, 2\).* vector",
        ),
        (
            network(6, width=54),
            network(1, 2, width=6),
            {"posterior": "inverse_autoregressive_flow"},
            r"codes of shape \(1, 2\).* vector",
        ),
        (keras.Sequential([layers.Dense(4)]), DECODER, {}, "encoder .*has not been built"),
        (network(6, width=4), keras.Sequential([layers.Dense(6)]), {}, "decoder .*not been built"),
        (two_outputs(), DECODER, {}, "gives 2 outputs.*concatenate"),
        (open_axis(), DECODER, {}, "fixed size"),
    ],
)
def test_pairs_that_do_not_fit(encoder, decoder, arguments, message):
    with pytest.raises(UserError, match=message) as error:
        keras_vae.VAE(encoder, decoder, **arguments)
    assert "\n" not in str(error.value)


def test_shapes_are_read_off_the_networks():
    model = keras_vae.VAE(*dense((4, 3, 2), 5, condition_dim=7))
    assert model.event_shape == (4, 3, 2)
    assert (model.latent_shape, model.latent_dim, model.condition_dim) == ((5,), 5, 7)
    assert keras_vae.VAE(*dense((3,), 2)).condition_dim is None


def test_feature_maps_may_be_a_code():
    encoder = keras.Sequential([keras.Input((8, 6, 1)), layers.Conv2D(2, 3, 2, padding="same")])
    decoder = keras.Sequential(
        [keras.Input((4, 3, 2)), layers.Conv2DTranspose(1, 3, 2, padding="same")]
    )
    model = keras_vae.ConvolutionalAutoencoder(encoder, decoder)
    assert (model.latent_shape, model.latent_dim) == ((4, 3, 2), 24)
    x = np.zeros((2, 8, 6, 1), "float32")
    assert model.encode(x).shape == (2, 4, 3, 2)
    assert model.decode(model.encode(x)).shape == x.shape


def test_a_convolutional_autoencoder_needs_convolutions():
    with pytest.raises(UserError, match="needs convolutions in both networks"):
        keras_vae.ConvolutionalAutoencoder(*dense((8, 8, 1), 2, posterior="deterministic"))


def test_x_is_no_target():
    model = keras_vae.Autoencoder(*dense((4, 3, 2), 5, posterior="deterministic"))
    model.compile("sgd", run_eagerly=True)
    x = np.zeros((2, 4, 3, 2), "float32")
    with pytest.raises(UserError, match=r"fit\(x\), not fit\(x, x\)"):
        model.fit(x, x, verbose=0)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_a_decoder_of_probabilities_is_told(likelihood, activation):
    decoder = keras.Sequential(
        [keras.Input((2,)), layers.Dense(6, activation), layers.Reshape((2, 3))]
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        keras_vae.VAE(network(2, 3, width=4), decoder, likelihood=likelihood)
    sentences = [str(one.message) for one in told if "ends in a sigmoid" in str(one.message)]
    assert len(sentences) == (activation == "sigmoid")


def test_probabilities_are_no_logits_of_a_normal(recwarn):
    decoder = keras.Sequential([keras.Input((2,)), layers.Dense(6, "sigmoid")])
    keras_vae.VAE(network(6, width=4), decoder, likelihood="normal")
    assert not [one for one in recwarn if "sigmoid" in str(one.message)]
