"""Pixels that depend on those before them, against a loop over pixels in float64."""

import itertools

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_vae
from keras_vae.distributions import AutoregressiveBernoulli, Bernoulli
from keras_vae.errors import UserError
from keras_vae.noise import Noise

ROWS, FILTERS, HIDDEN, SIZE = 5, 2, 3, 5
WINDOW = [(up, right) for up in (2, 1) for right in (-2, -1, 0, 1, 2)] + [(0, -2), (0, -1)]
RNG = np.random.default_rng(0)
LINEAR = RNG.normal(scale=0.5, size=(12, FILTERS)).astype("float32")
INNER = RNG.normal(size=(12, HIDDEN)).astype("float32")
INNER_BIAS = RNG.normal(size=HIDDEN).astype("float32")
OUTER = RNG.normal(scale=0.5, size=(HIDDEN, FILTERS)).astype("float32")
PARAMS = RNG.normal(size=(ROWS, 4, 6, 1 + FILTERS)).astype("float32")


def likelihood(**arguments):
    layer = AutoregressiveBernoulli(FILTERS, HIDDEN, SIZE, **arguments)
    layer.set_weights([LINEAR, INNER, INNER_BIAS, OUTER])
    return layer


def logit(params, x, row, column):
    """Of one pixel of one image x (height, width), by those before it alone."""
    seen = np.zeros(len(WINDOW))
    for place, (up, right) in enumerate(WINDOW):
        above, beside = row - up, column + right
        if above >= 0 and 0 <= beside < x.shape[1]:
            seen[place] = x[above, beside]
    hidden = seen @ INNER + INNER_BIAS
    hidden = np.where(hidden > 0, hidden, np.expm1(hidden))
    gates = 1 + params[row, column, 1:].astype("float64")
    return float(params[row, column, 0] + gates @ (seen @ LINEAR + hidden @ OUTER))


def in_order(params, uniform):
    """The image that a pixel after the other draws, and the probabilities it goes by."""
    x, probs = np.zeros(uniform.shape), np.zeros(uniform.shape)
    for pixel in np.ndindex(x.shape):
        probs[pixel] = scipy.special.expit(logit(params, x, *pixel))
        x[pixel] = uniform[pixel] < probs[pixel]
    return x, probs


def test_log_prob_against_a_loop():
    x = RNG.integers(0, 2, (ROWS, 4, 6, 1)).astype("float32")
    expected = np.zeros(ROWS)
    for row, pixel in itertools.product(range(ROWS), np.ndindex(4, 6)):
        one = logit(PARAMS[row], x[row, ..., 0], *pixel)
        expected[row] += x[row][pixel][0] * one - np.logaddexp(0, one)
    density = likelihood().distribution(tf.constant(PARAMS))
    np.testing.assert_allclose(density.log_prob(x), expected, rtol=1e-5)
    several = likelihood().distribution(tf.constant(np.stack([PARAMS, PARAMS[::-1]])), 2)
    np.testing.assert_allclose(several.log_prob(x)[0], expected, rtol=1e-5)
    np.testing.assert_allclose(several.log_prob(x[::-1])[1], expected[::-1], rtol=1e-5)


def test_it_adds_up_to_1():
    every = np.array(list(itertools.product([0.0, 1.0], repeat=9)), "float32")
    density = likelihood().distribution(tf.constant(PARAMS[:, np.newaxis, :3, :3]), 2)
    log_probs = density.log_prob(every.reshape(-1, 3, 3, 1))  # (ROWS, 512)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, rtol=1e-5)


def test_a_draw_is_that_of_a_pixel_after_the_other():
    layer = likelihood()
    density = layer.distribution(tf.constant(PARAMS))
    noise = Noise.from_seeds(tf.range(ROWS))
    uniform = noise.uniform("data", (4, 6, 1)).numpy()
    x, shown, greedy = layer.draw(density, noise), layer.shown(density, noise), density.mean()
    for row in range(ROWS):
        bits, probs = in_order(PARAMS[row], uniform[row, ..., 0])
        np.testing.assert_array_equal(x[row, ..., 0], bits)
        np.testing.assert_allclose(shown[row, ..., 0], probs, rtol=1e-4)
        _, probs = in_order(PARAMS[row], np.full((4, 6), 0.5))
        np.testing.assert_allclose(greedy[row, ..., 0], probs, rtol=1e-4)


def test_samples_are_as_frequent_as_it_says():
    num = 20_000
    density = likelihood().distribution(tf.constant(PARAMS[:1, :2, :2]))
    drawn = density.sample(num, seed=(0, 1)).numpy().reshape(num, 4)
    every = np.array(list(itertools.product([0.0, 1.0], repeat=4)), "float32")
    probs = np.exp(density.log_prob(every.reshape(-1, 2, 2, 1)))
    rates = np.bincount((drawn @ [8, 4, 2, 1]).astype(int), minlength=16) / num
    assert np.all(np.abs(rates - probs) < 4.5 * np.sqrt(probs / num) + 1 / num)


def test_gradients_reach_every_weight():
    layer = likelihood()
    x = tf.constant(RNG.integers(0, 2, (ROWS, 4, 6, 1)).astype("float32"))
    with tf.GradientTape() as tape:
        log_prob = layer.distribution(tf.constant(PARAMS)).log_prob(x)
    for gradient in tape.gradient(log_prob, [weight.value for weight in layer.weights]):
        assert np.all(gradient.numpy() != 0)


def test_samples_of_a_model_show_what_its_pixels_draw():
    """Of one code, by temperature 0, and still of each row's own pixels."""
    pair = keras_vae.networks.dense((4, 6, 1), 2, likelihood=likelihood())
    model = keras_vae.VAE(*pair, likelihood=likelihood())
    model.supports_jit = False  # to compile takes longer than to run
    images = model.sample(ROWS, seed=3, temperature=0.0)
    density = model.likelihood(tf.zeros((ROWS, 2)))
    noise = Noise.from_seeds(tf.range(3, 3 + ROWS))
    np.testing.assert_allclose(
        images, model.likelihood_layer.shown(density, noise), rtol=1e-5, atol=1e-6
    )
    assert len(np.unique(images.reshape(ROWS, -1), axis=0)) == ROWS


def test_it_begins_at_the_mean_of_the_data():
    mean = RNG.uniform(0.1, 0.9, (4, 6, 1))
    params = tf.constant(likelihood().params_of_mean(mean)[np.newaxis], tf.float32)
    density = likelihood().distribution(params)
    np.testing.assert_allclose(density.mean()[0], mean, rtol=1e-5)
    alone = Bernoulli().distribution(params[..., :1])
    x = RNG.integers(0, 2, (1, 4, 6, 1)).astype("float32")
    np.testing.assert_allclose(density.log_prob(x), alone.log_prob(x), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"num_filters": 0}, (8, 8, 1), "num_filters"),
        ({"num_hidden": 0}, (8, 8, 1), "num_hidden"),
        ({"kernel_size": 4}, (8, 8, 1), "an odd number from 3. Received 4"),
        ({"kernel_size": 1}, (8, 8, 1), "an odd number from 3. Received 1"),
        ({"kernel_size": 5.0}, (8, 8, 1), "kernel_size"),
        ({"binarization": "some"}, (8, 8, 1), "Unknown binarization"),
        ({}, (8, 8, 3), 'images of one channel. Received .* use "bernoulli"'),
        ({}, (8,), "images of one channel"),
    ],
)
def test_mistakes(arguments, shape, message):
    with pytest.raises(UserError, match=message):
        keras_vae.networks.dense(
            shape, 2, likelihood={"name": "autoregressive_bernoulli", **arguments}
        )
