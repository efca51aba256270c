"""Figures show what they say: the tests read the arrays back out of each picture."""

import functools
import io
import re
import subprocess
import sys

import keras
import matplotlib
import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread
from scipy.stats import norm

import keras_vae
from keras_vae import figures
from keras_vae.datasets import Dataset
from keras_vae.distributions import Prior
from keras_vae.distributions.flows import standard_normal
from keras_vae.errors import UserError
from keras_vae.evaluation import posterior_samples
from keras_vae.figures.codes import principal_components
from keras_vae.figures.decoded import spherical
from keras_vae.figures.examples import pick_pairs, pick_rows

RNG = np.random.default_rng(0)
LABELS = np.arange(36) % 3


def dataset(event_shape, labels=None, x=None):
    x = RNG.integers(0, 256, (36, *event_shape)).astype(np.uint8) if x is None else x
    return Dataset(
        "tiny", x, x[::-1].copy(), labels, None if labels is None else labels[::-1].copy()
    )


GREY = dataset((8, 8, 1))
DIGITS = dataset((8, 8, 1), LABELS)
COLOURS = dataset((6, 4, 3), LABELS)
SIGNED = dataset((8, 8, 1), x=RNG.uniform(-1.0, 1.0, (36, 8, 8, 1)).astype(np.float32))
VECTORS = dataset((7,), x=RNG.normal(size=(36, 7)).astype(np.float32))
ANGLES = dataset((8, 8, 1), RNG.uniform(size=(36, 2)).astype(np.float32))


def networks(data, latent_dim, **kwargs):
    condition_dim = kwargs.pop("condition_dim", None)
    return keras_vae.networks.dense(
        data.event_shape, latent_dim, hidden=(8,), condition_dim=condition_dim, **kwargs
    )


@functools.cache  # no test changes a model
def vae(data, latent_dim=2):
    return keras_vae.VAE(*networks(data, latent_dim, likelihood="normal"), likelihood="normal")


@functools.cache
def cvae(data, latent_dim=2, **kwargs):
    pair = networks(data, latent_dim, likelihood="normal", condition_dim=data.condition_dim)
    return keras_vae.CVAE(*pair, likelihood="normal", **kwargs)


@functools.cache
def autoencoder(data, latent_dim=2):
    pair = networks(data, latent_dim, posterior="deterministic", likelihood="normal")
    return keras_vae.Autoencoder(*pair)


@functools.cache
def denoising(data):
    pair = networks(data, 2, posterior="deterministic", likelihood="normal")
    corruption = {"name": "masking", "rate": 0.5}
    return keras_vae.DenoisingAutoencoder(*pair, corruption=corruption)


QUICK = {"posterior": {"num": 2, "num_samples": 40, "num_burnin": 20}}
"""Arguments of figures that take long."""


def tiles_of(axes, rows, columns, event_shape, gap=2):
    """The events (rows, columns, *event_shape) that an axes shows, and the enlargement."""
    sheet = np.asarray(axes.images[0].get_array())
    assert sheet.dtype == np.uint8
    sheet = sheet[..., : event_shape[2]] / 255.0
    height, width = (sheet.shape[0] + gap) // rows, (sheet.shape[1] + gap) // columns
    scale = (height - gap) // event_shape[0]
    assert sheet.shape[:2] == (rows * height - gap, columns * width - gap)
    assert (width - gap) == scale * event_shape[1]
    return np.array(
        [
            [
                sheet[y * height : y * height + height - gap, x * width : x * width + width - gap]
                for x in range(columns)
            ]
            for y in range(rows)
        ]
    )[:, :, ::scale, ::scale]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def close(shown, expected):
    np.testing.assert_allclose(shown, np.clip(expected, 0.0, 1.0), atol=0.502 / 255)


# Sheets


