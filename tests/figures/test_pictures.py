"""Pictures as a whole: exact pixels, one seed, nothing global."""

import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from figures.tiny import DIGITS, GREY, vae
from keras_vae import figures


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
