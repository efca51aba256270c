"""Every mistake of a user's is one sentence: what was received, what was expected, what to do."""

import gzip
import sys

import numpy as np
import pytest
from PIL import Image

from keras_vae.datasets import load
from keras_vae.errors import UserError

X = np.zeros((20, 5, 4), np.uint8)
F = np.zeros((20, 7), np.float32)
Y = np.arange(20)


def with_value(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


def check(name, data, *words):
    with pytest.raises(UserError) as caught:
        load(name, data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    assert any(word in message for word in ("expected", "make the two alike", "copy", "run `pip"))
    for word in words:
        assert word in message


NPZ = {
    "missing x_train": (dict(x=X, y=Y), "holds x, y; expected an array x_train"),
    "nothing in it": ({}, "holds nothing; expected an array x_train"),
    "object dtype": (dict(x_train=np.array([{}, []], dtype=object)), "Object arrays cannot"),
    "empty": (dict(x_train=X[:0]), "x_train", "shape (0, 5, 4)", "at least one row"),
    "no columns": (dict(x_train=F[:, :0]), "shape (20, 0)"),
    "rank 1": (dict(x_train=F[:, 0]), "shape (20,)", "vectors (n, d)"),
    "rank 0": (dict(x_train=np.float32(1)), "shape ()"),
    "two rows": (dict(x_train=X[:2]), "too few rows, 2; expected 3 or more"),
    "one test row": (dict(x_train=X, x_test=X[:1]), "x_test of ", "has one row; expected 2"),
    "int64 pixels": (dict(x_train=X.astype(int)), "dtype int64", ".astype('uint8')"),
    "text": (dict(x_train=np.full((20, 7), "a")), "dtype <U1"),
    "complex": (dict(x_train=F.astype(complex)), "dtype complex128"),
    "nan": (
        dict(x_train=with_value(with_value(F, (9, 0), np.nan), (3, 6), np.nan)),
        "x_train of ",
        "holds nan at index (3, 6)",
    ),
    "inf in x_test": (
        dict(x_train=F, x_test=with_value(F, (0, 1), -np.inf)),
        "x_test of ",
        "holds -inf at index (0, 1)",
    ),
    "nan in y_train": (
        dict(x_train=F, y_train=with_value(F, (2, 1), np.nan)),
        "y_train of ",
        "holds nan at index (2, 1)",
    ),
    "too large for float32": (dict(x_train=np.full((20, 7), 1e300)), "holds inf at index (0, 0)"),
    "label count": (dict(x_train=X, y_train=Y[:19]), "y_train", "shape (19,)", "20 labels"),
    "label count of test": (
        dict(x_train=X, y_train=Y, x_test=X[:5], y_test=Y),
        "y_test",
        "expected 5 labels",
    ),
    "negative label": (dict(x_train=X, y_train=Y - 1), "label -1"),
    "text labels": (dict(x_train=X, y_train=Y.astype(str)), "expected integer labels (n,)"),
    "labels of rank 3": (dict(x_train=X, y_train=X), "shape (20, 5, 4)"),
    "no y_test": (dict(x_train=X, y_train=Y, x_test=X), "holds x_test, x_train, y_train; expected"),
    "no y_train": (
        dict(x_train=X, x_test=X, y_test=Y),
        "expected x_test, x_train, y_test, y_train",
    ),
    "no x_test": (dict(x_train=X, y_train=Y, y_test=Y), "holds x_train, y_test, y_train"),
    "shapes differ": (dict(x_train=X, x_test=X[:, 1:]), "(5, 4, 1) in x_train", "(4, 4, 1) in x_"),
    "dtypes differ": (dict(x_train=X, x_test=X / 255), "uint8 rows", "float32 rows"),
    "label kinds differ": (
        dict(x_train=X, y_train=Y, x_test=X, y_test=np.eye(20)),
        "int64 rows of shape () in y_train but float32 rows of shape (20,) in y_test",
    ),
}


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("case", NPZ)
def test_npz(case, tmp_path):
    arrays, *words = NPZ[case]
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    check("mnist", path, str(path), *words)


def test_no_array_is_unpickled(tmp_path, monkeypatch):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.savez(tmp_path / "mine.npz", x_train=np.array([Trap()], dtype=object))
    check("mnist", tmp_path / "mine.npz", "Object arrays cannot be loaded")


def truncate(path, keep=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def flip(path, index=None, mask=0xFF):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if index is None else index] ^= mask
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip, lambda path: path.write_bytes(b"")])
def test_damaged_npz(damage, tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=X)
    damage(path)
    check("mnist", path, str(path), "cannot be read", "expected an undamaged .npz file")