@pytest.mark.parametrize("shape", [(5, 4, 1), (4, 6, 3)])
@pytest.mark.parametrize(("scale", "gap"), [(1, 1), (3, 2), (2, 0)])
def test_sheet_holds_the_images(shape, scale, gap):
    images = RNG.integers(0, 200, (5, *shape)).astype(np.uint8)
    sheet = figures.image_sheet(images, 3, scale=scale, gap=gap)
    height, width = shape[0] * scale, shape[1] * scale
    assert sheet.shape == (2 * height + gap, 3 * width + 2 * gap, shape[2])
    assert sheet.dtype == np.uint8
    white = np.ones(sheet.shape, bool)
    for i, image in enumerate(images):
        y, x = (i // 3) * (height + gap), (i % 3) * (width + gap)
        tile = sheet[y : y + height, x : x + width]
        np.testing.assert_array_equal(tile, np.kron(image, np.ones((scale, scale, 1))))
        white[y : y + height, x : x + width] = False
    assert white.any()
    assert (sheet[white] == 255).all()


@pytest.mark.parametrize(
    ("shape", "columns"), [((0, 4, 4, 1), 2), ((3, 4, 4), 2), ((3, 4, 4, 1), 0)]
)
def test_sheet_refuses(shape, columns):
    with pytest.raises(ValueError, match=r"expected"):
        figures.image_sheet(np.zeros(shape), columns)


@pytest.mark.parametrize("event_shape", [(28, 20, 1), (5, 8, 3), (8, 8)])
def test_saved_sheet_is_exact(tmp_path, event_shape):
    images = RNG.integers(0, 256, (6, *event_shape)).astype(np.uint8)
    path = tmp_path / "sheet.png"
    figures.save_images(path, images, columns=2)
    picture = np.round(imread(path) * 255)[..., :3]
    stack = images.reshape(*images.shape[:3], -1)
    scale = (picture.shape[1] - 1) // (2 * event_shape[1])
    assert scale * max(event_shape[:2]) >= 56
    expected = figures.image_sheet(stack, 2, scale=scale)
    np.testing.assert_array_equal(picture, np.broadcast_to(expected, picture.shape))


def test_saved_floats_are_clipped_and_rounded(tmp_path):
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 0.999], np.float32)
    figures.save_images(tmp_path / "a.png", values.reshape(1, 2, 3, 1))
    picture = np.round(imread(tmp_path / "a.png")[:, :, 0] * 255)
    assert picture[:: len(picture) // 2, :: picture.shape[1] // 3].ravel().tolist() == [
        0, 0, 128, 255, 255, 255
    ]  # fmt: skip


