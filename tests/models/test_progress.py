"""The progress bar of a fit with fewer steps than an execution has."""

import keras
import numpy as np
import pytest

import keras_vae

X = np.random.default_rng(0).random((12, 4), "float32")


@pytest.fixture
def model(eagerly):
    model = keras_vae.Autoencoder(*keras_vae.networks.dense((4,), 2, posterior="deterministic"))
    model.compile("sgd", steps_per_execution=40, run_eagerly=True)
    return model


@pytest.mark.parametrize("use", ["fit", "evaluate", "predict"])
def test_the_bar_ends_at_the_last_step(model, use, capsys):
    getattr(model, use)(X, batch_size=4, verbose=1)
    out = capsys.readouterr().out
    assert "3/3" in out
    assert "40/3" not in out
    assert ("loss" in out) == (use != "predict")


def test_there_is_one_bar(model, capsys):
    own = keras.callbacks.ProgbarLogger()
    model.fit(X, batch_size=4, epochs=2, verbose=2, validation_data=(X,), callbacks=own)
    with_own = capsys.readouterr().out
    model.fit(X, batch_size=4, epochs=2, verbose=2, validation_data=(X,))
    assert capsys.readouterr().out.count("3/3") == with_own.count("3/3") == 2


def test_a_silent_fit_is_silent(model, capsys):
    model.fit(X, batch_size=4, verbose=0)
    model.fit(X, None, 4, 1, 0, [keras.callbacks.History()])
    assert capsys.readouterr().out == ""
