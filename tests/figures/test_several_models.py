"""Several models side by side, styles, and activity."""

import numpy as np
import pytest

from figures.tiny import COLOURS, GREY, autoencoder, close, cvae, denoising, texts, tiles_of, vae
from keras_vae import figures
from keras_vae.errors import UserError
from keras_vae.figures.examples import pick_rows


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