@pytest.mark.parametrize(("num", "shape"), [(16, (4, 4)), (10, (2, 5)), (7, (3, 3)), (1, (1, 1))])
def test_saved_sheet_is_near_square(tmp_path, num, shape):
    figures.save_images(tmp_path / "a.png", np.zeros((num, 84, 84, 1), np.uint8))
    height, width = imread(tmp_path / "a.png").shape[:2]
    assert ((height + 1) // 85, (width + 1) // 85) == shape


@pytest.mark.parametrize(
    ("name", "shape"), [("a.jpg", (2, 4, 4, 1)), ("none/a.png", (2, 4, 4, 1)), ("a.png", (2, 7))]
)
def test_save_refuses(tmp_path, name, shape):
    with pytest.raises(UserError, match=r"expected .*"):
        figures.save_images(tmp_path / name, np.zeros(shape))
    assert not list(tmp_path.iterdir())


# What suits


@pytest.mark.parametrize(
    ("build", "data", "names"),
    [
        (lambda: autoencoder(GREY), GREY, "reconstructions latent filters tangents"),
        (lambda: autoencoder(VECTORS), VECTORS, "reconstructions latent tangents"),
        (
            lambda: denoising(DIGITS),
            DIGITS,
            "reconstructions corruption latent filters tangents",
        ),
        (lambda: autoencoder(DIGITS, 1), DIGITS, "reconstructions filters tangents"),
        (
            lambda: vae(GREY),
            GREY,
            "reconstructions samples manifold latent interpolate filters tangents posterior",
        ),
        (
            lambda: vae(DIGITS, 3),
            DIGITS,
            "reconstructions samples latent interpolate filters tangents",
        ),
        (lambda: vae(DIGITS, 1), DIGITS, "reconstructions samples interpolate filters tangents"),
        (
            lambda: cvae(DIGITS),
            DIGITS,
            "reconstructions samples manifold latent interpolate analogies styles filters "
            "posterior",
        ),
        (lambda: cvae(ANGLES, 3), ANGLES, "reconstructions samples latent interpolate filters"),
        (lambda: cvae(DIGITS), GREY, ""),
        (lambda: cvae(DIGITS), ANGLES, ""),
        (lambda: cvae(dataset((8, 8, 1), LABELS % 2)), DIGITS, ""),
        (lambda: vae(GREY), COLOURS, ""),
    ],
)
def test_suitable_figures_are_drawn_and_others_refused(build, data, names):
    model = build()
    assert figures.suitable(model, data) == names.split()
    for name in set(figures.FIGURES) - {"history", "compare"}:
        if name in names.split():
            figures.FIGURES[name](model, data, **QUICK.get(name, {})).savefig(io.BytesIO())
        else:
            with pytest.raises(UserError, match=rf"^Cannot draw '{name}': .*: .*\.$"):
                figures.FIGURES[name](model, data)


@pytest.mark.parametrize(
    ("build", "data", "name", "reason"),
    [
        (lambda: autoencoder(GREY), GREY, "samples", "Autoencoder has no prior"),
        (lambda: vae(DIGITS, 3), DIGITS, "manifold", "this one has 3"),
        (lambda: vae(DIGITS, 3), DIGITS, "posterior", "this one has 3"),
        (lambda: vae(DIGITS, 1), DIGITS, "latent", "this one has 1"),
        (lambda: vae(GREY), GREY, "analogies", "integer labels"),
        (lambda: cvae(DIGITS), GREY, "latent", "tiny has no labels"),
        (
            lambda: cvae(DIGITS),
            ANGLES,
            "latent",
            "conditions of 3 entries, but those of tiny have 2",
        ),
        (lambda: vae(GREY), COLOURS, "latent", r"\(8, 8, 1\), but tiny has \(6, 4, 3\)"),
    ],
)
def test_refusal_says_why(build, data, name, reason):
    with pytest.raises(UserError, match=reason):
        figures.FIGURES[name](build(), data)


def test_manifold_refuses_a_prior_without_quantiles():
    class Shifted(Prior):
        def distribution(self, condition, training=False):
            return standard_normal(self.latent_dim)

    model = keras_vae.VAE(*networks(GREY, 2), prior=Shifted())
    assert "manifold" not in figures.suitable(model, GREY)
    with pytest.raises(UserError, match="Shifted"):
        figures.manifold(model, GREY)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("reconstructions", "num"),
        ("reconstructions", "columns"),
        ("samples", "num"),
        ("samples", "columns"),
        ("manifold", "size"),
        ("latent", "num"),
        ("interpolate", "num"),
        ("analogies", "num"),
        ("styles", "num"),
        ("filters", "num"),
        ("posterior", "num"),
    ],
)
def test_numbers_below_one_are_refused(name, count):
    with pytest.raises(UserError, match=f"^Received {count}=0, expected at least 1"):
        figures.FIGURES[name](cvae(DIGITS), DIGITS, **{count: 0})


# Which examples


def test_rows_go_through_the_labels_in_turn():
    rows = pick_rows(DIGITS, 7, seed=1)
    assert DIGITS.y_test[rows].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert len(set(rows)) == 7
    assert pick_rows(DIGITS, 7, seed=2).tolist() != rows.tolist()
    assert sorted(pick_rows(DIGITS, 99, seed=1)) == list(range(36))
    assert len(set(pick_rows(GREY, 20, seed=1))) == 20


def test_pairs_have_one_label_where_asked():
    pairs = pick_pairs(DIGITS, 3, seed=0, same_label=True)
    assert DIGITS.y_test[pairs].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert DIGITS.y_test[pick_pairs(DIGITS, 3, seed=0, same_label=False)].tolist() == [
        [0, 1], [2, 0], [1, 2]
    ]  # fmt: skip
    assert pick_pairs(GREY, 99, seed=0, same_label=True).shape == (18, 2)


# Reconstructions


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


# Samples


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


# Manifold


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


# Corruption, filters, tangents


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


