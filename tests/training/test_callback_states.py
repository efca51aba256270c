"""Checkpoint with callbacks that remember something: stopped anywhere, they go on bit for bit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.errors import UserError
from keras_vae.training import Checkpoint, latest_snapshot, read_snapshot
from keras_vae.training.callback_states import CallbackStates
from keras_vae.training.snapshot import Snapshot
from training.tiny_fit import Stop, fit, make, state

EPOCHS = 7
SCORES = [2.0, 1.0, 3.0, 4.0, 5.0, 0.0, 0.0]
"""Of the epochs: with a patience of 3, the fit ends after the fifth, and the second is the best."""


class Score(keras.callbacks.Callback):
    """Gives each epoch its score."""

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = SCORES[epoch]


class Breaks(keras.callbacks.Callback):
    """Ctrl-C when the fit is over."""

    def on_train_end(self, logs=None):
        raise KeyboardInterrupt


def rememberers(folder):
    """Early stopping with the best weights, a rate that falls, and a file of each best model."""
    return [
        keras.callbacks.EarlyStopping("score", mode="min", patience=3, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(
            "score", mode="min", factor=0.5, patience=2, cooldown=2, min_delta=1.5
        ),
        keras.callbacks.ModelCheckpoint(
            folder / "{epoch}.weights.h5",
            "score",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        ),
    ]


def fit_scored(folder, model, *others, every="1 epoch", callbacks=None, epochs=EPOCHS):
    callbacks = rememberers(folder) if callbacks is None else callbacks
    checkpoint = Checkpoint(folder / "checkpoints", every, callbacks)
    history = fit(model, Score(), *others, checkpoint, epochs=epochs)
    return history, callbacks


def stop_scored(folder, *others, **arguments):
    with pytest.raises(KeyboardInterrupt):
        fit_scored(folder, make(rate=0.01), *others, **arguments)


def remembered(callback):
    names = (
        *("best", "best_epoch", "wait", "stopped_epoch", "cooldown_counter"),
        *("total", "present", "begun"),
    )
    return [getattr(callback, name, None) for name in names]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A model that was never stopped, its history, what the callbacks remember, the best files."""
    folder = tmp_path_factory.mktemp("whole")
    model = make(rate=0.01)
    history, callbacks = fit_scored(folder, model)
    return model, history, [remembered(callback) for callback in callbacks], best_files(folder)


def best_files(folder):
    return sorted(path.name for path in folder.glob("*.h5"))


def test_the_fit_that_is_never_stopped(whole):
    """It ends early, with the best weights, and the rate has fallen: else nothing is tested."""
    model, history, _, files = whole
    best = make(rate=0.01)
    fit(best, Score(), epochs=2)
    assert_equal(model.get_weights(), best.get_weights())
    assert history.epoch == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(
        history.history["learning_rate"], [0.01] * 3 + [0.005] * 2, rtol=1e-6
    )
    assert files == ["1.weights.h5", "2.weights.h5"]


@pytest.mark.parametrize(
    "every",
    [
        "4 steps",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("1 epoch", "100 epochs")),
    ],
)
def test_stopped_again_and_again(every, whole, tmp_path):
    model, history, memories, files = whole
    for step in (14, 27):
        stop_scored(tmp_path, Stop(step), every=every)
    stop_scored(tmp_path, Breaks(), every=every)
    for _ in range(2):  # after the end nothing is left to do
        last = make(rate=0.01)
        found, callbacks = fit_scored(tmp_path, last, every=every)
        assert_equal(state(last), state(model))
        assert found.history == history.history
        assert found.epoch == history.epoch
        assert best_files(tmp_path) == files
        assert [remembered(callback) for callback in callbacks] == memories


@pytest.mark.slow
def test_what_the_constructor_takes_is_the_scripts(tmp_path):
    stop_scored(tmp_path, Stop(27))
    more = rememberers(tmp_path)
    more[0].patience = 4
    history, _ = fit_scored(tmp_path, make(rate=0.01), callbacks=more, epochs=6)
    assert len(history.epoch) == 6


class Count(keras.callbacks.Callback):
    """Counts batches, those of this epoch apart; ends the fit after some."""

    def __init__(self, most=1000):
        super().__init__()
        self.most = most
        self.total = self.present = self.begun = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.present = 0

    def on_train_batch_begin(self, batch, logs=None):
        self.begun += 1

    def on_train_batch_end(self, batch, logs=None):
        self.total += 1
        self.present += 1
        if self.total == self.most:
            self.model.stop_training = True


