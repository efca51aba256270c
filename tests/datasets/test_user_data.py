"""A user's own .npz file or folder of images."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from keras_vae.datasets import Dataset, load


def load_npz(path, **arrays):
    np.savez(path / "mine.npz", **arrays)
    return load("mnist", path / "mine.npz")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.full((20, 5, 4), 7, np.uint8), np.full((5, 4, 1), 7, np.uint8)),
        (np.full((20, 5, 4, 3), 7, np.uint8), np.full((5, 4, 3), 7, np.uint8)),
        (np.full((20, 7), 7, np.uint8), np.full(7, 7, np.uint8)),
        (np.full((20, 7), -0.5, np.float64), np.full(7, -0.5, np.float32)),
        (np.full((20, 5, 4), 0.5, np.float16), np.full((5, 4, 1), 0.5, np.float32)),
        (np.full((20, 5, 4), True), np.full((5, 4, 1), 255, np.uint8)),
    ],
    ids=["grey", "rgb", "uint8 vectors", "float vectors", "float images", "booleans"],
)
def test_rows(given, expected, tmp_path):
    dataset = load_npz(tmp_path, x_train=given, x_test=given[:3])
    assert dataset.name == "mine"
    assert dataset.event_shape == expected.shape
    assert dataset.y_train is dataset.num_classes is dataset.condition_dim is None
    for rows, count in [(dataset.x_train, 20), (dataset.x_test, 3)]:
        assert rows.dtype == expected.dtype
        np.testing.assert_array_equal(rows, np.stack([expected] * count))


@pytest.mark.parametrize(
    ("given", "dtype", "shape", "num_classes", "condition_dim"),
    [
        (np.array([0, 3, 1], np.uint8), np.int64, (3,), 4, 4),
        (np.array([[0], [3], [1]]), np.int64, (3,), 4, 4),
        (np.array([True, False, True]), np.int64, (3,), 2, 2),
        (np.eye(3, dtype=int), np.float32, (3, 3), None, 3),
        (np.array([0.5, 1.5, 2.5]), np.float32, (3, 1), None, 1),
    ],
    ids=["labels", "column", "booleans", "one-hot", "real"],
)
def test_labels(given, dtype, shape, num_classes, condition_dim, tmp_path):
    x = np.zeros((3, 7), np.float32)
    dataset = load_npz(tmp_path, x_train=x, y_train=given, x_test=x, y_test=given)
    for y in (dataset.y_train, dataset.y_test):
        assert (y.dtype, y.shape) == (dtype, shape)
        np.testing.assert_array_equal(y, given.reshape(shape))
    assert (dataset.num_classes, dataset.condition_dim) == (num_classes, condition_dim)


def test_a_class_that_only_the_test_rows_have_counts(tmp_path):
    x, y = np.zeros((2, 7), np.float32), np.array([0, 1])
    assert load_npz(tmp_path, x_train=x, y_train=y, x_test=x, y_test=y + 4).num_classes == 6


@pytest.mark.parametrize(("num_rows", "num_test"), [(3, 2), (19, 2), (30, 3)])
def test_a_tenth_is_held_out(num_rows, num_test, tmp_path):
    x = np.arange(num_rows, dtype=np.float32).repeat(7).reshape(num_rows, 7)
    dataset = load_npz(tmp_path, x_train=x, y_train=np.arange(num_rows))
    assert (len(dataset.x_train), len(dataset.x_test)) == (num_rows - num_test, num_test)
    order = np.concatenate([dataset.y_train, dataset.y_test])
    np.testing.assert_array_equal(order, np.random.RandomState(0).permutation(num_rows))
    np.testing.assert_array_equal(np.concatenate([dataset.x_train, dataset.x_test]), x[order])


def test_arrays_of_other_names_are_not_even_read(tmp_path):
    notes = np.array([{"made": "by me"}], dtype=object)
    assert len(load_npz(tmp_path, x_train=np.zeros((20, 7)), notes=notes).x_train) == 18


def test_uint8_images_are_never_copied_to_float(tmp_path):
    x = np.zeros((1000, 32, 32), np.uint8)
    np.savez(tmp_path / "mine.npz", x_train=x)
    tracemalloc.start()
    try:
        load("mnist", tmp_path / "mine.npz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * x.nbytes  # the array and its shuffled copy; a float copy alone takes 4


def save_image(path, value, mode="L"):
    path.parent.mkdir(exist_ok=True)
    Image.new(mode, (4, 5), value).save(path)  # 4 wide, 5 high


def test_images_without_classes(tmp_path):
    for i in range(10):
        save_image(tmp_path / "mine" / f"{i}.png", 10 * i)
    save_image(tmp_path / "mine" / ".thumbnail.png", 255)
    (tmp_path / "mine" / "notes.txt").write_text("not an image")
    dataset = load("mnist", tmp_path / "mine")
    assert (dataset.name, dataset.y_train, dataset.y_test) == ("mine", None, None)
    assert (dataset.x_train.shape, dataset.x_train.dtype) == ((8, 5, 4, 1), np.uint8)
    rows = np.concatenate([dataset.x_train, dataset.x_test])
    assert sorted(rows[:, 0, 0, 0].tolist()) == list(range(0, 100, 10))


def test_class_folders_are_labels_in_order_of_their_names(tmp_path):
    for name, colour in [("zebra", (9, 9, 9)), ("ant", (0, 0, 0)), ("cat", (5, 5, 5))]:
        for i in range(4):
            save_image(tmp_path / name / f"{i}.PNG", colour, "RGB")
    dataset = load("mnist", tmp_path)
    assert dataset.event_shape == (5, 4, 3)
    assert dataset.num_classes == 3
    shades = dict(zip(dataset.y_train.tolist(), dataset.x_train[:, 0, 0, 0].tolist(), strict=True))
    assert shades == {0: 0, 1: 5, 2: 9}


@pytest.mark.parametrize(
    ("file", "mode", "value", "pixel"),
    [
        ("a.jpg", "L", 100, [100]),
        ("a.jpeg", "RGB", (100, 100, 100), [100, 100, 100]),
        ("a.png", "1", 1, [255]),
        ("a.png", "LA", (100, 0), [100]),
        ("a.png", "RGBA", (1, 2, 3, 0), [1, 2, 3]),
        ("a.png", "P", 0, [0, 0, 0]),
    ],
)
def test_kinds_of_image(file, mode, value, pixel, tmp_path):
    for prefix in ("", "b", "c", "d"):
        save_image(tmp_path / "mine" / f"{prefix}{file}", value, mode)
    dataset = load("mnist", tmp_path / "mine")
    np.testing.assert_array_equal(dataset.x_train, np.full((2, 5, 4, len(pixel)), pixel))
    np.testing.assert_array_equal(dataset.x_test, dataset.x_train)


def test_a_data_sets_own_folder_comes_before_images(tmp_path, write_mnist):
    write_mnist(tmp_path / "mnist")
    save_image(tmp_path / "preview.png", 0)
    assert load("mnist", tmp_path).name == "mnist"


def test_a_checksum_tells_other_data_apart():
    x, y = np.arange(2400.0).reshape(1200, 2), np.arange(1200) % 3
    given = Dataset("a", x, x, y, y)
    assert given.checksum() == Dataset("b", x.copy(), x, y, y).checksum()
    others = [
        {"x_train": given.x_train + 1},
        {"x_test": given.x_test[:-1]},
        {"y_train": given.y_train[::-1]},
        {"y_train": None, "y_test": None},
        {"x_train": given.x_train.reshape(1200, 1, 2), "x_test": x.reshape(1200, 1, 2)},
    ]
    sums = {dataclasses.replace(given, **other).checksum() for other in others}
    assert len(sums | {given.checksum()}) == 6