# Latent


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


# Posterior


def test_posterior_shows_samples_over_contours_of_q():
    model = cvae(DIGITS)
    figure = figures.posterior(model, DIGITS, seed=1, **QUICK["posterior"])
    rows = pick_rows(DIGITS, 2, 1)
    x, y = DIGITS.x_test[rows], DIGITS.y_test[rows]
    found = posterior_samples(model, x, y, num_samples=40, num_burnin=20, seed=1)
    q = model.posterior(*model.as_inputs(x, y))
    for index, axes in enumerate(figure.axes):
        points, contours = axes.collections
        z = found.z[:, :, index].reshape(-1, 2)
        np.testing.assert_allclose(points.get_offsets(), z, rtol=1e-4, atol=1e-5)
        for mass, path in zip((0.99, 0.9, 0.5), contours.get_paths(), strict=True):
            # Of a Normal in two dimensions, 1 - exp(-r^2 / 2) lies within the radius r.
            standard = (path.vertices - q.mean()[index]) / q.stddev()[index]
            radius = np.linalg.norm(standard, axis=1)
            np.testing.assert_allclose(1 - np.exp(-(radius**2) / 2), mass, atol=0.02)
        label = f"row {rows[index]}, label {y[index]}: R-hat {found.r_hat[index].max():.3f}"
        assert axes.get_title(loc="left") == label
        (corner,) = axes.child_axes
        close(np.asarray(corner.images[0].get_array()).reshape(8, 8, 1), x[index] / 255.0)
    title, subtitle = (text.get_text() for text in figure.texts)
    assert title == "Posterior \N{MIDDLE DOT} CVAE on tiny"
    assert re.fullmatch(
        r"encoder [\d.,]+ ms per image; NUTS [\d.,]+ ms \(4 chains of 20 \+ 40\); "
        r"R-hat at most [\d.]+, acceptance [\d.]+",
        subtitle,
    )


# Interpolation


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


# Analogies


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


# History


def test_history_draws_training_and_validation():
    columns = {
        "epoch": [0, 1, 2],
        "kl": [1.0, 1.1, 1.2],
        "loss": [3.0, 2.0, 1.5],
        "val_loss": [3.5, 2.5, 2.25],
        "active_units": [1, 2, 2],
        "accuracy": [90, 91, 92],
    }
    figure = figures.history(columns)
    loss, kl, units, accuracy = figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["loss", "kl", "active units", "accuracy"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["nats", "nats", "units", "%"]
    train, validation = loss.lines
    np.testing.assert_array_equal(train.get_xydata(), np.transpose([[0, 1, 2], [3.0, 2.0, 1.5]]))
    np.testing.assert_array_equal(validation.get_ydata(), columns["val_loss"])
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["1.5", "2.25"]
    assert train.get_color() == kl.lines[0].get_color() != validation.get_color()
    assert len(units.lines) == len(accuracy.lines) == 1


def test_history_counts_epochs_from_one():
    (axes,) = figures.history({"loss": [3.0, 2.0]}).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 2]


def test_history_leaves_out_what_was_not_measured():
    (axes,) = figures.history({"epoch": [1, 2, 3], "loss": [3.0, np.nan, 2.0]}).axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 3.0], [3, 2.0]])


def test_history_of_many_epochs_shows_the_later_ones():
    loss = np.linspace(100, 90, 40)
    for first in (500.0, np.inf):
        loss[0] = first
        (axes,) = figures.history({"loss": loss}).axes
        low, high = axes.get_ylim()
        assert 89 < low < 90
        assert 98 < high < 101


@pytest.mark.parametrize("columns", [{}, {"epoch": [0]}, {"loss": [], "val_loss": []}])
def test_history_refuses_what_is_empty(columns):
    with pytest.raises(UserError, match="at least one epoch"):
        figures.history(columns)


# Pictures as a whole


