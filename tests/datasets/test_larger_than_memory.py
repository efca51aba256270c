"""Data that stay on the disk: a limit of a few bytes stands in for a set larger than memory."""

import numpy as np
import pytest
from PIL import Image

import keras_vae
from keras_vae.datasets import image_folder, load, npz
from keras_vae.rows import is_mapped

LIMIT = 300
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    for module in (npz, image_folder):
        monkeypatch.setattr(module, "MOST_BYTES", LIMIT)


@pytest.mark.parametrize(
    "x",
    [
        RNG.integers(0, 256, (20, 5, 4), np.uint8),
        RNG.random((20, 7), "float32"),
        RNG.random((20, 7)),
        np.asfortranarray(RNG.random((20, 7), "float32")),
    ],
    ids=["uint8", "float32", "float64", "columns"],
)
def test_rows_of_an_npz_file_stay_in_it(x, tmp_path):
    np.savez(tmp_path / "mine.npz", x_train=x, x_test=x[:2], y_train=np.arange(20), y_test=[0, 1])
    dataset = load("mnist", tmp_path / "mine.npz")
    assert is_mapped(dataset.x_train)
    assert dataset.x_train.dtype == x.dtype
    np.testing.assert_array_equal(dataset.x_train.reshape(x.shape), x)
    np.testing.assert_array_equal(dataset.y_train, np.arange(20))
    assert not is_mapped(dataset.x_test)


def test_compressed_rows_are_read(tmp_path):
    x = RNG.integers(0, 256, (20, 5, 4), np.uint8)
    np.savez_compressed(tmp_path / "mine.npz", x_train=x, x_test=x[:2])
    dataset = load("mnist", tmp_path / "mine.npz")
    assert not is_mapped(dataset.x_train)
    np.testing.assert_array_equal(dataset.x_train[..., 0], x)


def test_rows_on_the_disk_are_checked(tmp_path):
    x = RNG.random((20, 7), "float32")
    x[17, 3] = np.nan
    np.savez(tmp_path / "mine.npz", x_train=x, x_test=x[:2])
    with pytest.raises(keras_vae.UserError, match=r"holds nan at index \(17, 3\)"):
        load("mnist", tmp_path / "mine.npz")


def test_a_test_set_is_asked_for(tmp_path):
    np.savez(tmp_path / "mine.npz", x_train=np.zeros((40, 7), np.uint8))
    with pytest.raises(keras_vae.UserError, match="give x_test in the file"):
        load("mnist", tmp_path / "mine.npz")


def write_images(folder):
    for number in range(30):
        file = folder / "ab"[number % 2] / f"{number:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 5), number).save(file)


def arrays(dataset):
    return [dataset.x_train, dataset.x_test, dataset.y_train, dataset.y_test]


def test_images_are_decoded_once_into_rows_on_the_disk(tmp_path, monkeypatch):
    folder = tmp_path / "photos"
    write_images(folder)
    with monkeypatch.context() as patch:
        patch.setattr(image_folder, "MOST_BYTES", 10**6)
        expected = load("mnist", folder)
    dataset = load("mnist", folder)
    assert is_mapped(dataset.x_train)
    for mapped, array in zip(arrays(dataset), arrays(expected), strict=True):
        np.testing.assert_array_equal(mapped, array)

    with monkeypatch.context() as patch:
        patch.setattr(image_folder, "_fill", None)  # nothing is decoded again
        for mapped, array in zip(arrays(load("mnist", folder)), arrays(expected), strict=True):
            np.testing.assert_array_equal(mapped, array)

    Image.new("L", (4, 5), 200).save(folder / "a" / "00.png")
    assert 200 in np.concatenate(arrays(load("mnist", folder))[:2])


def test_a_damaged_image_leaves_no_rows_behind(tmp_path):
    folder = tmp_path / "photos"
    write_images(folder)
    (folder / "b" / "17.png").write_bytes(b"no image")
    with pytest.raises(keras_vae.UserError, match=r"17\.png cannot be read"):
        load("mnist", folder)
    assert list((tmp_path / "keras").rglob("*.npy")) == []
    assert list((tmp_path / "keras" / "datasets").iterdir()) == []
