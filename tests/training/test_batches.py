"""ShuffledBatches: an order by (seed, epoch), so that a fit can be taken up again."""

import numpy as np
import pytest

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


def fitted(runs, seed=0):
    """Weights after fits over the epochs of `runs`, each with new batches and a reloaded state."""
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
    model = keras_vae.Autoencoder(*networks, likelihood="bernoulli")
    generator = np.random.default_rng(0)
    model.set_weights([0.3 * generator.normal(size=w.shape) for w in model.get_weights()])
    model.compile("sgd", jit_compile=False, steps_per_execution=2)
    x = generator.random((NUM, 4), "float32")
    for first, last in runs:
        batches = ShuffledBatches(x, batch_size=BATCH_SIZE, seed=seed)
        model.fit(batches.dataset, callbacks=[batches], initial_epoch=first, epochs=last, verbose=0)
    return np.concatenate([weights.ravel() for weights in model.get_weights()])


def test_a_fit_taken_up_at_epoch_3_sees_the_same_batches():
    np.testing.assert_array_equal(fitted([(0, 3), (3, 5)]), fitted([(0, 5)]))
    assert not np.array_equal(fitted([(0, 3), (0, 2)]), fitted([(0, 5)]))  # the epoch is told
