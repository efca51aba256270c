"""No data set but what a test makes, no network, and tiny files in MNIST's format."""

import numpy as np
import pytest

from keras_vae.datasets import download


@pytest.fixture(autouse=True)
def bare_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_VAE_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(download, "ORIGIN", "http://127.0.0.1:9/")  # nothing listens there


@pytest.fixture
def write_mnist(write_idx):
    """Writes six training and three test digits, 5 high and 4 wide; returns the arrays."""

    def write(folder, suffix=""):
        rng = np.random.default_rng(0)
        arrays = {}
        for key, file, rows in [("train", "train", 6), ("test", "t10k", 3)]:
            arrays[f"x_{key}"] = rng.integers(0, 256, (rows, 5, 4), np.uint8)
            arrays[f"y_{key}"] = rng.permutation(10).astype(np.uint8)[:rows]
            write_idx(folder / f"{file}-images-idx3-ubyte{suffix}", arrays[f"x_{key}"])
            write_idx(folder / f"{file}-labels-idx1-ubyte{suffix}", arrays[f"y_{key}"])
        return arrays

    return write
