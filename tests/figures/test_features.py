"""Filters, tangents and corruption show what the model has."""

import numpy as np

import keras_vae
from figures.tiny import COLOURS, DIGITS, autoencoder, close, cvae, denoising, texts, tiles_of
from keras_vae import figures
from keras_vae.figures.examples import pick_rows


def test_corruption_shows_clean_corrupted_and_restored():
    model = denoising(DIGITS)
    figure = figures.corruption(model, DIGITS, num=8, columns=4, seed=3)
    assert len(figure.axes) == 2
    rows = pick_rows(DIGITS, 8, 3)[:4]
    clean = DIGITS.x_test[rows] / 255
    tiles = tiles_of(figure.axes[0], 3, 4, (8, 8, 1))
    close(tiles[0], clean)
    masked = tiles[1] == 0
    assert 0.4 < masked.mean() < 0.6
    close(tiles[1], np.where(masked, 0.0, clean))
    close(tiles[2], model.reconstruct(tiles[1].astype("float32")))
    assert texts(figure.axes[0])[-3:] == ["clean", "corrupted", "restored"]
    other = tiles_of(figures.corruption(model, DIGITS, num=4, seed=4).axes[0], 3, 4, (8, 8, 1))
    assert not np.array_equal(other[1] == 0, masked)


def test_filters_are_the_weights_of_the_first_layer():
    kernel = autoencoder(DIGITS).encoder.get_layer("hidden_0").kernel  # (64, 8)
    tiles = tiles_of(figures.filters(autoencoder(DIGITS), DIGITS).axes[0], 2, 4, (8, 8, 1))
    expected = np.asarray(kernel).T.reshape(8, 8, 8, 1)
    expected /= np.abs(expected).max(axis=(1, 2, 3), keepdims=True)
    close(tiles.reshape(8, 8, 8, 1), (expected + 1) / 2)


def test_filters_of_a_condition_are_left_out():
    kernel = cvae(DIGITS).encoder.get_layer("hidden_0").kernel  # (64 + 3, 8)
    assert kernel.shape == (67, 8)
    tiles = tiles_of(figures.filters(cvae(DIGITS), DIGITS).axes[0], 2, 4, (8, 8, 1))
    expected = np.asarray(kernel)[:64].T.reshape(8, 8, 8, 1)
    expected /= np.abs(expected).max(axis=(1, 2, 3), keepdims=True)
    close(tiles.reshape(8, 8, 8, 1), (expected + 1) / 2)


def test_filters_of_a_convolution_are_its_patches():
    pair = keras_vae.networks.convolutional(
        (6, 4, 3), 2, filters=(5,), posterior="deterministic", likelihood="normal"
    )
    figure = figures.filters(keras_vae.ConvolutionalAutoencoder(*pair), COLOURS, num=4, seed=2)
    tiles = tiles_of(figure.axes[0], 2, 2, (3, 3, 3))
    chosen = np.sort(np.random.default_rng(2).permutation(5)[:4])
    expected = np.moveaxis(np.asarray(pair[0].layers[1].kernel), -1, 0)[chosen]
    expected /= np.abs(expected).max(axis=(1, 2, 3), keepdims=True)
    close(tiles.reshape(4, 3, 3, 3), (expected + 1) / 2)


def test_tangents_are_singular_vectors_of_the_jacobian():
    """A linear code z = x W has the Jacobian W^T at every x."""
    pair = keras_vae.networks.dense(
        (8, 8, 1), 2, hidden=(), posterior="deterministic", likelihood="normal"
    )
    model = keras_vae.Autoencoder(*pair)
    figure = figures.tangents(model, DIGITS, num=3, seed=1)
    tiles = tiles_of(figure.axes[0], 3, 3, (8, 8, 1))
    kernel = pair[0].get_weights()[0]
    left, singular, _ = np.linalg.svd(kernel, full_matrices=False)
    assert singular[0] > singular[1]
    for row in tiles:
        for tile, direction in zip(row[1:], left.T, strict=True):
            direction = direction.reshape(8, 8, 1) / np.abs(direction).max()
            assert min(np.abs(2 * tile - 1 - sign * direction).max() for sign in (1, -1)) < 0.01