def test_npz_of_an_unknown_compression(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=X)
    flip(path, path.read_bytes().index(b"PK\1\2") + 10)
    check("mnist", path, "compression method is not supported")


def test_npz_with_a_damaged_stream(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, x_train=X)
    name, extra = np.frombuffer(path.read_bytes(), "<u2", 2, offset=26)  # their lengths
    flip(path, 30 + int(name) + int(extra))
    check("mnist", path, "decompressing")


def test_damaged_cache(tmp_path):
    path = tmp_path / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    check("mnist", None, str(path), "delete it")


def test_npy_named_npz(tmp_path):
    with (tmp_path / "mine.npz").open("wb") as file:
        np.save(file, X)
    check("mnist", tmp_path / "mine.npz", "not a zip file", "expected an undamaged .npz file")


LABELS, IMAGES = "t10k-labels-idx1-ubyte", "train-images-idx3-ubyte"
IDX = {
    "missing": ("", lambda f: (f / LABELS).unlink(), f"lacks {LABELS};"),
    "wrong magic": (
        "",
        lambda f: (f / IMAGES).write_bytes((f / LABELS).read_bytes() + bytes(9)),
        f"{IMAGES} begins with 0x00000801; expected 0x00000803",
    ),
    "gzip without the suffix": (
        "",
        lambda f: (f / IMAGES).write_bytes(gzip.compress((f / IMAGES).read_bytes())),
        "begins with 0x1f8b",
    ),
    "suffix without gzip": (
        ".gz",
        lambda f: (f / f"{IMAGES}.gz").write_bytes(b"\0\0\x08\x03"),
        "Not a gzipped file",
    ),
    "truncated gzip": (
        ".gz",
        lambda f: truncate(f / f"{IMAGES}.gz"),
        f"{IMAGES}.gz cannot be read",
    ),
    "damaged gzip": (".gz", lambda f: flip(f / f"{IMAGES}.gz"), f"{IMAGES}.gz cannot be read"),
    "damaged stream": (".gz", lambda f: flip(f / f"{IMAGES}.gz", 10), "invalid"),
    "truncated": ("", lambda f: truncate(f / IMAGES), "holds 52 bytes", "expected 120 for shape"),
    "header cut": ("", lambda f: truncate(f / LABELS, 0.6), f"{LABELS} cannot be read"),
    "empty file": ("", lambda f: (f / LABELS).write_bytes(b""), f"{LABELS} cannot be read"),
    "too long": (
        "",
        lambda f: (f / LABELS).write_bytes((f / LABELS).read_bytes() + b"!"),
        "holds 4 bytes after its header; expected 3",
    ),
    "a folder": ("", lambda f: ((f / LABELS).unlink(), (f / LABELS).mkdir()), f"lacks {LABELS};"),
}


@pytest.mark.parametrize("case", IDX)
def test_idx(case, tmp_path, write_mnist):
    suffix, damage, *words = IDX[case]
    write_mnist(tmp_path / "mnist", suffix)
    damage(tmp_path / "mnist")
    check("mnist", tmp_path, str(tmp_path / "mnist"), *words)


def test_idx_counts_differ(tmp_path, write_mnist, write_idx):
    write_mnist(tmp_path / "mnist")
    write_idx(tmp_path / "mnist" / LABELS, np.zeros(2, np.uint8))
    check("mnist", tmp_path, "y_test of ", "shape (2,)", "expected 3 labels")


def test_idx_without_images(tmp_path, write_mnist, write_idx):
    write_mnist(tmp_path / "mnist")
    write_idx(tmp_path / "mnist" / IMAGES, np.zeros((0, 5, 4), np.uint8))
    check("mnist", tmp_path, "x_train of ", "shape (0, 5, 4)", "expected at least one row")


