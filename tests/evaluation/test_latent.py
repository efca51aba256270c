"""Active units and KL per dimension of models made by hand."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.evaluation import active_units, kl_per_dimension
from keras_vae.noise import Noise

# The posterior mean is SLOPES * x of equally spread x with variance 1; its variance is SLOPES^2.
SLOPES = np.array([1.0, 0.2, 0.0999, 0.05, 0.0])
NUM = 400


@pytest.fixture(scope="module")
def x():
    x = np.linspace(-1, 1, NUM)
    return (x / x.std())[:, np.newaxis].astype("float32")


def by_hand(condition_dim=None, by_condition=None):
    """q(z|x) = N(SLOPES * x, I) in five dimensions, moved by the condition if there is one."""
    model_class = keras_vae.VAE if condition_dim is None else keras_vae.CVAE
    encoder, decoder = keras_vae.networks.dense(
        (1,), 5, hidden=(), likelihood="normal", condition_dim=condition_dim
    )
    kernel = np.concatenate([[SLOPES], by_condition]) if condition_dim else SLOPES[np.newaxis]
    encoder.set_weights([np.concatenate([kernel, np.zeros_like(kernel)], axis=1), np.zeros(10)])
    return model_class(encoder, decoder, likelihood="normal")


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.01, 2), (0.009, 3), (0.03, 2), (0.05, 1), (0.001, 4), (0.0, 4), (2.0, 0)],
)
def test_active_units(x, threshold, expected):
    assert active_units(by_hand(), x, threshold=threshold) == expected


def test_the_threshold_is_that_of_burda(x):
    """0.0999^2 is below 0.01 and 0.2^2 above."""
    assert active_units(by_hand(), x) == 2


def test_a_mean_that_is_not_zero_is_not_active(x):
    model = by_hand()
    kernel, bias = model.encoder.get_weights()
    model.encoder.set_weights([kernel, bias + 3])
    assert active_units(model, x) == 2


def test_the_condition_counts(x):
    """A dimension that follows the label varies over the data."""
    model = by_hand(2, [[0, 0, 0, 0, 1.0], [0, 0, 0, 0, -1.0]])
    labels = np.arange(NUM) % 2
    assert active_units(model, x, labels) == 3
    assert active_units(model, x, np.zeros(NUM, int)) == 2


def test_kl_per_dimension(x):
    """KL(N(m, 1) || N(0, 1)) = m^2 / 2, and the mean of x^2 is 1."""
    kl = kl_per_dimension(by_hand(), x)
    np.testing.assert_allclose(kl, SLOPES**2 / 2, rtol=1e-4, atol=1e-6)


def test_kl_per_dimension_of_a_full_covariance_is_that_of_its_marginals(x):
    posterior = "multivariate_normal_tril"
    encoder, decoder = keras_vae.networks.dense(
        (1,), 2, hidden=(), posterior=posterior, likelihood="normal"
    )
    bias = np.array([0.5, -1.0, np.log(0.25), 0.0, 0.75])  # L = [[0.5, 0], [0.75, 1]]
    encoder.set_weights([np.zeros((1, 5)), bias])
    model = keras_vae.VAE(encoder, decoder, posterior=posterior, likelihood="normal")
    variance = np.array([0.25, 0.75**2 + 1])
    expected = (variance + bias[:2] ** 2 - 1 - np.log(variance)) / 2
    np.testing.assert_allclose(kl_per_dimension(model, x), expected, rtol=1e-4)


@pytest.mark.parametrize("binarization", [None, "dynamic", "static"])
def test_they_are_of_what_the_model_sees(binarization):
    """Of binarized data where those are what is modelled: the KLs then add up to the ELBO's."""
    encoder, decoder = keras_vae.networks.dense((3, 1), 2, hidden=(5,))
    likelihood = {"name": "bernoulli", "binarization": binarization}
    model = keras_vae.VAE(encoder, decoder, likelihood=likelihood)
    images = np.random.default_rng(0).random((40, 3, 1)).astype("float32")
    model.compile(jit_compile=False)
    scores = model.evaluate(images, verbose=0, return_dict=True)
    seed = model.seed
    assert model.marginal_kl(images, seed=seed).sum(axis=1).mean() == pytest.approx(scores["kl"])
    codes = model.observed_codes(images, seed=seed)
    assert (codes == model.encode(images)).all() == (binarization is None)
    binary = np.array(model.observed(tf.constant(images), None, Noise.for_rows(seed, images))[0])
    np.testing.assert_allclose(codes, model.encode(binary), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("prior", ["standard_normal", "conditional_normal", "real_nvp"])
def test_each_row_is_compared_with_the_prior_of_its_own_condition(prior):
    encoder, decoder = keras_vae.networks.dense((3, 1), 4, hidden=(5,), condition_dim=3)
    model = keras_vae.CVAE(encoder, decoder, prior=prior)
    generator = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(generator.normal(0, 0.3, weight.shape))
    images = generator.random((20, 3, 1)).astype("float32")
    conditions = np.eye(3, dtype="float32")[generator.integers(0, 3, 20)]
    q, p = model.posterior(images, conditions), model.prior(conditions)
    ratio = (q.stddev() / p.stddev()) ** 2
    expected = (ratio + ((q.mean() - p.mean()) / p.stddev()) ** 2 - 1 - np.log(ratio)) / 2
    found = model.marginal_kl(images, conditions)
    np.testing.assert_allclose(found, np.broadcast_to(expected, (20, 4)), rtol=1e-4, atol=1e-6)
