"""Data of which a part is given: what is counted, what is drawn, and what trains which network."""

import math

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.distributions import get_likelihood
from keras_vae.distributions.completed import Completed
from keras_vae.errors import UserError
from keras_vae.evaluation import bidirectional_monte_carlo
from keras_vae.noise import Noise

SHAPE = (4, 4, 1)
GIVEN = [9, 0, 2]
MISSING = [place for place in range(16) if place not in GIVEN]
DYNAMIC = {"name": "bernoulli", "binarization": "dynamic"}


def build(**arguments):
    networks = keras_vae.networks.dense_completion(
        SHAPE, 2, len(GIVEN), hidden=(6,), baseline_hidden=(5,), activation="tanh"
    )
    prior = {"name": "conditional_normal", "hidden": (4,)}
    model = keras_vae.CompletionCVAE(
        **networks, **{"given": GIVEN, "prior": prior, "seed": 3, **arguments}
    )
    for weight in model.prior_layer.trainable_weights:  # it begins as one of all conditions
        weight.assign(np.random.default_rng(1).normal(0, 0.5, weight.shape))
    return model


def data(num=6):
    x = np.random.default_rng(0).random((num, *SHAPE)).astype("float32")
    return x, x.reshape(num, 16)[:, GIVEN]


def bernoulli(x, logits):
    """Log densities (num,) of x (num, values)."""
    return np.sum(x * logits - np.logaddexp(0, logits), axis=-1)


def logits_of(model, z, condition):
    decoder = model.decoder([tf.constant(z), tf.constant(condition)]).numpy().reshape(len(z), 16)
    return decoder + model.baseline(condition).numpy().reshape(len(z), 16)


def test_the_missing_values_alone_are_counted():
    model, (x, condition) = build(), data()
    z = np.random.default_rng(2).normal(size=(6, 2)).astype("float32")
    found = model.likelihood(tf.constant(z), tf.constant(condition)).log_prob(x)
    logits = logits_of(model, z, condition)
    expected = bernoulli(x.reshape(6, 16)[:, MISSING], logits[:, MISSING])
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    other = x.copy()
    other.reshape(6, 16)[:, GIVEN] = 0.5
    np.testing.assert_array_equal(
        model.likelihood(tf.constant(z), tf.constant(condition)).log_prob(other), found
    )


def test_samples_hold_what_is_given():
    model, (_, condition) = build(), data()
    drawn = model.sample(6, condition, seed=0).reshape(6, 16)
    np.testing.assert_array_equal(drawn[:, GIVEN], condition)
    standard = Noise.from_seeds(tf.range(6, dtype=tf.int64)).normal("prior", (2,))
    prior = model.prior(condition)
    z = prior.mean() + prior.stddev() * standard
    expected = 1 / (1 + np.exp(-logits_of(model, z, condition)))
    np.testing.assert_allclose(drawn[:, MISSING], expected[:, MISSING], rtol=1e-4)
    guess = model.guess(condition).reshape(6, 16)
    expected = 1 / (1 + np.exp(-model.baseline(condition).numpy().reshape(6, 16)))
    np.testing.assert_array_equal(guess[:, GIVEN], condition)
    np.testing.assert_allclose(guess[:, MISSING], expected[:, MISSING], rtol=1e-4)


def test_a_condition_is_read_as_data_are():
    """uint8 as x / 255, by arrays and in a graph; labels and other ranges are refused."""
    model = build()
    levels = np.array([[0, 255, 51]] * 2, "uint8")
    values = np.array([[0, 1, 0.2]] * 2, "float32")
    np.testing.assert_array_equal(model.sample(2, levels, seed=0), model.sample(2, values, seed=0))
    np.testing.assert_array_equal(model.guess(levels), model.guess(values))
    x = data(2)[0]
    np.testing.assert_allclose(model((x, levels)), model((x, values)), atol=1e-6)
    for condition, message in (
        (3, "dtype int64"),
        ([1, 2], "dtype int64"),
        (levels * 1.0, "ranges from 0 to 255"),
    ):
        with pytest.raises(UserError, match=message):
            model.sample(2, condition)
        with pytest.raises(UserError, match=message):
            model.elbo(x, condition)
    model.compile("adam", jit_compile=False)
    with pytest.raises(UserError, match="dtype int64"):
        model.fit(x, np.array([1, 2]), verbose=0)


def test_a_condition_of_other_rows_is_refused():
    model, (x, condition) = build(), data()
    model.compile("adam", jit_compile=False)
    for call in (model.fit, model.evaluate):
        with pytest.raises(UserError, match="condition is no part of x"):
            call(x, condition[::-1], verbose=0)
    model.evaluate(x, condition, verbose=0)


