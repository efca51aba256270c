"""Sheets hold the images, exactly, and say what they refuse."""

import numpy as np
import pytest
from matplotlib.image import imread

from figures.tiny import RNG
from keras_vae import figures
from keras_vae.errors import UserError


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
