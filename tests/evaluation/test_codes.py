"""Measures of codes against numbers by hand."""

from itertools import pairwise

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.evaluation import (
    code_scores,
    code_vectors,
    jacobian_norm,
    pca_squared_error,
    saturation,
    squared_error,
)

X = np.random.default_rng(0).random((40, 6), "float32")
SIGMOID = {"name": "deterministic", "activation": "sigmoid"}


def autoencoder(hidden=(), latent_dim=3, cls=keras_vae.Autoencoder, **arguments):
    keras.utils.set_random_seed(0)
    networks = keras_vae.networks.dense(
        (6,), latent_dim, hidden=hidden, posterior="deterministic", likelihood="normal"
    )
    return cls(*networks, **arguments)


def test_saturation_counts_what_is_outside():
    code = np.array([[0.0, 0.04, 0.05, 0.5], [0.95, 0.96, 1.0, 0.5]])
    assert saturation(code) == pytest.approx(50.0)
    assert saturation(code, low=0.0, high=0.99) == pytest.approx(12.5)


def by_differences(model, x, step=1e-2):
    """The mean Frobenius norm of dz/dx by central differences."""
    columns = [
        (model.encode(x + step * direction) - model.encode(x - step * direction)) / (2 * step)
        for direction in np.eye(x.shape[1], dtype="float32")
    ]
    squares = np.sum(np.square(columns), axis=(0, *range(2, np.ndim(columns))))  # (num,)
    return np.mean(np.sqrt(squares))


@pytest.mark.parametrize(
    "arguments",
    [
        {"posterior": SIGMOID},
        {"hidden": (5,)},
        {"latent_dim": 8, "hidden": (5,)},
        {"cls": keras_vae.SparseAutoencoder, "sparsity": {"name": "topk", "k": 1}},
    ],
    ids=["closed form", "exact", "wide code", "selection"],
)
def test_jacobian_norm_against_differences(arguments):
    model = autoencoder(**arguments)
    assert jacobian_norm(model, X) == pytest.approx(by_differences(model, X), rel=1e-2)


def test_feature_maps_are_pooled():
    """4 x 4 regions of a 9 x 6 map begin at rows 0, 2, 4, 6 and columns 0, 1, 3, 4."""
    keras.utils.set_random_seed(0)
    pair = keras_vae.networks.fully_convolutional((9, 6, 1), (2, 3), kernel_size=3)
    model = keras_vae.ConvolutionalAutoencoder(*pair)
    x = np.random.default_rng(0).random((5, 9, 6, 1), "float32")
    maps, rows, columns = model.encode(x), [0, 2, 4, 6, 9], [0, 1, 3, 4, 6]
    expected = [
        maps[:, top:bottom, left:right].max(axis=(1, 2))
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    np.testing.assert_array_equal(code_vectors(model, x), np.concatenate(expected, axis=1))


def test_vectors_stay_as_they_are():
    model = autoencoder()
    x = np.random.default_rng(0).random((1003, 6), "float32")  # more than one batch
    np.testing.assert_allclose(code_vectors(model, x), model.encode(x), rtol=1e-6)


def test_jacobian_norm_of_uint8_is_that_of_the_values():
    model = autoencoder(posterior=SIGMOID)
    x = np.round(255 * X).astype(np.uint8)
    assert jacobian_norm(model, x) == pytest.approx(jacobian_norm(model, x / 255), rel=1e-5)


def test_squared_error():
    model = autoencoder()
    x = np.round(255 * X).astype(np.uint8)
    expected = np.square(x / 255 - model.reconstruct(x)).sum(axis=1).mean()
    assert squared_error(model, x) == pytest.approx(expected, rel=1e-5)


def test_pca_is_the_best_linear_code():
    """What is left of centred training data are the squares of the smaller singular values."""
    singular = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    for num in (1, 3, 6):
        expected = np.square(singular[num:]).sum() / len(X)
        assert pca_squared_error(X, X, num) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_pca_takes_its_components_from_the_training_data():
    train, test = np.zeros((4, 2)), np.array([[1.0, 3.0]])
    train[:, 0] = [-1, 1, -2, 2]
    assert pca_squared_error(train, test, 1) == pytest.approx(9.0)


def test_scores_of_a_code():
    model = autoencoder(posterior=SIGMOID)
    scores = code_scores(model, X, X[:10])
    assert scores == {
        "squared_error": squared_error(model, X[:10]),
        "pca_squared_error": pca_squared_error(X, X[:10], 3),
        "jacobian_norm": jacobian_norm(model, X[:10]),
        "saturated_units": saturation(model.encode(X[:10])),
    }
    assert "saturated_units" not in code_scores(autoencoder(), X, X)
