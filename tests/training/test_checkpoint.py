"""EpochCheckpoint: the last whole epoch is on disk at every moment."""

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.training import EpochCheckpoint, latest_checkpoint

X = np.random.default_rng(0).random((8, 4), "float32")


@pytest.fixture
def model():
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
    model = keras_vae.Autoencoder(*networks)
    model.compile("adam", jit_compile=False, steps_per_execution=1)
    return model


def fit(model, folder, **arguments):
    callbacks = [EpochCheckpoint(folder)]
    model.fit(X, batch_size=4, verbose=0, callbacks=callbacks, **arguments)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_latest_epoch_is_kept_whole(model, tmp_path):
    folder = tmp_path / "new" / "checkpoints"
    assert latest_checkpoint(folder) is None
    fit(model, folder, epochs=3)
    assert names(folder) == ["epoch-0003.keras"]
    assert latest_checkpoint(folder) == (folder / "epoch-0003.keras", 3)

    loaded = keras.saving.load_model(folder / "epoch-0003.keras")
    assert int(loaded.step) == int(loaded.optimizer.iterations) == 6
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    for one, other in zip(
        loaded.variables + loaded.optimizer.variables,
        model.variables + model.optimizer.variables,
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_it_counts_on_from_the_initial_epoch(model, tmp_path):
    fit(model, tmp_path, epochs=1)
    fit(model, tmp_path, initial_epoch=1, epochs=2)
    assert names(tmp_path) == ["epoch-0002.keras"]


def test_the_same_epoch_again_replaces_the_file(model, tmp_path):
    fit(model, tmp_path, epochs=1)
    fit(model, tmp_path, epochs=1)
    assert names(tmp_path) == ["epoch-0001.keras"]
    assert int(keras.saving.load_model(tmp_path / "epoch-0001.keras").step) == 4


def test_a_save_that_fails_leaves_the_older_file(model, tmp_path, monkeypatch):
    fit(model, tmp_path, epochs=1)
    before = (tmp_path / "epoch-0001.keras").read_bytes()

    def full_disk(path):
        path.write_bytes(before[:100])
        raise OSError("No space left on device")

    monkeypatch.setattr(model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        fit(model, tmp_path, initial_epoch=1, epochs=2)
    assert latest_checkpoint(tmp_path) == (tmp_path / "epoch-0001.keras", 1)
    assert (tmp_path / "epoch-0001.keras").read_bytes() == before


def test_the_next_save_clears_what_the_failed_one_left(model, tmp_path):
    (tmp_path / "part.keras").write_bytes(b"half a file")
    assert latest_checkpoint(tmp_path) is None
    fit(model, tmp_path, epochs=1)
    assert names(tmp_path) == ["epoch-0001.keras"]


def test_the_latest_is_the_highest_number(tmp_path):
    for epoch in (9, 10, 9999, 10000):
        (tmp_path / f"epoch-{epoch:04d}.keras").touch()
    assert latest_checkpoint(tmp_path) == (tmp_path / "epoch-10000.keras", 10000)
