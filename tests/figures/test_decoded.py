"""What a model decodes: the tests read the images back out of each picture."""

import keras
import numpy as np
import pytest
from scipy.stats import norm

from figures.tiny import (
    ANGLES,
    COLOURS,
    DIGITS,
    GREY,
    RNG,
    SIGNED,
    VECTORS,
    autoencoder,
    close,
    cvae,
    texts,
    tiles_of,
    vae,
)
from keras_vae import figures
from keras_vae.errors import UserError
from keras_vae.figures.decoded import spherical
from keras_vae.figures.examples import pick_rows


@pytest.mark.parametrize("data", [GREY, DIGITS, COLOURS], ids=["grey", "digits", "colours"])
def test_reconstructions_stand_below_their_originals(data):
    model = autoencoder(data)
    figure = figures.reconstructions(model, data, num=7, columns=3, seed=4)
    rows = pick_rows(data, 7, seed=4)[:6]
    original = data.x_test[rows] / np.float32(255)
    expected = np.stack([original, model.reconstruct(data.x_test[rows])])
    assert len(figure.axes) == 2
    for i, axes in enumerate(figure.axes):
        assert {"original", "reconstruction"} <= set(texts(axes))
        height = {text.get_text(): text.get_position()[1] for text in axes.texts}
        assert height["original"] < height["reconstruction"]  # pixels from the top
        shown = tiles_of(axes, 2, 3, data.event_shape)
        close(shown, expected[:, 3 * i : 3 * i + 3])


def test_reconstructions_of_a_cvae_use_the_condition():
    model = cvae(DIGITS)
    figure = figures.reconstructions(model, DIGITS, num=6, columns=6)
    rows = pick_rows(DIGITS, 6, seed=0)
    expected = model.reconstruct(DIGITS.x_test[rows], DIGITS.y_test[rows])
    close(tiles_of(figure.axes[0], 2, 6, (8, 8, 1))[1], expected)


def test_values_beyond_the_unit_interval_share_one_scale_of_grey():
    figure = figures.reconstructions(autoencoder(SIGNED), SIGNED, num=4, columns=4)
    original = SIGNED.x_test[pick_rows(SIGNED, 4, seed=0)]
    low = SIGNED.x_test.min()
    close(tiles_of(figure.axes[0], 2, 4, (8, 8, 1))[0], (original - low) / (1.0 - low))


def test_vectors_are_lines_with_the_original_behind():
    model = autoencoder(VECTORS)
    figure = figures.reconstructions(model, VECTORS, num=4, columns=4)
    rows = pick_rows(VECTORS, 4, seed=0)
    original, decoded = VECTORS.x_test[rows], model.reconstruct(VECTORS.x_test[rows])
    lines = [np.array(line.get_ydata()) for line in figure.axes[0].lines]
    behind, front = lines[:8], lines[8:]
    np.testing.assert_allclose(behind[:4], front[:4])
    np.testing.assert_allclose(np.subtract(behind[4:], behind[:4]).std(), 0.0, atol=1e-5)
    both = np.concatenate([original, decoded])
    down = (both - both.min()) / (both.max() - both.min())  # 0 at the bottom of a tile
    slope = np.diff(front) / np.diff(down)
    np.testing.assert_allclose(slope, slope.mean(), rtol=1e-3)
    assert slope.mean() < 0  # pixels from the top
    assert f"lines from {both.min():.3g} to {both.max():.3g}" in figure.texts[1].get_text()


def test_samples_are_those_of_the_model():
    model = vae(DIGITS)
    figure = figures.samples(model, DIGITS, num=2, columns=3, seed=5, temperature=0.5)
    expected = model.sample(6, seed=5, temperature=0.5).reshape(2, 3, 8, 8, 1)
    close(tiles_of(figure.axes[0], 2, 3, (8, 8, 1)), expected)


def test_samples_of_a_cvae_have_a_row_for_each_label():
    model = cvae(COLOURS)
    figure = figures.samples(model, COLOURS, columns=4, seed=5)
    expected = model.sample(12, np.repeat(np.arange(3), 4), seed=5).reshape(3, 4, 6, 4, 3)
    close(tiles_of(figure.axes[0], 3, 4, (6, 4, 3)), expected)
    assert texts(figure.axes[0])[-3:] == ["0", "1", "2"]


def test_samples_go_through_real_conditions_of_the_test_set():
    model = cvae(ANGLES)
    figure = figures.samples(model, ANGLES, num=5, columns=2, seed=3)
    conditions = ANGLES.y_test[pick_rows(ANGLES, 5, seed=3)]
    expected = model.sample(10, conditions.repeat(2, axis=0), seed=3).reshape(5, 2, 8, 8, 1)
    close(tiles_of(figure.axes[0], 5, 2, (8, 8, 1)), expected)
    first = ", ".join(f"{value:.2g}" for value in conditions[0])
    assert first in texts(figure.axes[0])


def test_manifold_is_decoded_from_quantiles():
    model = vae(GREY)
    shown = tiles_of(figures.manifold(model, GREY, size=5).axes[0], 5, 5, (8, 8, 1), gap=0)
    low, high = norm.ppf(0.1), norm.ppf(0.9)
    corners = np.array([[low, high], [high, high], [low, low], [high, low]], np.float32)
    close(shown[[0, 0, 4, 4], [0, 4, 0, 4]], model.decode(corners))
    close(shown[2, 3], model.decode(np.array([[norm.ppf(0.7), 0.0]], np.float32))[0])
    default = np.asarray(figures.manifold(model, GREY).axes[0].images[0].get_array())
    assert default.shape[0] % (20 * 8) == 0


