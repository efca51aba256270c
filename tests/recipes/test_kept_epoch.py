"""training.keep and training.patience: which epoch's weights a fit ends with, stopped or not."""

import csv
from functools import cache

import keras
import numpy as np
import pytest

from keras_vae import recipes
from recipes.tiny import write_data, write_recipe

pytestmark = pytest.mark.usefixtures("lean")

EPOCHS = 7
BEST = 3
RATE = "{name = 'piecewise_constant_decay', boundaries = [12], values = [0.01, 1.0]}"
"""After three epochs of 4 steps, steps so long that every loss is higher."""
SETTINGS = [f"training.epochs={EPOCHS}", f"training.optimizer.learning_rate={RATE}"]
ENDS = {"keep": ["keep='best'"], "patience": ["patience=2"], "both": ["keep='best'", "patience=2"]}


class CtrlC(keras.callbacks.Callback):
    """Ctrl-C after a batch of an epoch, or when the fit is over."""

    def __init__(self, epoch=None, batch=None):
        super().__init__()
        self.epoch, self.batch, self.present = epoch, batch, None

    def on_epoch_begin(self, epoch, logs=None):
        self.present = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.present, batch) == (self.epoch, self.batch):
            raise KeyboardInterrupt

    def on_train_end(self, logs=None):
        if self.epoch is None:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    write_recipe(folder)
    write_data(folder)
    return folder


@pytest.fixture(scope="module")
def fit(folder):
    """Fits the recipe with more settings."""

    def fit(out, *settings, **arguments):
        settings = [*SETTINGS, *(f"training.{setting}" for setting in settings)]
        recipe = recipes.load(folder / "tiny.toml").override(settings)
        return recipes.fit(
            recipe, data=folder / "squares.npz", out=folder / out, verbose=0, **arguments
        )

    return fit


@pytest.fixture(scope="module")
def whole(fit):
    """A name of `ENDS` -> the run that was never stopped."""
    return cache(lambda name: fit(name, *ENDS[name]))


def weights(run):
    return recipes.open_model(str(run.folder)).model.get_weights()


def optimizer(run):
    model = recipes.open_model(str(run.folder)).model
    return [variable.numpy() for variable in model.optimizer.variables]


def lines(run):
    """The history, but for its seconds."""
    rows = csv.DictReader(run.history_file.open())
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "trained", "kept"),
    [
        pytest.param("keep", EPOCHS, BEST, marks=pytest.mark.slow),
        pytest.param("both", BEST + 2, BEST, marks=pytest.mark.slow),
        ("patience", BEST + 2, BEST + 2),
    ],
)
def test_the_weights_are_those_of_the_epoch_that_is_kept(name, trained, kept, fit, whole):
    run, short = whole(name), fit("short", f"epochs={kept}")
    losses = run.history()["val_loss"]
    assert len(losses) == trained
    assert np.argmin(losses) == BEST - 1
    assert_equal(weights(run), weights(short))
    metrics = run.metrics()
    assert (metrics["epochs"], metrics["kept_epoch"]) == (trained, kept)
    assert metrics["metrics"] == short.metrics()["metrics"]
    assert short.metrics()["kept_epoch"] == kept


@pytest.mark.parametrize(
    ("name", "every"),
    [
        pytest.param("keep", "3 steps", marks=pytest.mark.slow),
        pytest.param("patience", "3 steps", marks=pytest.mark.slow),
        pytest.param("both", "1 epoch", marks=pytest.mark.slow),
    ],
)
def test_resumed_as_if_never_stopped(name, every, fit, folder, whole):
    out = f"{name} {every}"
    with pytest.raises(recipes.Interrupted):
        fit(out, *ENDS[name], checkpoint_every=every, callbacks=[CtrlC(BEST, 2)])
    for stop in (CtrlC(BEST + 1, 1), CtrlC()):
        with pytest.raises(recipes.Interrupted):
            recipes.resume(
                "tiny", out=folder / out, checkpoint_every=every, callbacks=[stop], verbose=0
            )
    run, expected = recipes.resume("tiny", out=folder / out, verbose=0), whole(name)
    assert_equal(weights(run), weights(expected))
    assert_equal(optimizer(run), optimizer(expected))
    assert lines(run) == lines(expected)
    for key in ("metrics", "epochs", "kept_epoch"):
        assert run.metrics()[key] == expected.metrics()[key]


@pytest.mark.slow
def test_pretraining_is_not_affected(folder, tmp_path):
    rate = RATE.replace("12", "4")
    last = recipes.load(write_recipe(tmp_path, model="StackedAutoencoder")).override(
        [
            "network.name=dense_layers",
            "network.hidden=[6]",
            "training.epochs=3",
            f"training.optimizer={{name='adam', learning_rate={rate}}}",
            "pretraining.epochs=3",
        ]
    )
    best = last.override(["training.keep=best", "training.patience=1"])
    runs = [
        recipes.fit(recipe, data=folder / "squares.npz", out=tmp_path / name, verbose=0)
        for name, recipe in (("last", last), ("best", best))
    ]
    losses = [
        [row["val_loss"] for row in csv.DictReader(run.pretraining_file.open())] for run in runs
    ]
    assert losses[0] == losses[1]
    first_layer = [float(loss) for loss in losses[0][:3]]
    assert first_layer[0] < min(first_layer[1:])  # patience would have ended it
    assert [run.metrics()["epochs"] for run in runs] == [3, 2]
    assert runs[0].history()["val_loss"][:2] == runs[1].history()["val_loss"]