def test_idx_all_missing(tmp_path):
    (tmp_path / "mnist").mkdir()
    check("mnist", tmp_path, f"lacks {IMAGES}, train-labels-idx1-ubyte, t10k-images", LABELS)


FREY = {
    "nothing": ({}, "lacks frey_faces.npz or frey_rawface.mat"),
    "other name": ({"frey_faces.npz": dict(x=X)}, "holds x; expected an array images"),
    "shape": ({"frey_faces.npz": dict(images=X)}, "shape (20, 5, 4)", "(1965, 28, 20)"),
    "dtype": ({"frey_faces.npz": dict(images=np.zeros((1965, 28, 20), bool))}, "holds bool"),
    "no MATLAB file": ({"frey_rawface.mat": dict(ff=X)}, "expected the MATLAB file"),
}


@pytest.mark.parametrize("case", FREY)
def test_frey_faces(case, tmp_path):
    files, *words = FREY[case]
    (tmp_path / "frey_faces").mkdir()
    for name, arrays in files.items():
        with (tmp_path / "frey_faces" / name).open("wb") as file:
            np.savez(file, **arrays)
    check("frey-faces", tmp_path, str(tmp_path / "frey_faces"), *words)


def test_frey_faces_without_scipy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    (tmp_path / "frey_faces").mkdir()
    (tmp_path / "frey_faces" / "frey_rawface.mat").write_bytes(b"any")
    check("frey-faces", tmp_path, "scipy", "run `pip install scipy` or put frey_faces.npz")


def save_image(path, size=(4, 5), mode="L"):
    path.parent.mkdir(exist_ok=True)
    Image.new(mode, size).save(path)


FOLDERS = {
    "sizes": (lambda f: save_image(f / "b.png", (9, 5)), "b.png has shape (5, 9, 1)", "(5, 4, 1)"),
    "kinds": (lambda f: save_image(f / "b.png", mode="RGB"), "(5, 4, 3)", "(5, 4, 1)"),
    "16 bits": (lambda f: save_image(f / "b.png", mode="I;16"), "b.png", "mode is I;16", "8 bits"),
    "no image": (lambda f: (f / "b.png").write_bytes(b"text"), "b.png cannot be read"),
    "truncated": (lambda f: truncate(f / "a.png"), "a.png cannot be read", "remove it"),
    "broken chunk": (lambda f: flip(f / "a.png", 36, 8), "a.png cannot be read", "broken PNG"),
    "mixed": (lambda f: save_image(f / "cats" / "b.png"), "both in itself and in cats/"),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_image_folder(case, tmp_path):
    change, *words = FOLDERS[case]
    save_image(tmp_path / "a.png")
    change(tmp_path)
    check("mnist", tmp_path, str(tmp_path), *words)


def test_an_image_too_large_to_be_one(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    save_image(tmp_path / "a.png")
    check("mnist", tmp_path, "a.png cannot be read", "decompression bomb")


@pytest.mark.parametrize("variable", [False, True])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere", ["nowhere", "does not exist; expected a folder of data sets"]),
        ("notes.txt", ["notes.txt cannot be read", "expected an undamaged .npz file"]),
        ("empty", ["holds nothing; expected mnist/ with train-images-idx3-ubyte"]),
        (".", ["holds empty, fashion-mnist, notes.txt; expected mnist/"]),
    ],
)
def test_data_path(path, words, variable, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "fashion-mnist").mkdir()
    (tmp_path / "notes.txt").write_text("no data")
    if variable:
        monkeypatch.setenv("KERAS_VAE_DATA", str(tmp_path / path))
        named = [] if path == "notes.txt" else ["(from KERAS_VAE_DATA)"]
        check("mnist", None, *words, *named)
    else:
        check("mnist", tmp_path / path, *words)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("minst", "mnist"), ("frey_faces", "frey-faces"), ("Fashion", "fashion-mnist")],
)
def test_unknown_name(name, nearest, tmp_path):
    for data in (None, tmp_path):
        check(name, data, f"no data set {name!r}", f"did you mean {nearest!r}?")


def test_frey_faces_without_data():
    words = "put frey_faces.npz (array images, uint8 (1965, 28, 20)) or frey_rawface.mat into DIR"
    with pytest.raises(UserError) as caught:
        load("frey-faces")
    assert words in str(caught.value)