def test_manifold_of_a_cvae_has_a_grid_for_each_label():
    model = cvae(DIGITS)
    figure = figures.manifold(model, DIGITS, size=4)
    assert len(figure.axes) == 3
    z = norm.ppf([[0.125, 0.875]]).astype(np.float32)  # left and top
    for label, axes in enumerate(figure.axes):
        shown = tiles_of(axes, 4, 4, (8, 8, 1), gap=0)
        close(shown[0, 0], model.decode(z, np.array([label]))[0])
        assert f"label {label}" in texts(axes)


def test_manifold_follows_a_learned_prior():
    prior = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    prior.layers[0].set_weights([RNG.normal(size=(3, 4)), RNG.normal(size=4)])
    model = cvae(DIGITS, prior=prior)
    axes = figures.manifold(model, DIGITS, size=2).axes[1]
    loc, log_variance = np.split(prior.predict(np.eye(3)[1:2], verbose=0)[0], 2)
    quantiles = norm.ppf([0.75, 0.25])  # right and bottom
    z = (loc + np.exp(log_variance / 2) * quantiles)[None].astype(np.float32)
    close(tiles_of(axes, 2, 2, (8, 8, 1), gap=0)[1, 1], model.decode(z, np.array([1]))[0])
    assert "manifold" in figures.suitable(cvae(DIGITS, prior="conditional_normal"), DIGITS)


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_interpolation_goes_from_code_to_code(path):
    model = vae(GREY)
    pairs = [(3, 8), (5, 0)]
    figure = figures.interpolate(model, GREY, pairs=pairs, steps=5, path=path)
    shown = tiles_of(figure.axes[0], 2, 7, (8, 8, 1))
    first, last = GREY.x_test[[3, 5]], GREY.x_test[[8, 0]]
    close(shown[:, 0], first / 255.0)
    close(shown[:, 6], last / 255.0)
    close(shown[:, 1], model.reconstruct(first))
    close(shown[:, 5], model.reconstruct(last))
    a, b = model.encode(first), model.encode(last)
    cosine = np.sum(a * b, axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    half = (a + b) / 2
    if path == "spherical":
        half = half / np.cos(np.arccos(cosine) / 2)[:, None]
    close(shown[:, 3], model.decode(half))


def test_spherical_path_keeps_the_norm():
    start = np.array([[3.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    end = np.array([[0.0, 3.0], [2.0, 4.0], [-1.0, -1.0]])
    path = spherical(start, end, np.linspace(0.0, 1.0, 4))
    angle = np.deg2rad([0.0, 30.0, 60.0, 90.0])
    circle = 3.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    np.testing.assert_allclose(path[0], circle, atol=1e-12)
    np.testing.assert_allclose(path[1], np.linspace([0.0, 0.0], [2.0, 4.0], 4))  # straight
    np.testing.assert_allclose(path[2], np.linspace([1.0, 1.0], [-1.0, -1.0], 4), atol=1e-12)


def test_interpolation_of_a_cvae_moves_the_condition():
    model = cvae(DIGITS)
    pair = (0, 1)
    assert DIGITS.y_test[0] != DIGITS.y_test[1]
    figure = figures.interpolate(model, DIGITS, pairs=[pair], steps=3, path="linear")
    shown = tiles_of(figure.axes[0], 1, 5, (8, 8, 1))[0]
    x, y = DIGITS.x_test[:2], DIGITS.y_test[:2]
    close(shown[[1, 3]], model.reconstruct(x, y))
    half = model.encode(x, y).mean(axis=0, keepdims=True)
    close(shown[2], model.decode(half, np.eye(3, dtype=np.float32)[y].mean(axis=0)[None])[0])


@pytest.mark.parametrize(
    "arguments",
    [
        {"pairs": [(0, 36)]},
        {"pairs": [(-1, 3)]},
        {"pairs": [0, 3]},
        {"pairs": []},
        {"steps": 1},
        {"path": "curved"},
    ],
)
def test_interpolation_refuses(arguments):
    with pytest.raises(UserError, match=r"^Received .*"):
        figures.interpolate(vae(GREY), GREY, **arguments)


def test_analogies_keep_the_style_and_change_the_label():
    model = cvae(COLOURS)
    chosen = [7, 2]
    figure = figures.analogies(model, COLOURS, rows=chosen)
    shown = tiles_of(figure.axes[0], 2, 4, (6, 4, 3))
    x, y = COLOURS.x_test[chosen], COLOURS.y_test[chosen]
    close(shown[:, 0], x / 255.0)
    for label in range(3):
        close(shown[:, 1 + label], model.decode(model.encode(x, y), np.full(2, label)))
    assert texts(figure.axes[0])[:4] == ["given", "0", "1", "2"]
    width, height = np.array(figure.axes[0].images[0].get_array().shape[1::-1]) + 2
    frames = [(patch.get_x(), patch.get_y()) for patch in figure.axes[0].patches]
    assert frames == [((1 + label) * width / 4, i * height / 2) for i, label in enumerate(y)]


def test_analogies_refuse_a_row_that_is_not_there():
    with pytest.raises(UserError, match="rows 0 to 35"):
        figures.analogies(cvae(DIGITS), DIGITS, rows=[40])
