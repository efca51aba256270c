"""Metrics are exact means over rows, and a gradient is a sum over rows / rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from conformance.cases import EVERY_PAIR, OTHERS, PAIRS, VARIANTS, loss_terms, named, slow
from conformance.compare import assert_close
from keras_vae.noise import Noise

WEIGHTS = np.where(np.arange(50) % 3 == 1, 0.1, 2.0).astype("float32")
"""Light on one label, so that weighted means are others."""


def expected_means(model, terms, weights=None) -> dict[str, float]:
    """The weighted mean over all rows of each term (batch,), of the loss and of the ELBO."""
    factors = model.loss_weights()
    terms = {name: np.asarray(term) for name, term in terms.items()}
    values = dict(terms)
    values["loss"] = sum(float(factors.get(name, 1.0)) * term for name, term in terms.items())
    if model.elbo_terms:
        values["elbo"] = -sum(terms[name] for name in model.elbo_terms)
    return {name: np.average(value, weights=weights) for name, value in values.items()}


@pytest.mark.parametrize("case", [*OTHERS, *slow([*PAIRS, *VARIANTS])], ids=str)
def test_short_last_batch(case, fitted_of):
    model = fitted_of(case.name).model
    logged = model.evaluate(*case.data(), batch_size=7, verbose=0, return_dict=True)
    terms = loss_terms(model, *case.data())
    assert {term.shape for term in terms.values()} == {(50,)}
    expected = expected_means(model, terms)
    assert set(logged) == set(expected)
    assert logged == pytest.approx(expected, rel=1e-4)


def test_free_bits_do_not_depend_on_the_batch():
    """A floor between the KL of some batches and that of others."""
    case = named("vae dense")
    kl = np.asarray(loss_terms(case.build(), *case.data())["kl"])
    model = case.build(free_bits=float(np.median(kl)) / 3)
    model.compile(run_eagerly=True)
    order = np.argsort(kl)
    assert kl[order[:10]].mean() < 3 * model.free_bits < kl[order[-10:]].mean()
    data = [array[order] for array in case.data()]
    losses = [
        model.evaluate(*data, batch_size=size, verbose=0, return_dict=True)["loss"]
        for size in (50, 10)
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.parametrize("case", EVERY_PAIR, ids=str)
def test_sample_weights(case, fitted_of):
    model = case.build()
    model.set_weights(fitted_of(case.name).saved_weights)
    model.compile(run_eagerly=True)
    logged = model.evaluate(
        *case.data(), sample_weight=WEIGHTS, batch_size=30, verbose=0, return_dict=True
    )
    terms = loss_terms(model, *case.data())
    expected = expected_means(model, terms, WEIGHTS)
    assert logged == pytest.approx(expected, rel=1e-4)
    unweighted = expected_means(model, terms)
    assert expected["loss"] != pytest.approx(unweighted["loss"], rel=1e-4)


@pytest.mark.parametrize("num", [5, pytest.param(12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", [*EVERY_PAIR, named("vae dynamic binarization")], ids=str)
def test_gradient_is_a_sum_over_rows_by_rows(case, num):
    """One step of gradient descent with rate 1 moves the weights by their gradient."""
    model = case.build()
    x, condition = model.as_inputs(*case.data(num), *[None] * (2 - len(case.data(num))))
    noise = Noise.for_step(model.seed, model.step, tf.range(num))
    x, condition = model.observed(x, condition, noise)
    weights = tf.constant(WEIGHTS[:num])
    with tf.GradientTape() as tape:
        terms = model.loss_terms(x, condition, noise, training=True)
        factors = model.loss_weights()
        total = sum(
            tf.reduce_sum(weights * factors.get(name, 1.0) * term) for name, term in terms.items()
        )
    gradients = [g / num for g in tape.gradient(total, model.trainable_weights)]
    before = [np.array(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    model.fit(
        *case.data(num), sample_weight=WEIGHTS[:num], batch_size=num, shuffle=False, verbose=0
    )
    after = [np.array(weight) for weight in model.trainable_weights]
    assert max(np.abs(gradient).max() for gradient in gradients) > 0.01
    assert_close([b - a for b, a in zip(before, after, strict=True)], gradients, atol=1e-4)


def test_training_logs_the_mean_over_all_rows():
    """With a learning rate of 0 the terms of one epoch are those of the initial weights."""
    case = named("autoencoder dense")
    model = case.build()
    expected = expected_means(model, loss_terms(model, *case.data()))
    model.compile(keras.optimizers.SGD(0.0))
    history = case.fit(model)
    assert {name: values[0] for name, values in history.items()} == pytest.approx(expected)