def test_one_draw_makes_both_the_data_and_what_is_given():
    model, (x, condition) = build(likelihood=DYNAMIC), data()
    noise = Noise.from_seeds(tf.range(6, dtype=tf.int64))
    observed, given = model.observed(tf.constant(x), tf.constant(condition), noise)
    assert set(np.unique(observed)) == {0.0, 1.0}
    np.testing.assert_array_equal(given, observed.numpy().reshape(6, 16)[:, GIVEN])


def test_what_the_model_draws_itself_is_given_binary_values(monkeypatch):
    model, (_, condition) = build(likelihood=DYNAMIC), data()
    model.supports_jit = False
    seen = []
    draw = model.prior_layer.draw

    def recorded(noise, temperature, given):
        seen.append(given)
        return draw(noise, temperature, given)

    monkeypatch.setattr(model.prior_layer, "draw", recorded)
    bidirectional_monte_carlo(model, 6, condition, num_chains=2, num_temperatures=2)
    assert set(np.unique(seen)) == {0.0, 1.0}


def test_a_likelihood_of_several_parameters_per_value():
    """Of a mixture over two channels the missing values have the densities they have in a whole."""
    shape, given = (2, 3, 2), [9, 0, 2]
    missing = [place for place in range(12) if place not in given]
    levels = {"name": "discretized_logistic", "num_components": 2}
    networks = keras_vae.networks.dense_completion(shape, 2, 3, hidden=(6,), likelihood=levels)
    model = keras_vae.CompletionCVAE(**networks, given=given, likelihood=levels, seed=3)
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (5, *shape)).astype("float32") / 255
    condition = tf.constant(x.reshape(5, 12)[:, given])
    z = tf.constant(generator.normal(size=(5, 2)).astype("float32"))
    raw = model.decoder([z, condition]) + model.baseline(condition)  # (5, 2, 3, 12)
    each = get_likelihood(levels).distribution(raw).distribution.log_prob(x)  # (5, *shape)
    expected = each.numpy().reshape(5, 12)[:, missing].sum(axis=1)
    density = model.likelihood(z, condition)
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-5)
    drawn = model.sample(5, condition.numpy(), seed=0).reshape(5, 12)
    np.testing.assert_array_equal(drawn[:, given], condition)


@pytest.mark.parametrize("binarization", [None, "dynamic"])
def test_the_likelihood_is_that_of_the_missing_values(binarization):
    """Importance sampling and a sum over a grid of codes agree, of the same draw of the data."""
    likelihood = {"name": "bernoulli", "binarization": binarization}
    if binarization is None:
        del likelihood["binarization"]
    model, (x, condition) = build(likelihood=likelihood), data(2)
    model.supports_jit = False
    noise = Noise.for_rows(0, tf.constant(x))
    observed, given = model.observed(tf.constant(x), tf.constant(condition), noise)
    line = np.linspace(-8, 8, 161)
    z = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2).astype("float32")
    expected = []
    for row in range(2):
        c = np.tile(given[row : row + 1], (len(z), 1))
        logits = logits_of(model, z, c)[:, MISSING]
        values = observed.numpy()[row].reshape(16)[MISSING]
        prior = model.prior(c[:1]).log_prob(z).numpy()
        total = bernoulli(values, logits) + prior + 2 * math.log(line[1] - line[0])
        expected.append(np.logaddexp.reduce(total))
    found = model.log_likelihood(x, condition, num_samples=20_000)
    np.testing.assert_allclose(found, expected, atol=0.1)


@pytest.mark.parametrize("cvae_weight", [1.0, 0.3])
def test_the_terms(cvae_weight):
    model, (x, condition) = build(cvae_weight=cvae_weight, beta=0.5), data()
    noise = Noise.from_seeds(tf.range(6, dtype=tf.int64))
    terms = model.loss_terms(tf.constant(x), tf.constant(condition), noise, training=False)
    hybrid = {"gsnn"} if cvae_weight < 1 else set()
    assert set(terms) == {"reconstruction", "kl", "baseline"} | hybrid
    guess = model.baseline(condition).numpy().reshape(6, 16)[:, MISSING]
    expected = -bernoulli(x.reshape(6, 16)[:, MISSING], guess)
    np.testing.assert_allclose(terms["baseline"], expected, rtol=1e-4)
    weights = model.loss_weights()
    assert weights["reconstruction"] == pytest.approx(cvae_weight)
    assert weights["kl"] == pytest.approx(0.5 * cvae_weight)
    assert weights["gsnn"] == pytest.approx(1 - cvae_weight)
    assert "baseline" not in weights
    if hybrid:
        prior = model.prior(condition)
        z = prior.mean() + prior.stddev() * noise.fold(1).normal("prior", (2,))
        logits = logits_of(model, z, condition)[:, MISSING]
        expected = -bernoulli(x.reshape(6, 16)[:, MISSING], logits)
        np.testing.assert_allclose(terms["gsnn"], expected, rtol=1e-4)