def test_saved_pixels_are_those_of_the_sheet():
    figure = figures.samples(vae(GREY), GREY, num=3, columns=4)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi="figure")
    file.seek(0)
    picture = np.round(imread(file) * 255)[..., :3]
    axes = figure.axes[0]
    sheet = np.asarray(axes.images[0].get_array())
    box = axes.get_position()
    height, width = picture.shape[:2]
    left, top = round(box.x0 * width), round((1 - box.y1) * height)
    found = picture[top : top + sheet.shape[0], left : left + sheet.shape[1]]
    np.testing.assert_array_equal(found, sheet)


@pytest.mark.parametrize("name", ["reconstructions", "samples", "latent", "interpolate"])
def test_a_seed_decides_the_picture(name):
    model = vae(DIGITS)

    def picture(seed):
        figure = figures.FIGURES[name](model, DIGITS, seed=seed, num=8)
        file = io.BytesIO()
        figure.savefig(file, format="raw")
        return file.getvalue()

    assert picture(3) == picture(3) != picture(4)


def test_nothing_global_changes():
    before = dict(matplotlib.rcParams)
    figures.latent(vae(DIGITS), DIGITS).savefig(io.BytesIO())
    assert dict(matplotlib.rcParams) == before


def test_sheets_need_neither_tensorflow_nor_pyplot():
    code = (
        "import sys, keras_vae.figures\n"
        "print({'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stdout.strip() == "set()", process.stderr


# Several models, styles, activity


def test_side_by_side_shows_what_each_model_makes():
    models = {"three": vae(GREY, 3), "two": vae(GREY)}
    figure = figures.side_by_side(models, GREY, num=8, columns=4)
    rows = pick_rows(GREY, 8, 0)
    assert texts(figure.axes[0]) == ["", "original", "three", "two"]
    for axes, chosen in zip(figure.axes, np.split(rows, 2), strict=True):
        original, *decoded = tiles_of(axes, 3, 4, (8, 8, 1))
        close(original, GREY.x_test[chosen] / 255)
        for shown, model in zip(decoded, models.values(), strict=True):
            close(shown, model.reconstruct(GREY.x_test[chosen]))


def test_side_by_side_shows_the_noise_that_all_see():
    models = {"denoising": denoising(GREY), "plain": autoencoder(GREY)}
    figure = figures.side_by_side(models, GREY, corrupted=True, num=4)
    original, corrupted, *restored = tiles_of(figure.axes[0], 4, 4, (8, 8, 1))
    kept = corrupted == original
    assert 0.3 < kept.mean() < 0.7
    assert np.all(corrupted[~kept] == 0.0)
    seen = corrupted.astype(np.float32)
    for shown, model in zip(restored, models.values(), strict=True):
        np.testing.assert_allclose(shown, np.clip(model.reconstruct(seen), 0, 1), atol=0.01)


def test_side_by_side_refuses_what_does_not_suit():
    with pytest.raises(UserError, match="no model to draw"):
        figures.side_by_side({}, GREY)
    with pytest.raises(UserError, match="has none: fit a Denoising"):
        figures.side_by_side({"a": vae(GREY)}, GREY, corrupted=True)
    with pytest.raises(UserError, match="the model takes examples of shape"):
        figures.side_by_side({"a": vae(GREY), "b": vae(COLOURS)}, GREY)


@pytest.mark.parametrize("prior", ["standard_normal", "normal_mixture"])
def test_styles_are_one_code_in_every_label(prior):
    model = cvae(COLOURS, prior=prior)
    shown = tiles_of(figures.styles(model, COLOURS, num=4, seed=5).axes[0], 4, 3, (6, 4, 3))
    for row in range(4):
        for label in range(3):
            close(shown[row, label], model.sample(1, condition=label, seed=5 + row)[0])


def test_activity_is_the_variance_from_the_largest():
    variances = {"a": np.array([0.5, 1e-9, 0.02]), "b": np.array([0.004, 0.9])}
    axes = figures.activity(variances).axes[0]
    lines = [line.get_ydata() for line in axes.lines]
    np.testing.assert_allclose(lines[0], [0.5, 0.02, 1e-6])
    np.testing.assert_allclose(lines[1], [0.9, 0.004])
    assert [line.get_label() for line in axes.lines[:2]] == ["a: 2", "b: 1"]
    with pytest.raises(UserError, match="no variances"):
        figures.activity({})
