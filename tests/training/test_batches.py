"""ShuffledBatches: an order by (seed, epoch), so that a fit can be taken up again."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.training import ShuffledBatches

NUM, BATCH_SIZE = 23, 5


def epochs(batches, numbers):
    """The batches of the given epochs, each a list of index arrays."""
    orders = []
    for epoch in numbers:
        batches.on_epoch_begin(epoch)
        orders.append([rows.numpy() for (rows,) in batches.dataset])
    return orders


def shuffled(seed=0, num=NUM):
    return ShuffledBatches(np.arange(num), batch_size=BATCH_SIZE, seed=seed)


def test_each_row_once_per_epoch_and_a_short_last_batch():
    for order in epochs(shuffled(), range(4)):
        assert [len(batch) for batch in order] == [5, 5, 5, 5, 3]
        np.testing.assert_array_equal(np.sort(np.concatenate(order)), np.arange(NUM))


@pytest.mark.parametrize(("num", "sizes"), [(1, [1]), (4, [4]), (5, [5]), (10, [5, 5])])
def test_sizes(num, sizes):
    (order,) = epochs(shuffled(num=num), [0])
    assert [len(batch) for batch in order] == sizes
    np.testing.assert_array_equal(np.sort(np.concatenate(order)), np.arange(num))


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = [np.concatenate(order) for order in epochs(shuffled(), [0, 1, 2, 7])]
    again = [np.concatenate(order) for order in epochs(shuffled(), [7, 2, 1, 0])]
    np.testing.assert_array_equal(orders, again[::-1])
    (other,) = epochs(shuffled(seed=1), [0])
    distinct = {tuple(order) for order in [*orders, np.concatenate(other), np.arange(NUM)]}
    assert len(distinct) == 6


def test_every_row_may_stand_anywhere():
    """Over many epochs a row's mean position is the middle, and every place has many rows."""
    orders = np.array([np.concatenate(order) for order in epochs(shuffled(), range(150))])
    positions = np.argsort(orders, axis=1)
    error = np.sqrt((NUM**2 - 1) / 12 / 150)
    assert np.abs(positions.mean(axis=0) - (NUM - 1) / 2).max() < 4.5 * error
    assert min(len(np.unique(column)) for column in orders.T) > NUM // 2


def test_arrays_are_cut_alike_and_keep_their_dtype():
    x = np.arange(NUM * 2, dtype=np.uint8).reshape(NUM, 2)
    batches = ShuffledBatches(x, x[:, 0] * 10.0, batch_size=BATCH_SIZE, seed=0)
    for part, label in batches.dataset:
        assert part.dtype == np.uint8
        np.testing.assert_array_equal(part[:, 0].numpy() * 10.0, label)


def test_without_a_seed_the_arrays_keep_their_order():
    orders = epochs(ShuffledBatches(np.arange(NUM), batch_size=BATCH_SIZE, seed=None), [0, 3])
    assert [list(np.concatenate(order)) for order in orders] == [list(range(NUM))] * 2


X = np.random.default_rng(0).random((NUM, 4), "float32")
COMPILED = pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)]
)


def autoencoder(jit_compile, seed=0):
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
    model = keras_vae.Autoencoder(*networks, likelihood="bernoulli", seed=seed)
    generator = np.random.default_rng(0)
    model.set_weights([0.3 * generator.normal(size=w.shape) for w in model.get_weights()])
    model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile, steps_per_execution=2)
    return model


def weights(model):
    return np.concatenate([array.ravel() for array in model.get_weights()])


@COMPILED
def test_a_fit_taken_up_at_epoch_3_sees_the_same_batches(jit_compile):
    def fitted(runs):
        model = autoencoder(jit_compile)
        for first, last in runs:
            batches = ShuffledBatches(X, batch_size=BATCH_SIZE, seed=0)
            model.fit(batches, initial_epoch=first, epochs=last, verbose=0)
        return weights(model)

    np.testing.assert_array_equal(fitted([(0, 3), (3, 5)]), fitted([(0, 5)]))
    assert not np.array_equal(fitted([(0, 3), (0, 2)]), fitted([(0, 5)]))  # the epoch is told


@COMPILED
def test_arrays_are_shuffled_by_the_models_seed(jit_compile):
    def fitted(runs, seed=0):
        model = autoencoder(jit_compile, seed)
        for first, last in runs:
            keras.utils.set_random_seed(first + last)  # has no say
            model.fit(X, batch_size=BATCH_SIZE, initial_epoch=first, epochs=last, verbose=0)
        return weights(model)

    np.testing.assert_array_equal(fitted([(0, 3), (3, 5)]), fitted([(0, 5)]))
    # A second fit from epoch 0 goes on, in another order than the first.
    assert not np.array_equal(fitted([(0, 1), (0, 1)]), fitted([(0, 2)]))
    assert not np.array_equal(fitted([(0, 2)], seed=1), fitted([(0, 2)]))