def test_the_baseline_learns_from_its_own_term_alone():
    model, (x, condition) = build(cvae_weight=0.5), data()
    noise = Noise.from_seeds(tf.range(6, dtype=tf.int64))
    with tf.GradientTape(persistent=True) as tape:
        terms = model.loss_terms(tf.constant(x), tf.constant(condition), noise, training=True)
    weights = model.baseline.trainable_weights
    assert all(gradient is not None for gradient in tape.gradient(terms["baseline"], weights))
    for name in ("reconstruction", "gsnn"):
        assert tape.gradient(terms[name], weights) == [None] * len(weights)
    others = model.encoder.trainable_weights + model.decoder.trainable_weights
    assert tape.gradient(terms["baseline"], others) == [None] * len(others)
    prior = model.prior_layer.trainable_weights
    for name in ("kl", "gsnn"):
        assert all(gradient is not None for gradient in tape.gradient(terms[name], prior))


@pytest.mark.parametrize("likelihood", ["bernoulli", "normal", "continuous_bernoulli"])
def test_completed_draws_of_any_sample_shape(likelihood):
    params = tf.constant(np.random.default_rng(0).normal(size=(5, 2, 13)).astype("float32"))
    missing = get_likelihood(likelihood).distribution(params, 2)
    given = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    density = Completed(missing, given, GIVEN, SHAPE)
    for values in (density.mean(), density.sample(seed=(0, 1))):
        assert values.shape == (5, 2, *SHAPE)
        flat = values.numpy().reshape(5, 2, 16)
        np.testing.assert_array_equal(flat[..., GIVEN], np.broadcast_to(given, (5, 2, 3)))
    np.testing.assert_allclose(
        density.log_prob(density.mean()), missing.log_prob(missing.mean()), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"given": [0, 0, 1]}, "different places from 0 to 15"),
        ({"given": [0, 1, 16]}, "different places from 0 to 15"),
        ({"given": range(16)}, "not all of them"),
        ({"given": [0, 1]}, "take conditions of 3 values, and 2 are given"),
        ({"cvae_weight": 1.5}, "cvae_weight is a share"),
        ({"cvae_weight": 0.5, "prior": "normal_mixture"}, "tells the weights of a normal_mixture"),
        ({"likelihood": "autoregressive_bernoulli"}, "images of one channel"),
    ],
)
def test_mistakes(arguments, message):
    networks = keras_vae.networks.dense_completion(
        SHAPE, 2, 3, hidden=(4,), likelihood=arguments.get("likelihood", "bernoulli")
    )
    with pytest.raises(UserError, match=message):
        keras_vae.CompletionCVAE(**{**networks, "given": GIVEN, **arguments})


def test_a_baseline_of_another_shape_and_none():
    networks = keras_vae.networks.dense_completion(SHAPE, 2, 3, hidden=(4,))
    other = keras_vae.networks.dense_completion((4, 3, 1), 2, 3, hidden=(4,))["baseline"]
    with pytest.raises(UserError, match=r"gives \(4, 3, 1\) per example"):
        keras_vae.CompletionCVAE(**{**networks, "baseline": other}, given=GIVEN)
    model = keras_vae.CompletionCVAE(**{**networks, "baseline": None}, given=GIVEN)
    model_with = keras_vae.CompletionCVAE(**networks, given=GIVEN)
    assert model_with.guess(np.zeros(3, "float32")).shape == (1, *SHAPE)
    with pytest.raises(UserError, match="has no baseline"):
        model.guess(np.zeros((2, 3), "float32"))


def test_what_is_given_joins_the_input_of_the_first_layers_alone():
    networks = keras_vae.networks.dense_completion(SHAPE, 2, 3, hidden=(6, 4), baseline_hidden=(5,))
    widths = {
        name: [weight.shape[0] for weight in network.weights if len(weight.shape) == 2]
        for name, network in networks.items()
    }
    assert widths == {"encoder": [16 + 3, 6, 4], "decoder": [2 + 3, 4, 6], "baseline": [3, 5]}
