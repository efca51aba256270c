"""The VAE: its loss, its floor, its samples, its estimates, and what it refuses."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.noise import Noise

EVENT, LATENT = 6, 3
dense = keras_vae.networks.dense


def vae(hidden=(8,), **arguments):
    names = {name: arguments[name] for name in ("posterior", "likelihood") if name in arguments}
    return keras_vae.VAE(*dense((EVENT,), LATENT, hidden=hidden, **names), **arguments)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((30, EVENT), "float32")


def terms_and_gradient(model, x):
    """The terms, and the gradient of their KL part by the encoder's weights."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        terms = model.loss_terms(x, None, Noise.for_rows(0, x), training=True)
        pressure = sum(tf.reduce_mean(terms[name]) for name in terms if name != "reconstruction")
    gradient = tape.gradient(pressure, model.encoder.trainable_weights)
    return {name: term.numpy() for name, term in terms.items()}, gradient


# --- the loss ---


def test_beta_scales_the_loss_and_not_the_elbo(x):
    scores = {}
    weights = vae().get_weights()
    for beta in (1.0, 4.0):
        model = vae(beta=beta)
        model.set_weights(weights)
        model.compile("sgd", jit_compile=False, steps_per_execution=1)
        scores[beta] = model.evaluate(x, verbose=0, return_dict=True)
        assert set(scores[beta]) == {"loss", "reconstruction", "kl", "elbo"}
    one, four = scores[1.0], scores[4.0]
    for name in ("reconstruction", "kl", "elbo"):
        assert four[name] == pytest.approx(one[name], rel=1e-6)
    assert one["loss"] == pytest.approx(-one["elbo"], rel=1e-5)
    assert four["loss"] == pytest.approx(one["reconstruction"] + 4 * one["kl"], rel=1e-5)
    assert one["kl"] > 0.01


def constant_posterior(kl, **arguments):
    """A model whose posterior ignores x and has the given KL in each dimension."""
    model = vae(hidden=(), **arguments)
    kernel, bias = model.encoder.get_weights()
    bias[:LATENT] = np.sqrt(2 * np.array(kl))  # KL(N(m, 1) || N(0, 1)) = m^2 / 2
    model.encoder.set_weights([np.zeros_like(kernel), bias])
    return model


def test_free_bits_are_a_floor(x):
    terms, gradient = terms_and_gradient(constant_posterior([0.1, 0.2, 0.3], free_bits=0.5), x)
    np.testing.assert_allclose(terms["kl"], 0.6, rtol=1e-5)
    np.testing.assert_allclose(terms["kl"] + terms["free_bits"], 3 * 0.5, rtol=1e-5)
    for part in gradient:
        np.testing.assert_allclose(part, 0, atol=1e-6)


