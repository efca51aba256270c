"""Noise: the right distributions, independence, and a function of its keys alone."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from keras_vae.noise import Noise, _unit

ROWS, SIZE = 200, 500
NUM = ROWS * SIZE


def seeds(first=0, num=ROWS):
    return Noise.from_seeds(tf.range(first, first + num, dtype=tf.int64))


@pytest.fixture(scope="module")
def normal():
    return seeds().normal("a", (SIZE,)).numpy()


@pytest.fixture(scope="module")
def uniform():
    return seeds().uniform("a", (SIZE,)).numpy()


def assert_uncorrelated(first, second):
    """The correlation of n independent pairs has a standard deviation of 1 / sqrt(n)."""
    correlation = np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]
    assert abs(correlation) < 4 / np.sqrt(np.size(first))


# --- distributions ---


def test_normal_moments(normal):
    moments = [np.mean(normal**power, dtype=np.float64) for power in (1, 2, 3, 4)]
    # The variances of z, z^2, z^3 and z^4 are 1, 2, 15 and 96.
    errors = np.sqrt(np.array([1, 2, 15, 96]) / NUM)
    np.testing.assert_array_less(np.abs(np.array(moments) - [0, 1, 0, 3]), 4 * errors)


def test_normal_is_normal(normal):
    assert normal.dtype == np.float32
    assert scipy.stats.kstest(normal.ravel(), "norm").pvalue > 0.01


def test_uniform_is_uniform(uniform):
    assert uniform.dtype == np.float32
    assert scipy.stats.kstest(uniform.ravel(), "uniform").pvalue > 0.01


def test_uniform_is_at_the_midpoints_of_23_bit_cells(uniform):
    cells = uniform.astype(np.float64) * 2**23 - 0.5
    np.testing.assert_array_equal(cells % 1, 0)  # float32 has all of them: 1 - 2**-24 is the last


def test_uniform_reaches_both_ends(uniform):
    """Of n numbers, none is within 10 / n of an end with a probability of exp(-10).

    A Kolmogorov-Smirnov test does not see a tail that is missing.
    """
    assert 0 < uniform.min() < 10 / NUM
    assert 1 - 10 / NUM < uniform.max() < 1


def test_uniform_of_the_least_and_the_largest_word_is_inside():
    """A logarithm is taken of it. No seed of the other tests draws these words."""
    for jit in (False, True):
        ends = tf.function(_unit, jit_compile=jit)(tf.constant([0, 2**32 - 1], tf.uint32))
        np.testing.assert_array_equal(ends, np.float32([2.0**-24, 1 - 2.0**-24]))


def test_each_position_is_uniform(uniform):
    """No position of a row is special: not the first, and not the seam between two words."""
    mean = uniform.mean(axis=0)  # (size,)
    np.testing.assert_allclose(mean, 0.5, atol=5 / np.sqrt(12 * ROWS))


def test_bernoulli_rates_of_every_probability():
    probs = np.linspace(0, 1, SIZE, dtype=np.float32)
    draws = seeds(num=4000).bernoulli("a", tf.tile(probs[np.newaxis], [4000, 1])).numpy()
    assert set(np.unique(draws)) == {0.0, 1.0}
    deviation = (draws.sum(axis=0) - 4000 * probs) / np.sqrt(4000 * probs * (1 - probs) + 1e-9)
    assert np.abs(deviation).max() < 5
    assert 0.9 < deviation[1:-1].std() < 1.1


def test_bernoulli_is_exact_at_zero_one_and_nan():
    binary = np.random.default_rng(0).choice([0.0, 1.0, np.nan], (ROWS, SIZE)).astype("float32")
    np.testing.assert_array_equal(seeds().bernoulli("a", tf.constant(binary)), binary)


def test_bernoulli_keeps_16_bits_of_a_small_probability():
    draws = seeds(num=2000).bernoulli("a", tf.fill([2000, SIZE], 2.0**-16)).numpy()
    lower, upper = scipy.stats.binom.interval(0.9999, draws.size, 2.0**-16)
    assert lower <= draws.sum() <= upper


@pytest.mark.parametrize("shape", [(), (1,), (31,), (32,), (33,), (3, 5, 2)])
def test_shapes(shape):
    noise = seeds(num=4)
    assert noise.normal("a", shape).shape == (4, *shape)
    assert noise.uniform("a", shape).shape == (4, *shape)
    assert noise.bernoulli("a", tf.zeros([4, *shape])).shape == (4, *shape)
    assert len(np.unique(noise.uniform("a", shape))) == 4 * np.prod(shape, dtype=int)


# --- independence ---


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(seeds(1).normal("a", (SIZE,)), id="next row"),
        pytest.param(seeds(2**32).normal("a", (SIZE,)), id="high word of the seed"),
        pytest.param(seeds().normal("b", (SIZE,)), id="name"),
        pytest.param(seeds().fold(0).normal("a", (SIZE,)), id="fold"),
    ],
)
def test_independent_of(normal, other):
    assert_uncorrelated(normal, other)
    assert_uncorrelated(normal**2, other.numpy() ** 2)


def test_values_of_one_row_are_independent(normal):
    for lag in (1, 2, 16, SIZE // 2):  # Box and Muller's pairs stand half of 512 values apart
        assert_uncorrelated(normal[:, lag:], normal[:, :-lag])
        assert_uncorrelated(normal[:, lag:] ** 2, normal[:, :-lag] ** 2)
    assert_uncorrelated(normal[:, 256:], normal[:, : SIZE - 256])
    assert_uncorrelated(normal[:, 256:] ** 2, normal[:, : SIZE - 256] ** 2)


def test_halves_of_a_word_are_independent():
    draws = seeds().bernoulli("a", tf.fill([ROWS, 512], 0.5)).numpy()
    for lag in (128, 256, 384):
        assert_uncorrelated(draws[:, lag:], draws[:, :-lag])


def test_steps_and_rows_and_seeds_are_independent():
    rows = tf.range(ROWS)
    noise = Noise.for_step(0, tf.constant(5), rows).normal("a", (SIZE,)).numpy()
    for seed, step, others in [(0, 6, rows), (1, 5, rows), (0, 5, rows + 1), (5, 0, rows)]:
        other = Noise.for_step(seed, tf.constant(step), others).normal("a", (SIZE,))
        assert_uncorrelated(noise, other)


def test_step_and_row_are_not_added_up():
    first = Noise.for_step(0, tf.constant(1), tf.constant([2])).uniform("a", (4,))
    second = Noise.for_step(0, tf.constant(2), tf.constant([1])).uniform("a", (4,))
    assert not np.intersect1d(first, second).size


# --- a function of the keys alone ---


def draw(noise):
    """All three kinds, as one array (batch, 3, 40)."""
    probs = tf.fill([tf.shape(noise.uniform("a", (1,)))[0], 40], 0.3)
    probs = tf.ensure_shape(probs, [None, 40])
    return tf.stack(
        [noise.normal("a", (40,)), noise.uniform("a", (40,)), noise.bernoulli("a", probs)], axis=1
    )


def test_a_row_does_not_know_its_batch():
    whole = draw(Noise.for_step(3, tf.constant(7), tf.range(12))).numpy()
    for rows in ([4], [11, 4, 0], list(range(5, 9))):
        part = draw(Noise.for_step(3, tf.constant(7), tf.constant(rows))).numpy()
        np.testing.assert_array_equal(part[:, 1:], whole[rows, 1:])
        np.testing.assert_allclose(part[:, 0], whole[rows, 0], atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_compiled_and_eager_are_the_same_bits(jit_compile):
    numbers = tf.range(10, dtype=tf.int64) + 2**40
    eager = draw(Noise.from_seeds(numbers)).numpy()
    compiled = tf.function(lambda seeds: draw(Noise.from_seeds(seeds)), jit_compile=jit_compile)
    result = compiled(numbers).numpy()
    np.testing.assert_array_equal(result[:, 1:], eager[:, 1:])
    np.testing.assert_allclose(result[:, 0], eager[:, 0], atol=1e-5)


def test_bits_never_change():
    """Seeds that users wrote down go on giving the same noise.

    The numbers are a plain implementation's: key (seed low, seed high), counter (i, crc32 of name).
    """
    noise = Noise.from_seeds(tf.constant([0, 2**53 - 1], tf.int64)).uniform("prior", (3,))
    expected = [[8169379, 14184789, 15437359], [13730607, 16011669, 1380525]]
    np.testing.assert_array_equal(noise.numpy() * 2.0**24, expected)


# --- evaluation noise: of the row's values ---


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((50, 6, 5, 1), "float32")


def of_rows(x, seed=0):
    return Noise.for_rows(seed, tf.constant(x)).uniform("a", (100,)).numpy()


def test_for_rows_follows_the_row(images):
    whole = of_rows(images)
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(of_rows(images[order]), whole[order])
    np.testing.assert_array_equal(of_rows(images[7:8]), whole[7:8])
    np.testing.assert_array_equal(of_rows(images.reshape(50, 30)), whole)


def test_for_rows_of_equal_rows_is_equal(images):
    noise = of_rows(images[[3, 4, 3]])
    np.testing.assert_array_equal(noise[0], noise[2])
    assert not np.array_equal(noise[0], noise[1])


def test_for_rows_sees_every_value(images):
    """One value moved by its last bit, or two values exchanged, is another row."""
    changed = np.repeat(images[:1].reshape(1, 30), 31, axis=0)
    for position in range(30):
        changed[position, position] = np.nextafter(changed[position, position], np.float32(2))
    exchanged = images[:1].reshape(1, 30)[:, [1, 0, *range(2, 30)]]
    noise = of_rows(np.concatenate([changed, exchanged]))
    assert len(np.unique(noise[:, 0])) == 32
    assert_uncorrelated(np.repeat(noise[30:31], 30, axis=0), noise[:30])


def test_for_rows_of_binary_data_do_not_collide():
    """The low bits of 0.0 and 1.0 are zeros, and a product keeps them."""
    binary = np.unique(np.random.default_rng(0).integers(0, 2, (10_000, 784)), axis=0)
    noise = Noise.for_rows(0, tf.constant(binary, tf.float32)).normal("a", (2,)).numpy()
    assert len(np.unique(noise, axis=0)) == 10_000


def test_for_rows_of_another_seed_is_independent(images):
    assert_uncorrelated(of_rows(images, seed=0), of_rows(images, seed=1))


def test_for_rows_is_uniform_over_rows(images):
    assert scipy.stats.kstest(of_rows(images).ravel(), "uniform").pvalue > 0.01
