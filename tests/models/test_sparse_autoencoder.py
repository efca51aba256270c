"""Sparsities against numpy: what is selected, what is charged, and over which rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.models.sparsities import get_sparsity

ROWS, UNITS = 40, 12
CODE = np.random.default_rng(0).normal(size=(ROWS, UNITS)).astype("float32")
RATES = np.random.default_rng(1).uniform(0.01, 0.99, (ROWS, UNITS)).astype("float32")
MAPS = np.random.default_rng(2).normal(size=(ROWS, 3, 4, 5)).astype("float32")


def built(spec, shape=(UNITS,)):
    sparsity = get_sparsity(spec)
    sparsity.build((None, *shape))
    return sparsity


def autoencoder(**arguments):
    networks = keras_vae.networks.dense((6,), UNITS, hidden=(), posterior="deterministic")
    return keras_vae.SparseAutoencoder(*networks, likelihood="bernoulli", **arguments)


def test_kl_against_numpy():
    sparsity = built({"name": "kl", "target": 0.1})
    mean = RATES.mean(axis=0, dtype="float64")
    expected = np.sum(0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean)))
    found = sparsity.penalty(tf.constant(RATES), training=True)
    np.testing.assert_allclose(found, np.full(ROWS, expected), rtol=1e-5)


def test_kl_is_zero_at_its_target_and_finite_where_units_are_dead():
    sparsity = built({"name": "kl", "target": 0.25})
    at_target = sparsity.penalty(tf.fill([4, UNITS], 0.25), training=True)
    np.testing.assert_allclose(at_target, 0, atol=1e-5)
    for value in (0.0, 1.0):
        dead = sparsity.penalty(tf.fill([4, UNITS], value), training=True)
        assert np.isfinite(dead).all()
        assert np.all(dead > 1)


def test_kl_evaluates_with_the_running_mean():
    sparsity = built({"name": "kl", "target": 0.1, "momentum": 0.5})
    mean = np.full(UNITS, 0.1)
    for _ in range(3):
        sparsity.penalty(tf.constant(RATES), training=True)
        mean = 0.5 * mean + 0.5 * RATES.mean(axis=0)
    np.testing.assert_allclose(sparsity.running_mean, mean, rtol=1e-5)
    expected = np.sum(0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean)))
    for num in (1, 7):
        found = sparsity.penalty(tf.constant(RATES[:num]), training=False)
        np.testing.assert_allclose(found, np.full(num, expected), rtol=1e-5)


def test_kl_of_maps_is_that_of_each_map():
    maps = 1 / (1 + np.exp(-MAPS))
    found = built({"name": "kl", "target": 0.1}, MAPS.shape[1:]).penalty(tf.constant(maps), True)
    mean = maps.mean(axis=(0, 1, 2), dtype="float64")  # (maps,)
    expected = np.sum(0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean)))
    np.testing.assert_allclose(found, np.full(ROWS, expected), rtol=1e-5)


def test_l1_against_numpy():
    for code in (CODE, MAPS):
        found = built("l1", code.shape[1:]).penalty(tf.constant(code), training=True)
        np.testing.assert_allclose(found, np.abs(code).reshape(ROWS, -1).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("code", [CODE, MAPS, np.ones_like(CODE)], ids=["vectors", "maps", "ties"])
def test_topk_keeps_exactly_k_and_the_largest(code):
    sparsity = built({"name": "topk", "k": 3, "evaluation_factor": 1.5}, code.shape[1:])
    for training, k in ((True, 3), (False, 4)):
        found = sparsity.select(tf.constant(code), training).numpy()
        kept = (found != 0).reshape(ROWS, -1)
        np.testing.assert_array_equal(kept.sum(axis=1), k)
        np.testing.assert_array_equal(found[found != 0], code[found != 0])
        flat = code.reshape(ROWS, -1)
        least = np.where(kept, flat, np.inf).min(axis=1)
        assert np.all(least >= np.where(kept, -np.inf, flat).max(axis=1))


def test_winners_of_vectors_are_a_share_of_the_batch():
    found = built({"name": "winner_take_all", "rate": 0.1}).select(tf.constant(CODE), True).numpy()
    np.testing.assert_array_equal((found != 0).sum(axis=0), 4)
    for unit in range(UNITS):
        np.testing.assert_array_equal(
            np.sort(found[found[:, unit] != 0, unit]), np.sort(CODE[:, unit])[-4:]
        )


@pytest.mark.parametrize(("rate", "num", "winners"), [(0.3, 100, 30), (0.6, 25, 15), (0.7, 10, 7)])
def test_whole_shares_are_kept_whole(rate, num, winners):
    """Though their product is a little more, or less, in binary."""
    code = np.random.default_rng(0).normal(size=(num, 200)).astype("float32")
    wins = built({"name": "winner_take_all", "rate": rate}, (200,)).select(tf.constant(code), True)
    np.testing.assert_array_equal(np.count_nonzero(wins, axis=0), winners)
    sparsity = built({"name": "topk", "k": 100, "evaluation_factor": 1.15}, (200,))
    kept = sparsity.select(tf.constant(code), False)
    np.testing.assert_array_equal(np.count_nonzero(kept, axis=1), 115)


def test_winners_of_maps_are_one_place_each():
    sparsity = built({"name": "winner_take_all", "rate": 0.1}, MAPS.shape[1:])
    largest = MAPS.max(axis=(1, 2))  # (rows, units)
    untrained = sparsity.select(tf.constant(MAPS), False).numpy()
    np.testing.assert_array_equal((untrained != 0).sum(axis=(1, 2)), largest > 0)
    np.testing.assert_array_equal(untrained.max(axis=(1, 2)), np.maximum(largest, 0))
    trained = sparsity.select(tf.constant(MAPS), True).numpy()
    np.testing.assert_array_equal((trained != 0).sum(axis=(0, 1, 2)), 4)
    np.testing.assert_array_equal(trained[trained != 0], untrained[trained != 0])


def test_of_equal_values_one_wins():
    maps = np.ones_like(MAPS)
    sparsity = built({"name": "winner_take_all", "rate": 0.1}, MAPS.shape[1:])
    everywhere = sparsity.select(tf.constant(maps), False).numpy()
    np.testing.assert_array_equal((everywhere != 0).sum(axis=(1, 2)), 1)
    trained = sparsity.select(tf.constant(maps), True).numpy()
    np.testing.assert_array_equal((trained != 0).sum(axis=(0, 1, 2)), 4)


def test_winners_evaluate_with_the_running_threshold():
    sparsity = built({"name": "winner_take_all", "rate": 0.1, "momentum": 0.5})
    threshold = np.zeros(UNITS)
    for code in (CODE - 2, -CODE - 2, -CODE - 2):
        sparsity.select(tf.constant(code), True)
        threshold = 0.5 * threshold + 0.5 * np.sort(code, axis=0)[-4]
    assert threshold.min() < 0  # values below 0 are kept too
    np.testing.assert_allclose(sparsity.running_threshold, threshold, rtol=1e-5)
    for num in (1, 7, ROWS):
        found = sparsity.select(tf.constant(CODE[:num]), False)
        np.testing.assert_array_equal(found, np.where(threshold <= CODE, CODE, 0)[:num])


def test_at_least_one_example_wins():
    sparsity = built({"name": "winner_take_all", "rate": 0.01})
    found = sparsity.select(tf.constant(CODE), True).numpy()
    np.testing.assert_array_equal((found != 0).sum(axis=0), 1)


@pytest.mark.parametrize("sparsity", ["kl", "l1"])
def test_a_code_may_depend_on_a_condition(sparsity, eagerly):
    posterior = {"name": "deterministic", "activation": "sigmoid"}
    networks = keras_vae.networks.dense((6,), UNITS, posterior=posterior, condition_dim=2)
    model = keras_vae.SparseAutoencoder(*networks, posterior=posterior, sparsity=sparsity)
    x = RATES[:, :6]
    codes = [model.encode(x, np.full(ROWS, label)) for label in (0, 1)]
    assert codes[0].shape == (ROWS, UNITS)
    assert np.abs(codes[0] - codes[1]).max() > 0.01


def test_the_loss_is_the_weighted_sum():
    x = np.random.default_rng(0).random((30, 6), "float32")
    model = autoencoder(sparsity={"name": "l1", "weight": 0.5})
    model.compile(run_eagerly=True)
    scores = model.evaluate(x, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(scores["reconstruction"] + 0.5 * scores["sparsity"])
    assert scores["sparsity"] > 0


def test_autoencoders_do_not_share_what_a_sparsity_learns():
    sparsity = get_sparsity({"name": "kl", "target": 0.3})
    layers = keras_vae.networks.dense_layers(
        (6,), 3, hidden=(5,), posterior={"name": "deterministic", "activation": "sigmoid"}
    )
    parts = [keras_vae.SparseAutoencoder(**layer, sparsity=sparsity) for layer in layers]
    assert [part.sparsity.running_mean.shape for part in parts] == [(5,), (3,)]
    assert not sparsity.weights


def test_a_classifier_trains_on_the_code_that_it_will_see():
    model = autoencoder(sparsity={"name": "topk", "k": 2, "evaluation_factor": 3.0})
    classifier = model.to_classifier(4)
    x = np.random.default_rng(0).random((9, 6), "float32")
    np.testing.assert_array_equal(classifier(x, training=True), classifier(x, training=False))


def test_a_reloaded_classifier_selects_with_what_was_learned(tmp_path):
    model = autoencoder(sparsity={"name": "winner_take_all", "rate": 0.2})
    x = np.random.default_rng(0).random((9, 6), "float32")
    for _ in range(20):
        model.posterior(tf.constant(x), training=True)
    classifier = model.to_classifier(4)
    classifier.save(tmp_path / "classifier.keras")
    loaded = keras.saving.load_model(tmp_path / "classifier.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), classifier.predict(x, verbose=0))
    assert np.any(model.sparsity.running_threshold)


def test_the_code_is_what_the_decoder_sees():
    model = autoencoder(sparsity={"name": "topk", "k": 2})
    x = np.random.default_rng(0).random((9, 6), "float32")
    code = model.encode(x)
    np.testing.assert_array_equal((code != 0).sum(axis=1), 2)
    np.testing.assert_allclose(model.decode(code), model.reconstruct(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "topk", "k": UNITS + 1}, f"at most {UNITS} values .* Received k=13"),
        ({"name": "topk", "k": 0}, "at least 1"),
        ({"name": "topk", "k": 8, "evaluation_factor": 2.0}, "evaluation_factor=2.0"),
        ({"name": "kl", "target": 1.0}, r"in \(0, 1\)"),
        ({"name": "kl", "momentum": 1.0}, r"lies in \[0, 1\)"),
        ({"name": "l1", "weight": -1.0}, "at least 0"),
        ({"name": "winner_take_all", "rate": 0.0}, r"in \(0, 1\]"),
        ("top", "Expected 'topk', or"),
        ({"name": "topk", "k": 2.5}, "a whole number"),
        ("kl", r"takes codes from 0 to 1, and this encoder gives -.* end it with a sigmoid"),
    ],
)
def test_mistakes(spec, message):
    with pytest.raises(UserError, match=message):
        autoencoder(sparsity=spec)