@pytest.mark.parametrize("length", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_within_an_epoch_no_batch_and_no_beginning_counts_twice(length, tmp_path):
    def callbacks():
        return [Count(), keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)]

    model = make(length, rate=0.01)
    _, (whole, _) = fit_scored(tmp_path / "whole", model, callbacks=callbacks(), epochs=2)
    for step in (4, 10):
        with pytest.raises(KeyboardInterrupt):
            fit_scored(
                tmp_path,
                make(length, rate=0.01),
                Stop(step),
                every="2 steps",
                callbacks=callbacks(),
                epochs=2,
            )
    last = make(length, rate=0.01)
    _, (count, _) = fit_scored(tmp_path, last, callbacks=callbacks(), epochs=2)
    assert (count.total, count.present, count.begun) == (12 // length, 6 // length, 12 // length)
    assert remembered(count) == remembered(whole)
    assert_equal(state(last), state(model))


def test_a_fit_ended_within_an_epoch_stays_ended(tmp_path):
    model = make(rate=0.01)
    history, _ = fit_scored(tmp_path / "whole", model, callbacks=[Count(9)])
    stop_scored(tmp_path, Breaks(), every="1 step", callbacks=[Count(9)])
    last = make(rate=0.01)
    found, (count,) = fit_scored(tmp_path, last, every="1 step", callbacks=[Count(9)])
    assert (count.total, found.epoch) == (9, [0, 1])
    assert found.history == history.history
    assert_equal(state(last), state(model))


@pytest.mark.slow
def test_a_fit_that_another_callback_ended_goes_on(tmp_path, whole):
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    for epoch in range(3):
        found, _ = fit_scored(tmp_path, make(rate=0.01), Enough())
        assert found.epoch == list(range(epoch + 1))
    last = make(rate=0.01)
    found, _ = fit_scored(tmp_path, last)
    assert found.history == whole[1].history
    assert_equal(state(last), state(whole[0]))


def test_all_moments_reach_the_callbacks(tmp_path):
    class Moments(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def __getattribute__(self, name):
            if name.startswith("on_"):
                self.seen.append(name)
            return super().__getattribute__(name)

    inside, outside = Moments(), Moments()
    fit(make(), outside, Checkpoint(tmp_path, callbacks=[inside]), epochs=1)
    known = {name for name in dir(keras.callbacks.Callback) if name.startswith("on_")}
    assert {*inside.seen} == {name for name in known if "predict" not in name}
    assert inside.seen == outside.seen[-len(inside.seen) :]  # of which Keras reads some before


@pytest.mark.parametrize("before", [True, False])
def test_a_callback_in_both_lists_is_told(before, tmp_path):
    stopping = keras.callbacks.EarlyStopping("val_loss")
    both = [stopping, Checkpoint(tmp_path, callbacks=[stopping])]
    with pytest.raises(UserError, match="EarlyStopping is called by Checkpoint"):
        fit(make(), *both if before else reversed(both))
    fit(make(), both[1], epochs=1)


def test_other_callbacks_than_before_are_told(tmp_path):
    fit(make(), Checkpoint(tmp_path, callbacks=[keras.callbacks.EarlyStopping()]), epochs=1)
    with pytest.raises(UserError, match="the state of EarlyStopping, and it was given none"):
        fit(make(), Checkpoint(tmp_path))
    with pytest.raises(UserError, match="of EarlyStopping, and it was given Count and Score"):
        fit(make(), Checkpoint(tmp_path, callbacks=[Count(), Score()]))


class Rich(keras.callbacks.Callback):
    """Has attributes of every kind."""

    def __init__(self, given=1):
        super().__init__()
        self.given = given
        self.word, self.table, self.made = "a", {"a": 1}, None


def test_kinds_of_attributes(tmp_path):
    whole = Rich()
    whole.given, whole.word, whole.table = 2, "b", {"b": 2}
    whole.number, whole.true, whole.infinite = 3, True, np.inf
    whole.single = np.float32(0.1)
    whole.array = np.arange(6, dtype="int16").reshape(2, 3)
    whole.empty, whole.nested = [], [np.zeros(0), [1, None, np.array([True])]]
    whole.half = np.ones(2, tf.bfloat16.as_numpy_dtype)
    whole.made = 4
    states = CallbackStates.of([whole])
    whole.array += 1  # what was saved is a copy
    Snapshot(1, 0, {}, [], [], states).write(tmp_path)
    found = Rich()
    found.made = len
    read_snapshot(latest_snapshot(tmp_path)).callbacks.put_into([found])
    assert (found.given, found.word, found.table) == (1, "a", {"a": 1})
    assert (found.number, found.true, found.infinite) == (3, True, np.inf)
    assert (found.single, found.single.dtype) == (np.float32(0.1), "float32")
    np.testing.assert_array_equal(found.array, np.arange(6).reshape(2, 3))
    assert (found.empty, found.nested[1][:2]) == ([], [1, None])
    assert (found.nested[0].shape, found.nested[1][2].tolist()) == ((0,), [True])
    assert (found.half.dtype, found.half.tolist()) == (tf.bfloat16.as_numpy_dtype, [1, 1])
    assert found.made is len  # a function is not overwritten
