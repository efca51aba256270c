"""A user's own encoder and decoder work as the library's do, and one that cannot is told so."""

import keras
import numpy as np
import pytest

import keras_vae
from conformance.compare import assert_close, assert_same
from keras_vae.errors import UserError

X = np.random.default_rng(0).random((24, 8, 8, 1)).astype("float32")
Y = np.arange(24) % 3


def functional(width: int) -> tuple[keras.Model, keras.Model]:
    x, z = keras.Input((8, 8, 1)), keras.Input((3,))
    h = keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(x))
    encoder = keras.Model(x, keras.layers.Dense(width)(h))
    h = keras.layers.Dense(64)(keras.layers.Dense(8, activation="relu")(z))
    return encoder, keras.Model(z, keras.layers.Reshape((8, 8, 1))(h))


def sequential(width: int) -> tuple[keras.Model, keras.Model]:
    layers = keras.layers
    encoder = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(width)])
    decoder = keras.Sequential([layers.Dense(64), layers.Reshape((8, 8, 1))])
    decoder.build((None, 3))
    return encoder, decoder


@keras.saving.register_keras_serializable("conformance")
class Network(keras.Model):
    """A subclass of Model that reshapes what one layer gives; it may take a condition too."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape
        self.dense = keras.layers.Dense(int(np.prod(shape)))
        self.reshape = keras.layers.Reshape(shape)

    def call(self, inputs):
        parts = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        rows = [keras.ops.reshape(part, (-1, int(np.prod(part.shape[1:])))) for part in parts]
        return self.reshape(self.dense(keras.ops.concatenate(rows, axis=1)))

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


def subclassed(width: int) -> tuple[keras.Model, keras.Model]:
    encoder, decoder = Network((width,)), Network((8, 8, 1))
    encoder(X[:1])
    decoder(np.zeros((1, 3), "float32"))
    return encoder, decoder


PAIRS = [functional, sequential, subclassed]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("cls", [keras_vae.Autoencoder, keras_vae.VAE])
def test_pair_works_everywhere(pair, cls, tmp_path):
    model = cls(*pair(6 if cls is keras_vae.VAE else 3), likelihood="bernoulli")
    assert (model.event_shape, model.latent_dim, model.condition_dim) == ((8, 8, 1), 3, None)
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    losses = model.fit(X, batch_size=10, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert losses[1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(loaded.get_weights(), model.get_weights())
    assert_same(loaded.optimizer.variables, model.optimizer.variables)
    assert_close([loaded.reconstruct(X)], [model.reconstruct(X)])


def test_conditional_subclass(tmp_path):
    encoder, decoder = Network((6,)), Network((8, 8, 1))
    encoder([X[:1], np.zeros((1, 3), "float32")])
    decoder([np.zeros((1, 3), "float32")] * 2)
    model = keras_vae.CVAE(encoder, decoder)
    assert (model.latent_dim, model.condition_dim) == (3, 3)
    model.compile(run_eagerly=True)
    model.fit(X, Y, batch_size=10, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close([loaded.sample(4, 1, seed=0)], [model.sample(4, 1, seed=0)])


def feature_maps() -> tuple[keras.Model, keras.Model]:
    layers = keras.layers
    encoder = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3, strides=2, padding="same")]
    )
    decoder = keras.Sequential(
        [keras.Input((4, 4, 2)), layers.Conv2DTranspose(1, 3, strides=2, padding="same")]
    )
    return encoder, decoder


def test_code_may_be_feature_maps():
    model = keras_vae.ConvolutionalAutoencoder(*feature_maps())
    assert (model.latent_shape, model.latent_dim) == ((4, 4, 2), 32)
    code = model.encode(X)
    assert code.shape == (24, 4, 4, 2)
    assert_close([model.decode(code)], [model.reconstruct(X)])


def unbuilt_encoder():
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(6)]), functional(6)[1]


def unbuilt_decoder():
    return functional(6)[0], Network((8, 8, 1))


def open_axis():
    encoder = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(6, 3)])
    return encoder, functional(6)[1]


def narrow_encoder():
    return functional(5)[0], functional(6)[1]


def narrow_decoder():
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(63)])
    return functional(6)[0], decoder


def two_outputs():
    x = keras.Input((8, 8, 1))
    h = keras.layers.Flatten()(x)
    encoder = keras.Model(x, [keras.layers.Dense(3)(h), keras.layers.Dense(3)(h)])
    return encoder, functional(6)[1]


def one_condition():
    encoder, _ = keras_vae.networks.dense((8, 8, 1), 3, hidden=(8,), condition_dim=3)
    return encoder, functional(6)[1]


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (unbuilt_encoder, "The encoder .* has not been built"),
        (unbuilt_decoder, "The decoder .* has not been built"),
        (open_axis, "The encoder .* every axis but the batch must have a fixed size"),
        (narrow_encoder, r"The encoder .* gives \(5,\) .* needs \(6,\)"),
        (narrow_decoder, r"The decoder .* gives \(63,\) .* needs \(8, 8, 1\)"),
        (two_outputs, "The encoder .* gives 2 outputs"),
        (one_condition, "The encoder takes conditions of shape .*; give both"),
    ],
)
def test_pair_that_cannot_work_is_told(pair, words):
    with pytest.raises(UserError, match=words) as error:
        keras_vae.VAE(*pair())
    assert "\n" not in str(error.value)


def test_dense_networks_are_no_convolutional_autoencoder():
    with pytest.raises(UserError, match="needs convolutions in both networks"):
        keras_vae.ConvolutionalAutoencoder(*functional(3))


def test_cvae_needs_networks_with_a_condition():
    with pytest.raises(UserError, match="A CVAE needs networks with two inputs"):
        keras_vae.CVAE(*functional(6))
