"""The bound of k samples, and its gradient estimators, on a linear-Gaussian model.

Each row of a batch has the same parameters of q and its own noise, so one pass gives thousands of
independent gradients and with them the standard error of their mean.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from golden.linear_gaussian import LATENT, LinearGaussian
from keras_vae.distributions import DiagonalNormal
from keras_vae.models.iwae import GRADIENTS
from keras_vae.noise import Noise

ROWS = 20_000
TRUTH = LinearGaussian(conditional=False)
X = TRUTH.data(1)[0]
DIAGONAL = np.diag(1.5 * np.diag(TRUTH.posterior_covariance))


def iwae(covariance=DIAGONAL, offset=0.3, **arguments):
    return TRUTH.model(covariance, offset, cls=keras_vae.IWAE, **arguments)


def bounds(model, num=ROWS):
    """Independent values of the bound of one x (num,), and gradients by q's parameters (num, 6)."""
    x = tf.constant(np.tile(X, (num, 1)))
    params = model.encoder(x)  # (num, 2 * latent_dim)
    with tf.GradientTape() as tape:
        tape.watch(params)
        model.posterior = lambda *_: DiagonalNormal().distribution(params)
        noise = Noise.from_seeds(tf.range(num, dtype=tf.int64))
        terms = model.loss_terms(x, None, noise, training=True)
    return -terms["iwae"].numpy(), -tape.gradient(terms["iwae"], params).numpy()


def mean_and_error(values):
    return values.mean(axis=0), values.std(axis=0, dtype=np.float64) / np.sqrt(len(values))


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_one_sample_is_the_elbo(gradient):
    x, _ = TRUTH.data(20)
    one = iwae(num_samples=1, gradient=gradient)
    noise = Noise.for_rows(0, x)
    bound = -one.loss_terms(tf.constant(x), None, noise, training=True)["iwae"]
    vae = TRUTH.model(DIAGONAL, 0.3, estimator="monte_carlo_kl")
    np.testing.assert_allclose(bound, vae.elbo(x), rtol=1e-5)
    np.testing.assert_allclose(one.elbo(x), vae.elbo(x), rtol=1e-6)


def test_the_bound_rises_with_k_to_the_likelihood():
    means = [mean_and_error(bounds(iwae(num_samples=k))[0]) for k in (1, 2, 5, 20)]
    for (lower, error), (higher, other) in itertools.pairwise(means):
        assert higher - lower > 4 * np.hypot(error, other)
    exact = float(TRUTH.log_prob(X, np.zeros((1, 0))))
    assert exact - 0.15 < means[-1][0] < exact


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_exact_posterior_reaches_the_likelihood(gradient):
    x, _ = TRUTH.data(20)
    model = iwae(TRUTH.posterior_covariance, 0.0, num_samples=3, gradient=gradient)
    noise = Noise.for_rows(0, x)
    bound = -model.loss_terms(tf.constant(x), None, noise, training=True)["iwae"]
    np.testing.assert_allclose(bound, TRUTH.log_prob(x, np.zeros((20, 0))), atol=1e-3)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_all_have_the_same_values(gradient):
    ours = bounds(iwae(num_samples=5, gradient=gradient), 1000)[0]
    np.testing.assert_allclose(ours, bounds(iwae(num_samples=5), 1000)[0], rtol=1e-6)


@pytest.mark.parametrize("k", [1, 5, 50])
def test_dreg_is_unbiased_and_less_noisy(k):
    num = ROWS if k < 50 else 4000
    standard = bounds(iwae(num_samples=k), num)[1]
    dreg = bounds(iwae(num_samples=k, gradient="doubly_reparameterized"), num)[1]
    difference, error = mean_and_error(standard - dreg)
    assert np.all(np.abs(difference) < 4 * error)
    assert np.all(np.abs(standard.mean(axis=0)).max() > 3 * error)  # there is a gradient to see
    assert np.all(dreg.var(axis=0) < 0.9 * standard.var(axis=0))


