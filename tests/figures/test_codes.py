"""Codes in the colours of their labels."""

import keras
import numpy as np
import pytest
from matplotlib import colormaps

import keras_vae
from figures.tiny import COLOURS, DIGITS, GREY, RNG, autoencoder, cvae, dataset, vae
from keras_vae import figures
from keras_vae.errors import UserError
from keras_vae.figures.codes import principal_components


def test_compare_shows_the_codes_of_both():
    models = vae(DIGITS), autoencoder(DIGITS)
    figure = figures.compare(*models, DIGITS, seed=1)
    rows = np.random.default_rng(1).permutation(36)
    for axes, model in zip(figure.axes, models, strict=True):
        shown = axes.collections[0].get_offsets()
        np.testing.assert_allclose(shown, model.encode(DIGITS.x_test[rows]), rtol=1e-6)
        assert axes.get_title(loc="left").startswith(f"{type(model).__name__}: ")
    assert len(figure.legends) == 1


def test_compare_calls_the_models_by_their_names():
    models, names = (vae(DIGITS), vae(DIGITS)), ("first-vae", "second-vae")
    figure = figures.compare(*models, DIGITS, names=names)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == [*names]
    assert "first-vae and second-vae" in figure.get_suptitle()


def test_compare_refuses_a_model_of_other_data():
    with pytest.raises(UserError, match=r"\(6, 4, 3\), but tiny has \(8, 8, 1\)"):
        figures.compare(vae(DIGITS), vae(COLOURS), DIGITS)


def test_latent_shows_the_codes_in_the_colours_of_the_labels():
    model = vae(DIGITS)
    figure = figures.latent(model, DIGITS, seed=1)
    points = figure.axes[0].collections[0]
    rows = np.random.default_rng(1).permutation(36)
    np.testing.assert_allclose(points.get_offsets(), model.encode(DIGITS.x_test[rows]), rtol=1e-6)
    points.update_scalarmappable()
    expected = colormaps["tab10"](DIGITS.y_test[rows])
    np.testing.assert_allclose(points.get_facecolors()[:, :3], expected[:, :3])
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2"]
    colours = [handle.get_color() for handle in legend.legend_handles]
    np.testing.assert_allclose(colours, colormaps["tab10"]([0, 1, 2]))
    assert figure.axes[0].get_xlabel() == "$z_1$"


def test_latent_of_wide_codes_shows_principal_components():
    model = cvae(DIGITS, latent_dim=4)
    axes = figures.latent(model, DIGITS, num=30).axes[0]
    rows = np.random.default_rng(0).permutation(36)[:30]
    codes = model.encode(DIGITS.x_test[rows], DIGITS.y_test[rows])
    shown = np.asarray(axes.collections[0].get_offsets())
    variance, directions = np.linalg.eigh(np.cov(codes.T))
    expected = (codes - codes.mean(axis=0)) @ directions[:, :-3:-1]
    np.testing.assert_allclose(np.abs(shown), np.abs(expected), rtol=1e-3, atol=1e-5)
    share = 100 * variance[::-1] / variance.sum()
    assert axes.get_xlabel() == f"principal component 1 ({share[0]:.1f} % of the variance)"
    assert axes.get_ylabel() == f"principal component 2 ({share[1]:.1f} % of the variance)"


def test_latent_flattens_codes_that_have_axes():
    layers = keras.layers
    encoder = [keras.Input((8, 8, 1)), layers.Conv2D(1, 3, strides=4, padding="same")]
    decoder = [keras.Input((2, 2, 1)), layers.Conv2DTranspose(1, 3, strides=4, padding="same")]
    model = keras_vae.Autoencoder(keras.Sequential(encoder), keras.Sequential(decoder))
    shown = figures.latent(model, GREY).axes[0].collections[0].get_offsets()
    codes = model.encode(GREY.x_test[np.random.default_rng(0).permutation(36)])
    assert codes.shape == (36, 2, 2, 1)
    np.testing.assert_allclose(shown, principal_components(codes.reshape(36, 4), 2)[0], atol=1e-6)


def test_principal_components_do_not_flip():
    codes = RNG.normal(size=(50, 3)) * [1.0, 4.0, 2.0] + 7.0
    projected, share = principal_components(codes, 2)
    mirrored, _ = principal_components(codes[::-1], 2)
    np.testing.assert_allclose(mirrored[::-1], projected)
    assert np.corrcoef(projected[:, 0], codes[:, 1])[0, 1] > 0.95
    assert share[0] > share[1] > 0
    assert share.sum() < 1


def test_latent_colours_a_real_label_by_a_bar():
    data = dataset((8, 8, 1), RNG.uniform(size=(36, 1)).astype(np.float32))
    figure = figures.latent(vae(data), data)
    rows = np.random.default_rng(0).permutation(36)
    np.testing.assert_array_equal(
        figure.axes[0].collections[0].get_array(), data.y_test[rows].ravel()
    )
    assert len(figure.axes) == 2
