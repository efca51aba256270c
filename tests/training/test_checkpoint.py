"""Checkpoint: a fit that stops anywhere goes on bit for bit."""

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from dtype_policies import dtype_policy
from keras_vae.errors import UserError
from keras_vae.training import Checkpoint, latest_snapshot, parse_every, read_snapshot
from training.tiny_fit import EPOCHS, Stop, X, fit, make, state


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole():
    """Steps per execution, and whether by XLA -> a model that was never stopped, its history."""

    @cache
    def fitted(length, jit):
        model = make(length, jit)
        return model, fit(model)

    return fitted


@pytest.mark.parametrize(
    ("every", "length", "jit"),
    [
        ("1 epoch", 1, False),
        pytest.param("2 epochs", 1, False, marks=pytest.mark.slow),
        pytest.param("1 step", 1, False, marks=pytest.mark.slow),
        pytest.param("4 steps", 4, False, marks=pytest.mark.slow),
        pytest.param("0.00001 minutes", 4, False, marks=pytest.mark.slow),
        pytest.param("4 steps", 4, True, marks=pytest.mark.slow),
    ],
)
def test_stopped_again_and_again_it_ends_as_if_it_had_not(every, length, jit, whole, tmp_path):
    model, history = whole(length, jit)
    for step in (10,) if jit else (3, 10, 15):
        stopped = make(length, jit)
        with pytest.raises(KeyboardInterrupt):
            fit(stopped, Checkpoint(tmp_path, every), Stop(step))
    last = make(length, jit)
    found = fit(last, checkpoint := Checkpoint(tmp_path, every))
    for one, other in zip(state(last), state(model), strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.history == history.history
    assert found.epoch == history.epoch == list(range(EPOCHS))
    assert names(tmp_path) == ["epoch-0003.npz"]

    again = make(length, jit)  # nothing is left to do
    assert fit(again, Checkpoint(tmp_path)).history == history.history
    for one, other in zip(state(again), state(model), strict=True):
        np.testing.assert_array_equal(one, other)
    assert fit(again, epochs=1).epoch == [0]  # another fit begins at its own beginning
    checkpoint.wait()


@pytest.mark.parametrize(
    ("every", "stop", "name"),
    [
        pytest.param("1 epoch", 14, "epoch-0002.npz", marks=pytest.mark.slow),
        pytest.param("2 epochs", 11, None, marks=pytest.mark.slow),
        pytest.param("2 epochs", 17, "epoch-0002.npz", marks=pytest.mark.slow),
        pytest.param("5 steps", 4, None, marks=pytest.mark.slow),
        pytest.param("5 steps", 5, "epoch-0000-step-000005.npz", marks=pytest.mark.slow),
        ("5 steps", 14, "epoch-0001-step-000004.npz"),
        pytest.param("1000 minutes", 17, None, marks=pytest.mark.slow),
    ],
)
def test_how_often(every, stop, name, tmp_path):
    checkpoint = Checkpoint(tmp_path, every)
    with pytest.raises(KeyboardInterrupt):
        fit(make(), checkpoint, Stop(stop))
    checkpoint.wait()
    latest = latest_snapshot(tmp_path)
    assert (latest and latest.name) == name


def test_a_stream_goes_on_after_the_batches_it_has_seen(tmp_path):
    stream = tf.data.Dataset.from_tensor_slices(X)
    batches = stream.batch(4)
    model = make()
    model.fit(batches, epochs=2, verbose=0)
    checkpoint = Checkpoint(tmp_path, "1 step")
    with pytest.raises(KeyboardInterrupt):
        make().fit(batches, epochs=2, verbose=0, callbacks=[checkpoint, Stop(9)])
    checkpoint.wait()
    assert read_snapshot(latest_snapshot(tmp_path)).step == 3
    last = make()
    last.fit(batches, epochs=2, verbose=0, callbacks=[Checkpoint(tmp_path)])
    for one, other in zip(state(last), state(model), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_executions_of_another_length(whole, tmp_path):
    """Three steps are behind, and executions are of four."""
    model, _ = whole(4, False)
    checkpoint = Checkpoint(tmp_path, "3 steps")
    with pytest.raises(KeyboardInterrupt):
        fit(make(3), checkpoint, Stop(3))
    checkpoint.wait()
    last = make(4)
    fit(last, Checkpoint(tmp_path))
    for one, other in zip(state(last), state(model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_full_disk_leaves_the_older_file(tmp_path, monkeypatch):
    fit(make(), Checkpoint(tmp_path), epochs=1)
    before = (tmp_path / "epoch-0001.npz").read_bytes()

    def full_disk(file, **arrays):
        file.write(before[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(UserError, match=r"No space left on device; epoch-0001\.npz stays\."):
        fit(make(), Checkpoint(tmp_path))
    assert latest_snapshot(tmp_path) == tmp_path / "epoch-0001.npz"
    assert (tmp_path / "epoch-0001.npz").read_bytes() == before
    monkeypatch.undo()
    fit(make(), Checkpoint(tmp_path))
    assert names(tmp_path) == ["epoch-0003.npz"]


def test_a_damaged_file_is_told(tmp_path):
    fit(make(), Checkpoint(tmp_path), epochs=1)
    path = tmp_path / "epoch-0001.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is damaged"):
        fit(make(), Checkpoint(tmp_path))
    content = bytearray(whole)
    content[content.index(b"NUMPY") + 200] ^= 1  # in the first array
    path.write_bytes(content)
    with pytest.raises(UserError, match="is damaged"):
        fit(make(), Checkpoint(tmp_path))


def test_a_checkpoint_of_another_model_is_told(tmp_path):
    fit(make(), Checkpoint(tmp_path), epochs=1)
    other = keras_vae.VAE(*keras_vae.networks.dense((4,), 3, hidden=(3,)), likelihood="normal")
    other.compile()
    with pytest.raises(UserError, match=r"holds \d+ variables, and the model has"):
        fit(other, Checkpoint(tmp_path))


def test_what_is_in_the_folder_besides_is_left_alone(tmp_path):
    for name in ("part", "epoch-1.keras", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert latest_snapshot(tmp_path) is None
    assert latest_snapshot(tmp_path / "none") is None
    fit(make(), Checkpoint(tmp_path))
    assert names(tmp_path) == ["epoch-0003.npz", "epoch-1.keras", "notes.txt"]


def test_the_latest_is_the_highest_number(tmp_path):
    for name in ("0009", "0010", "9999-step-000100", "10000", "9999"):
        (tmp_path / f"epoch-{name}.npz").touch()
    assert latest_snapshot(tmp_path) == tmp_path / "epoch-10000.npz"
    (tmp_path / "epoch-10000-step-1000000.npz").touch()
    (tmp_path / "epoch-10000-step-999999.npz").touch()
    assert latest_snapshot(tmp_path) == tmp_path / "epoch-10000-step-1000000.npz"


@pytest.mark.parametrize("every", ["", "often", "0 epochs", "-1 steps", "3 hours", "epoch"])
def test_an_every_that_is_none(every):
    with pytest.raises(UserError, match='as in "1 epoch"'):
        parse_every(every)


def test_bfloat16_variables(tmp_path):
    with dtype_policy("bfloat16"):
        dense = keras.layers.Dense(2)
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
    encoder = keras.Sequential([keras.Input((4,)), dense])
    model = keras_vae.Autoencoder(encoder, networks[1])
    model.compile("sgd", run_eagerly=True)
    fit(model, Checkpoint(tmp_path), epochs=1)
    kernel = np.array(dense.kernel)
    dense.kernel.assign(np.zeros((4, 2)))
    fit(model, Checkpoint(tmp_path), epochs=1)
    np.testing.assert_array_equal(np.array(dense.kernel), kernel)