def test_sticking_the_landing_is_unbiased_for_one_sample_alone():
    def difference(k):
        landing = bounds(iwae(num_samples=k, gradient="sticking_the_landing"))[1]
        return mean_and_error(landing - bounds(iwae(num_samples=k))[1])

    mean, error = difference(1)
    assert np.all(np.abs(mean) < 4 * error)
    mean, error = difference(5)
    assert np.abs(mean / error).max() > 8


def test_alpha_goes_from_the_bound_to_the_elbo():
    alphas = (0.0, 0.3, 0.9, 0.9999, 1.0 - 1e-7, 1.0)
    values = [bounds(iwae(num_samples=5, alpha=alpha), 500)[0] for alpha in alphas]
    for higher, lower in itertools.pairwise(values):
        assert np.all(higher > lower - 1e-4)
    assert np.all(values[0] > values[-1] + 1e-5)
    np.testing.assert_allclose(values[-2], values[-1], atol=1e-4)
    x, _ = TRUTH.data(20)
    noise = Noise.for_rows(0, x)
    model = iwae(num_samples=5, alpha=1.0)
    bound = -model.loss_terms(tf.constant(x), None, noise, training=True)["iwae"]
    estimator = {"name": "monte_carlo_kl", "num_samples": 5}
    np.testing.assert_allclose(
        bound, TRUTH.model(DIAGONAL, 0.3, estimator=estimator).elbo(x), rtol=1e-5
    )


@pytest.mark.parametrize(
    "objective",
    [{"alpha": 0.5}, {"alpha": 1.0}, {"beta": 0.2}, {"alpha": 0.5, "beta": 3.0}],
    ids=str,
)
def test_dreg_is_unbiased_for_every_alpha_and_beta(objective):
    standard = bounds(iwae(num_samples=5, **objective))[1]
    dreg = bounds(iwae(num_samples=5, gradient="doubly_reparameterized", **objective))[1]
    difference, error = mean_and_error(standard - dreg)
    assert np.all(np.abs(difference) < 4 * error)
    assert np.all(np.abs(standard.mean(axis=0)).max() > 3 * error)  # there is a gradient to see
    assert np.all(dreg.var(axis=0) < 0.9 * standard.var(axis=0))


@pytest.mark.parametrize("gradient", GRADIENTS[1:])
def test_at_the_exact_posterior_no_gradient_is_left(gradient):
    """Where the exact posterior is diagonal: the variance is 0, the standard gradient's is not."""
    truth = LinearGaussian(conditional=False)
    truth.loading = np.linalg.qr(truth.loading)[0]  # orthogonal columns
    truth.__dict__["posterior_covariance"] = np.diag(np.full(LATENT, 1 / (1 + 1 / 0.36)))

    def gradients(name):
        model = truth.model(truth.posterior_covariance, cls=keras_vae.IWAE, gradient=name)
        return bounds(model, 500)[1]

    assert np.abs(gradients(gradient)).max() < 1e-3
    assert np.abs(gradients("standard")).std() > 0.05


def test_the_decoder_has_the_bounds_own_gradient():
    """DReG and the standard gradient differ in the encoder alone."""
    x = tf.constant(TRUTH.data(50)[0])

    def gradient(name):
        model = iwae(num_samples=5, gradient=name)
        with tf.GradientTape() as tape:
            terms = model.loss_terms(x, None, Noise.for_rows(0, x), training=True)
        return tape.gradient(terms["iwae"], model.decoder.trainable_variables)

    for dreg, standard in zip(
        gradient("doubly_reparameterized"), gradient("standard"), strict=True
    ):
        np.testing.assert_allclose(dreg, standard, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"free_bits": 0.5}, "takes no `free_bits`"),
        ({"estimator": "analytic_kl"}, "takes no `estimator`"),
        ({"num_samples": 0}, "num_samples is a whole number of at least 1"),
        ({"alpha": 2.0}, r"alpha is in \[0, 1\]"),
        ({"gradient": "dreg"}, "doubly_reparameterized"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(keras_vae.UserError, match=message):
        iwae(**arguments)
