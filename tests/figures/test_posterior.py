"""Samples of the posterior over contours of q."""

import re

import numpy as np

from figures.tiny import DIGITS, QUICK, close, cvae
from keras_vae import figures
from keras_vae.evaluation import posterior_samples
from keras_vae.figures.examples import pick_rows


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
