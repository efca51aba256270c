"""`load` finds each data set where the contract says, and gives it in one form."""

import os
import subprocess
import sys

import numpy as np
import pytest

import keras_vae.datasets
from keras_vae.datasets import load

DATA = os.environ.get("KERAS_VAE_DATA", "")


def check_tiny_mnist(dataset, name, arrays):
    assert dataset.name == name
    for key, array in arrays.items():
        loaded = getattr(dataset, key)
        expected = array[..., np.newaxis] if key[0] == "x" else array
        assert loaded.dtype == (np.uint8 if key[0] == "x" else np.int64)
        np.testing.assert_array_equal(loaded, expected)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_files_below_the_data_folder(name, suffix, tmp_path, write_mnist):
    arrays = write_mnist(tmp_path / name, suffix)
    check_tiny_mnist(load(name, tmp_path), name, arrays)


def test_environment_variable_serves_when_no_data_is_given(tmp_path, monkeypatch, write_mnist):
    arrays = write_mnist(tmp_path / "here" / "mnist")
    write_mnist(tmp_path / "there" / "fashion-mnist")
    monkeypatch.setenv("KERAS_VAE_DATA", str(tmp_path / "here"))
    check_tiny_mnist(load("mnist"), "mnist", arrays)
    assert load("fashion-mnist", str(tmp_path / "there")).name == "fashion-mnist"


@pytest.mark.parametrize("data", [True, False])
def test_fashion_mnist_of_the_system_serves(data, tmp_path, monkeypatch, write_mnist):
    arrays = write_mnist(tmp_path / "system", ".gz")
    sources = keras_vae.datasets._SOURCES
    source = sources["fashion-mnist"]._replace(installed=tmp_path / "system")
    monkeypatch.setitem(sources, "fashion-mnist", source)
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    dataset = load("fashion-mnist", tmp_path / "data" if data else None)
    check_tiny_mnist(dataset, "fashion-mnist", arrays)


def test_bundled_sample_is_stratified_and_mixed():
    dataset = load("mnist-sample")
    assert dataset.name == "mnist-sample"
    assert dataset.x_train.shape == (4000, 28, 28, 1)
    assert dataset.x_test.shape == (1000, 28, 28, 1)
    assert dataset.x_train.dtype == dataset.x_test.dtype == np.uint8
    assert dataset.x_train.max() == 255
    assert np.bincount(dataset.y_train).tolist() == [400] * 10
    assert np.bincount(dataset.y_test).tolist() == [100] * 10
    for batch in np.split(dataset.y_train, 40):
        assert len(set(batch)) == 10
    assert dataset.event_shape == (28, 28, 1)
    assert dataset.num_classes == dataset.condition_dim == 10


def test_loading_brings_no_heavy_library():
    code = (
        "import sys; from keras_vae.datasets import load; load('mnist-sample');"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'scipy'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.mark.skipif(not os.path.isdir(os.path.join(DATA, "mnist")), reason="no full MNIST")
def test_full_mnist_holds_the_sample_among_its_training_rows():
    full, sample = load("mnist", DATA), load("mnist-sample")
    assert full.x_train.shape == (60000, 28, 28, 1)
    assert full.x_test.shape == (10000, 28, 28, 1)
    for digit in range(10):
        first = full.x_train[full.y_train == digit][:500]
        rows = [sample.x_train[sample.y_train == digit], sample.x_test[sample.y_test == digit]]
        # By their sums, coarsely: copies of MNIST exist that lack the pixels of value 1.
        sums = [np.sort(x.sum(axis=(1, 2, 3), dtype=int)) for x in (first, np.concatenate(rows))]
        np.testing.assert_allclose(*sums, atol=20)


@pytest.mark.skipif(not os.path.isdir(os.path.join(DATA, "frey_faces")), reason="no Frey Faces")
def test_full_frey_faces():
    dataset = load("frey-faces", DATA)
    assert dataset.x_train.shape == (1565, 28, 20, 1)
    assert dataset.x_test.shape == (400, 28, 20, 1)
    assert dataset.x_train.std() > 10