def test_free_bits_leave_what_is_above(x):
    free, free_gradient = terms_and_gradient(constant_posterior([0.6, 0.7, 0.8], free_bits=0.5), x)
    _, gradient = terms_and_gradient(constant_posterior([0.6, 0.7, 0.8]), x)
    np.testing.assert_array_equal(free["free_bits"], 0)
    for one, other in zip(free_gradient, gradient, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
        assert np.abs(one).max() > 0.1


def test_free_bits_are_per_dimension(x):
    terms, (_, bias) = terms_and_gradient(constant_posterior([0.1, 2.0, 0.1], free_bits=0.5), x)
    np.testing.assert_allclose(terms["kl"] + terms["free_bits"], 0.5 + 2.0 + 0.5, rtol=1e-5)
    np.testing.assert_allclose(bias[:LATENT], [0, 2, 0], atol=1e-5)  # d/dm of m^2 / 2


def test_free_bits_are_of_each_example():
    """Rows of KL 0 and 2 in each dimension: the first is held up, whatever the second has."""
    model = vae(hidden=(), free_bits=0.9)
    kernel, bias = (np.zeros_like(weights) for weights in model.encoder.get_weights())
    kernel[0, :LATENT] = 2.0
    model.encoder.set_weights([kernel, bias])
    x = np.zeros((2, EVENT), "float32")
    x[1, 0] = 1.0
    terms, _ = terms_and_gradient(model, x)
    np.testing.assert_allclose(terms["kl"], [0, 6], atol=1e-5)
    np.testing.assert_allclose(terms["free_bits"], [0.9 * LATENT, 0], atol=1e-5)


@pytest.mark.parametrize(
    "arguments", [{"posterior": "multivariate_normal_tril"}, {"estimator": "monte_carlo_kl"}]
)
def test_one_floor_where_the_kl_does_not_split(x, arguments):
    terms, _ = terms_and_gradient(vae(free_bits=50.0, **arguments), x)
    np.testing.assert_allclose(terms["kl"] + terms["free_bits"], 50 * LATENT, rtol=1e-4)


def test_the_floor_is_in_the_loss_and_not_in_the_elbo(x):
    model = constant_posterior([0.1, 0.2, 0.3], free_bits=0.5, beta=2.0)
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    scores = model.evaluate(x, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(scores["reconstruction"] + 2 * 1.5, rel=1e-5)
    assert scores["elbo"] == pytest.approx(-scores["reconstruction"] - 0.6, rel=1e-5)


def test_binarization_by_step():
    """An autoencoder draws nothing else: without learning, only the binarization can change."""
    x = np.random.default_rng(0).random((30, EVENT), "float32")
    networks = dense((EVENT,), LATENT, posterior="deterministic")
    changes = {}
    for binarization in (None, "static", "dynamic"):
        likelihood = {"name": "bernoulli", "binarization": binarization}
        model = keras_vae.Autoencoder(*networks, likelihood=likelihood)
        model.compile(keras.optimizers.SGD(0.0), jit_compile=False, steps_per_execution=1)
        logs = model.fit(x, batch_size=8, epochs=4, shuffle=True, verbose=0).history
        changes[binarization] = np.ptp(logs["reconstruction"])
    assert changes[None] < 1e-5
    assert changes["static"] < 1e-5
    assert changes["dynamic"] > 1e-3


# --- evaluate and elbo ---


@pytest.mark.parametrize(
    "binarization",
    ["dynamic", *(pytest.param(each, marks=pytest.mark.slow) for each in (None, "static"))],
)
def test_evaluate_does_not_depend_on_batches(x, binarization):
    model = vae(likelihood={"name": "bernoulli", "binarization": binarization}, seed=3)
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    whole = model.evaluate(x, batch_size=30, verbose=0, return_dict=True)
    for rows, batch_size in [(x, 7), (x[::-1], 30)]:
        again = model.evaluate(rows, batch_size=batch_size, verbose=0, return_dict=True)
        assert again == pytest.approx(whole, rel=1e-5)
    elbo = model.elbo(x, seed=3)
    assert elbo.shape == (30,)
    assert elbo.mean() == pytest.approx(whole["elbo"], rel=1e-5)
    np.testing.assert_allclose(model.elbo(x[4:5], seed=3), elbo[4:5], rtol=1e-5)
    assert not np.allclose(model.elbo(x, seed=4), elbo, atol=1e-3)


def test_evaluate_is_the_same_before_and_after_steps(x):
    """The noise of `evaluate` does not come from the step, so epochs can be compared."""
    model = vae()
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    before = model.evaluate(x, verbose=0)
    model.step.assign(1000)
    assert model.evaluate(x, verbose=0) == before


def test_log_likelihood_in_chunks(x):
    """More examples than one chunk holds, in any order, and progress that adds up."""
    rng = np.random.default_rng(0)
    many = rng.random((130, EVENT), "float32")
    model, done = vae(), []
    estimate = model.log_likelihood(many, num_samples=60, progress=done.append)
    assert estimate.shape == (130,)
    assert (len(done), sum(done)) == (2, 130)
    order = rng.permutation(130)
    again = model.log_likelihood(many[order], num_samples=60)
    np.testing.assert_allclose(again, estimate[order], rtol=1e-5)
    assert np.all(estimate > model.elbo(many) - 3)
    assert estimate.mean() > model.elbo(many).mean()


@pytest.mark.parametrize("num_samples", [12.0, np.int64(12)], ids=["float", "numpy"])
def test_log_likelihood_takes_any_whole_number(num_samples):
    model = vae()
    x = np.zeros((3, EVENT), "float32")
    expected = model.log_likelihood(x, num_samples=12)
    np.testing.assert_array_equal(model.log_likelihood(x, num_samples=num_samples), expected)


def test_log_likelihood_of_large_images_in_small_chunks():
    """Ten samples of two such images have more values than are decoded at a time."""
    shape, done = (250_000,), []
    encoder, decoder = dense(shape, 1, hidden=())
    model = keras_vae.VAE(encoder, decoder)
    x = np.zeros((3, *shape), "float32")
    model.log_likelihood(x, num_samples=2, progress=done.append)
    assert done == [1, 1, 1]


# --- sampling ---


@pytest.fixture(scope="module")
def identity():
    """A model whose samples are its codes."""
    encoder, decoder = dense((LATENT,), LATENT, hidden=(), likelihood="normal")
    decoder.set_weights([np.eye(LATENT), np.zeros(LATENT)])
    return keras_vae.VAE(encoder, decoder, likelihood="normal")


def test_a_sample_is_a_function_of_its_own_seed():
    model = vae()
    sheet = model.sample(16, seed=0)
    assert (sheet.shape, sheet.dtype) == ((16, EVENT), np.float32)
    for i in (0, 1, 15):
        np.testing.assert_allclose(model.sample(1, seed=i)[0], sheet[i], atol=1e-6)
    np.testing.assert_allclose(model.sample(5, seed=9), sheet[9:14], atol=1e-6)


def test_samples_follow_the_prior(identity):
    codes = identity.sample(3000, seed=0)
    assert scipy.stats.kstest(codes.ravel(), "norm").pvalue > 0.01
    correlation = np.corrcoef(codes.T) - np.eye(LATENT)
    assert np.abs(correlation).max() < 4 / np.sqrt(3000)


def test_large_seeds_are_seeds_of_their_own(identity):
    codes = np.concatenate([identity.sample(2, seed=seed) for seed in (0, 2**32, 2**53 - 2)])
    assert len(np.unique(codes[:, 0])) == 6
    across = identity.sample(2, seed=2**32 - 1)[1]
    np.testing.assert_allclose(across, identity.sample(1, seed=2**32)[0], atol=1e-6)


def test_temperature_scales_the_code(identity):
    codes = identity.sample(4, seed=0)
    for temperature in (0.5, 3.0):
        scaled = identity.sample(4, seed=0, temperature=temperature)
        np.testing.assert_allclose(scaled, temperature * codes, rtol=1e-5)


def test_temperature_zero_is_the_priors_mode():
    model = vae()
    expected = np.repeat(model.decode(np.zeros((1, LATENT))), 3, axis=0)
    np.testing.assert_allclose(model.sample(3, seed=5, temperature=0.0), expected, atol=1e-6)
    assert not np.allclose(model.sample(3, seed=5), expected, atol=1e-3)


def test_without_a_seed_samples_are_new(identity):
    assert not np.array_equal(identity.sample(2), identity.sample(2))


# --- codes ---


@pytest.mark.parametrize("posterior", ["normal", "multivariate_normal_tril"])
def test_encode_is_the_posterior_mean(x, posterior):
    model = vae(posterior=posterior)
    code = model.encode(x)
    np.testing.assert_allclose(code, model.encoder(x)[:, :LATENT], atol=1e-6)
    np.testing.assert_array_equal(model.encode(x), code)
    np.testing.assert_allclose(model.reconstruct(x), model.decode(code), atol=1e-6)


def test_uint8_and_its_share_of_255_are_the_same():
    grey = np.random.default_rng(0).integers(0, 256, (5, EVENT), np.uint8)
    model = vae()
    np.testing.assert_allclose(model.elbo(grey), model.elbo(grey / np.float32(255)), rtol=1e-5)


def test_likelihood_with_sample_axes():
    """Codes (samples, rows, latent_dim) give densities (samples, rows) of images."""
    encoder, decoder = dense((4, 3, 1), LATENT)
    model = keras_vae.VAE(encoder, decoder)
    z = tf.random.stateless_normal((5, 2, LATENT), (0, 0))
    density = model.likelihood(z)
    assert (density.batch_shape, density.event_shape) == ((5, 2), (4, 3, 1))
    apart = tf.stack([model.likelihood(part).mean() for part in z])
    np.testing.assert_allclose(density.mean(), apart, atol=1e-6)


# --- config ---


def test_config_keeps_every_argument():
    arguments = {
        "likelihood": {"name": "normal", "scale": "learned"},
        "posterior": "multivariate_normal_tril",
        "estimator": {"name": "monte_carlo_kl", "num_samples": 4},
        "beta": {"name": "cyclical_warmup", "period": 9, "beta": 0.5, "ramp": 0.25},
        "free_bits": 0.25,
        "seed": 11,
    }
    model = vae(**arguments)
    copy = keras_vae.VAE.from_config(model.get_config())
    assert copy.likelihood_layer.scale == "learned"
    assert type(copy.posterior_layer) is type(model.posterior_layer)
    assert (type(copy.estimator), copy.estimator.num_samples) == (type(model.estimator), 4)
    assert copy.beta.get_config() == {"period": 9, "beta": 0.5, "ramp": 0.25}
    assert (copy.free_bits, copy.seed) == (0.25, 11)


# --- mistakes ---


def learned_prior():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2 * LATENT)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vae(beta=-1), "beta must be a finite number, at least 0"),
        (lambda: vae(free_bits=-0.1), "free_bits.* Received -0.1"),
        (lambda: vae(estimator="analytic"), "Expected 'analytic_kl', or"),
        (lambda: vae(estimator={"name": "analytic_kl", "num_samples": 0}), "num_samples=0"),
        (lambda: vae(posterior="deterministic"), 'posterior="deterministic"; use "normal"'),
        (lambda: vae(prior=learned_prior()).compile("adam"), "needs a condition.* Use a CVAE"),
        (lambda: vae().compile("adam", loss="mse"), "takes no `loss`.*likelihood="),
        (lambda: vae().encode(np.zeros((2, 5), "float32")), r"shape \(2, 5\).*\(6,\)"),
        (lambda: vae().encode(np.zeros((2, EVENT), "int32")), "dtype int32"),
        (lambda: vae().decode(np.zeros((2, 2))), r"shape \(2, 2\).*\(3,\)"),
        (lambda: vae().decode(np.zeros(LATENT)), r"shape \(3,\).*rows of \(3,\)"),
        (
            lambda: vae().log_likelihood(np.zeros((1, EVENT), "float32"), num_samples=0),
            "at least 1. Received num_samples=0",
        ),
        (
            lambda: vae().log_likelihood(np.zeros((1, EVENT), "float32"), num_samples=1.5),
            "a whole number of samples.*num_samples=1.5",
        ),
        (lambda: vae(free_bits=float("nan")), "at least 0, and finite. Received nan"),
        (lambda: vae().compile("adam", steps_per_execution=0), "at least 1. Received 0"),
        (lambda: keras_vae.VAE(None, None), "The encoder is a keras.Model.*Received None"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(UserError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