@COMPILED
@pytest.mark.parametrize("weighted", [False, True])
def test_arrays_in_memory_are_trained_on_as_a_stream_of_batches_is(jit_compile, weighted):
    sample_weight = np.linspace(0.0, 2.0, NUM, dtype="float32") if weighted else None
    one, other = autoencoder(jit_compile), autoencoder(jit_compile)
    arguments = {"batch_size": BATCH_SIZE, "epochs": 2, "verbose": 0}
    one.fit(X, shuffle=False, sample_weight=sample_weight, **arguments)
    parts = (X,) if sample_weight is None else (X, sample_weight, sample_weight)
    stream = tf.data.Dataset.from_tensor_slices(parts).batch(BATCH_SIZE)
    other.fit(stream, epochs=2, verbose=0)
    np.testing.assert_allclose(weights(one), weights(other), atol=1e-6)
    assert not np.allclose(weights(one), weights(autoencoder(False)))


@pytest.mark.parametrize(
    ("call", "steps"), [({"validation_split": 0.2}, 4), ({"steps_per_epoch": 2}, 2)], ids=str
)
def test_what_keras_splits_and_counts(call, steps):
    model = autoencoder(False)
    history = model.fit(X, batch_size=BATCH_SIZE, **call, verbose=0).history
    assert ("val_loss" in history) == ("validation_split" in call)
    assert int(model.step) == steps


@pytest.mark.parametrize("form", [lambda each: each, lambda each: [each], lambda each: (each,)])
def test_callbacks_in_the_forms_that_keras_takes(form):
    epochs_seen = []
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epochs_seen.append(epoch)
    )
    model = autoencoder(False)
    model.fit(X, batch_size=BATCH_SIZE, epochs=2, callbacks=form(callback), verbose=0)
    assert epochs_seen == [0, 1]


def test_a_list_of_callbacks_that_is_a_models_own():
    model = autoencoder(False)
    callbacks = keras.callbacks.CallbackList([], add_history=True, model=model, epochs=2, steps=5)
    model.fit(X, batch_size=BATCH_SIZE, epochs=2, callbacks=callbacks, verbose=0)
    assert int(model.step) == 10


def test_a_y_beside_batches():
    batches = ShuffledBatches(X, batch_size=BATCH_SIZE, seed=0)
    with pytest.raises(ValueError, match="hold y beside x"):
        autoencoder(False).fit(batches, X[:, 0], verbose=0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"sample_weight": np.ones(NUM - 1, "float32")}, "cardinality"),
        ({"batch_size": 0}, "batch_size is at least 1. Received 0"),
        ({"batch_size": 2.5}, "batch_size is an integer. Received 2.5"),
    ],
    ids=str,
)
def test_mistakes(call, sentence):
    model = autoencoder(False)
    with pytest.raises(ValueError, match=sentence):
        model.fit(X, **call, verbose=0)
    assert int(model.step) == 0


def on_disk(path, array):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize(
    ("jit_compile", "num_steps"),
    [
        (False, 2),
        (True, 20),
        *(
            pytest.param(jit_compile, num_steps, marks=pytest.mark.slow)
            for jit_compile in (False, True)
            for num_steps in (1, 2, 3, 20)
            if (jit_compile, num_steps) not in {(False, 2), (True, 20)}
        ),
    ],
)
def test_a_memory_map_is_trained_on_as_an_array_in_memory_is(jit_compile, num_steps, tmp_path):
    def fitted(x, runs=((0, 3),)):
        model = autoencoder(jit_compile)
        model.compile(
            keras.optimizers.SGD(0.1), jit_compile=jit_compile, steps_per_execution=num_steps
        )
        for first, last in runs:
            history = model.fit(
                x, batch_size=BATCH_SIZE, initial_epoch=first, epochs=last, verbose=0
            )
        return history.history["loss"], weights(model)

    mapped = on_disk(tmp_path / "x.npy", X.astype("float64"))
    losses, expected = fitted(X)
    streamed_losses, streamed = fitted(mapped)
    np.testing.assert_array_equal(streamed, expected)
    np.testing.assert_array_equal(streamed_losses, losses)
    np.testing.assert_array_equal(fitted(mapped, [(0, 1), (1, 3)])[1], expected)


def test_a_memory_map_is_read_some_batches_at_a_time(tmp_path, monkeypatch):
    """Of 23 rows, no more than two executions' are in memory."""
    model = autoencoder(jit_compile=True)
    batches = ShuffledBatches(on_disk(tmp_path / "x.npy", X), batch_size=BATCH_SIZE, seed=0)
    sizes = []
    read = batches.tables._read
    monkeypatch.setattr(batches.tables, "_read", lambda *a: sizes.append(a) or read(*a))
    model.fit(batches, epochs=1, verbose=0)
    assert sizes == [(0, 2), (2, 2), (4, 2), (6, 2)]


def test_labels_in_memory_go_with_rows_on_a_disk(tmp_path):
    numbers = np.arange(NUM)
    x = on_disk(tmp_path / "x.npy", numbers.repeat(4).reshape(NUM, 4).astype("uint8"))
    batches = ShuffledBatches(x, numbers, batch_size=BATCH_SIZE, seed=0)
    for part, label in batches.dataset:
        assert part.dtype == np.uint8
        np.testing.assert_array_equal(part[:, 0], label)


def test_of_a_memory_map_keras_makes_no_batches(tmp_path):
    mapped = on_disk(tmp_path / "x.npy", X)
    with pytest.raises(keras_vae.UserError, match="leave out steps_per_epoch"):
        autoencoder(jit_compile=True).fit(mapped, steps_per_epoch=2, epochs=1)
