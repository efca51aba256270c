"""Keras' own callbacks do what they do with any model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from conformance.cases import BATCH_SIZE, named
from conformance.compare import assert_same

CASE = named("vae dense")


@pytest.fixture
def model():
    model = CASE.build()
    model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return model


def fit(model, callback, epochs=3):
    return model.fit(
        *CASE.data(),
        validation_data=CASE.data(20),
        batch_size=BATCH_SIZE,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[callback],
    )


@pytest.mark.parametrize("monitor", ["val_elbo", pytest.param("val_loss", marks=pytest.mark.slow)])
def test_early_stopping_restores_the_best_epoch(model, monitor):
    mode = "max" if monitor == "val_elbo" else "min"
    stop = keras.callbacks.EarlyStopping(
        monitor, mode=mode, min_delta=1e9, patience=2, restore_best_weights=True
    )
    fit(model, stop, epochs=9)
    # No epoch is better than the first by that much.
    assert stop.stopped_epoch == 2
    assert stop.best_epoch == 0
    assert int(model.step) == 5
    best = model.evaluate(*CASE.data(20), verbose=0, return_dict=True)
    assert best[monitor.removeprefix("val_")] == pytest.approx(stop.best, rel=1e-5)


def test_checkpoint_of_the_model(model, tmp_path):
    file = tmp_path / "{epoch}.keras"
    fit(model, keras.callbacks.ModelCheckpoint(file))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.keras", "2.keras", "3.keras"]
    loaded = keras.saving.load_model(tmp_path / "3.keras")
    assert_same(loaded.get_weights(), model.get_weights())
    assert_same(loaded.optimizer.variables, model.optimizer.variables)


def test_checkpoint_of_the_best_weights(model, tmp_path):
    file = tmp_path / "best.weights.h5"
    save = keras.callbacks.ModelCheckpoint(
        file, monitor="val_elbo", mode="max", save_best_only=True, save_weights_only=True
    )
    history = fit(model, save).history
    other = CASE.build()
    other.compile(run_eagerly=True)
    other.load_weights(file)
    elbo = other.evaluate(*CASE.data(20), verbose=0, return_dict=True)["elbo"]
    assert elbo == pytest.approx(max(history["val_elbo"]), rel=1e-5)
    assert max(history["val_elbo"]) > min(history["val_elbo"])


def test_tensorboard_gets_every_term(model, tmp_path):
    history = fit(model, keras.callbacks.TensorBoard(tmp_path)).history
    for folder, prefix in (("train", ""), ("validation", "val_")):
        (file,) = (tmp_path / folder).glob("events*")
        found = {}
        for record in tf.data.TFRecordDataset(str(file)):
            for value in tf.compat.v1.Event.FromString(record.numpy()).summary.value:
                found[value.tag, len(found)] = tf.make_ndarray(value.tensor)
        for term in ("loss", "reconstruction", "kl", "elbo"):
            values = [float(v) for (tag, _), v in found.items() if tag == f"epoch_{term}"]
            np.testing.assert_allclose(values, history[prefix + term], rtol=1e-5)
