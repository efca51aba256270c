"""Layers of codes: what each network sees, a KL for each, an exact likelihood, and mistakes."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.noise import Noise

X = np.random.default_rng(0).uniform(size=(20, 4, 4, 1)).astype("float32")
WIDTHS = (4, 3, 2)
LEARNED = {"name": "normal", "scale": "learned"}


def build(widths=WIDTHS, **arguments):
    keras.utils.set_random_seed(0)
    stages = keras_vae.networks.dense_stages((4, 4, 1), widths)
    return keras_vae.HierarchicalVAE(stages, **arguments)


def test_a_code_is_that_of_all_layers():
    model = build()
    z = np.random.default_rng(1).normal(size=(5, 9)).astype("float32")
    assert model.encode(X).shape == (20, 9)
    moved = z.copy()
    moved[:, WIDTHS[0] :] += 1
    np.testing.assert_array_equal(model.decode(z), model.decode(moved))  # it reads the first
    assert np.abs(model.decode(z) - model.decode(z + 1)).max() > 1e-3


def test_a_kl_for_each_layer():
    """Of each layer by its two Normals in numpy, and their sum that of the joint densities."""
    model = build()
    q, p = model.posterior(tf.constant(X)), model.prior()
    noise = Noise.for_rows(0, X).normal("z", (9,))
    z = q.bijector.forward(noise)
    ratios = model.log_ratios(q, p, z)
    assert list(ratios) == ["kl_1", "kl_2", "kl_3"]
    codes = tf.split(z, WIDTHS, axis=-1)
    (encoder_1, _), (encoder_2, decoder_2), (encoder_3, decoder_3) = model.stages
    upwards = [encoder_1(X), encoder_2(codes[0]), encoder_3(codes[1])]
    downwards = [decoder_2(codes[1]), decoder_3(codes[2]), tf.zeros([20, 4])]

    def log_normal(code, params):
        loc, log_variance = np.split(np.asarray(params, "float64"), 2, axis=1)
        return scipy.stats.norm.logpdf(code, loc, np.exp(log_variance / 2)).sum(axis=1)

    for code, up, down, ratio in zip(codes, upwards, downwards, ratios.values(), strict=True):
        expected = log_normal(code, up) - log_normal(code, down)
        np.testing.assert_allclose(ratio, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        tf.add_n([*ratios.values()]), q.log_prob(z) - p.log_prob(z), rtol=1e-4, atol=1e-4
    )


def test_dropout_in_an_upper_stage_is_on_in_training_alone():
    (first, second) = keras_vae.networks.dense_stages((4, 4, 1), (4, 3))
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), second[0]])
    model = keras_vae.HierarchicalVAE([first, (encoder, second[1])])
    noise = Noise.for_rows(0, X)
    for training in (True, False):
        one, other = (
            model.loss_terms(tf.constant(X), None, noise, training)["kl_2"] for _ in range(2)
        )
        assert np.array_equal(one, other) != training


def test_what_fit_logs():
    model = build(num_samples=2, beta={"name": "linear_warmup", "steps": 10})
    model.compile("adam", jit_compile=False)
    history = model.fit(X, batch_size=10, epochs=2, verbose=0).history
    kls = ["kl_1", "kl_2", "kl_3"]
    assert sorted(history) == sorted(["loss", "iwae", "reconstruction", "elbo", *kls])
    for epoch in range(2):
        elbo = -sum(history[name][epoch] for name in ("reconstruction", *kls))
        np.testing.assert_allclose(history["elbo"][epoch], elbo, rtol=1e-5)
    assert history["loss"] == history["iwae"]
    assert history["loss"][0] < -history["elbo"][0]  # beta is below 1 at first


def test_beta_weighs_the_kl_within_the_bound():
    """With one sample the loss is reconstruction + beta * kl."""
    for beta in (0.0, 0.3, 1.0):
        terms = build(beta=beta).loss_terms(tf.constant(X), None, Noise.for_rows(0, X), True)
        kl = terms["kl_1"] + terms["kl_2"] + terms["kl_3"]
        np.testing.assert_allclose(terms["iwae"], terms["reconstruction"] + beta * kl, rtol=1e-5)


def test_samples_come_down_from_the_top():
    """Ancestral sampling by hand, of the same noise."""
    model = build()
    noise = Noise.from_seeds(tf.range(6, dtype=tf.int64))
    code, below = noise.normal("prior", (2,)), noise.normal("layers", (9,)).numpy()
    for stage, part in ((2, below[:, 4:7]), (1, below[:, :4])):
        loc, log_variance = np.split(model.stages[stage][1](code).numpy(), 2, axis=1)
        code = loc + np.exp(log_variance / 2) * part
    images = tf.sigmoid(model.stages[0][1](code))
    np.testing.assert_allclose(model.sample(6, seed=0), images, atol=1e-5)


@pytest.mark.parametrize(
    "prior",
    [
        {"name": "normal_mixture", "num_components": 3},
        pytest.param({"name": "vamp", "num_components": 3}, marks=pytest.mark.slow),
        pytest.param({"name": "real_nvp", "num_layers": 2, "hidden": [3]}, marks=pytest.mark.slow),
    ],
    ids=lambda prior: prior["name"],
)
def test_any_prior_of_the_top(prior, tmp_path, eagerly):
    """It draws what it says it is, a file keeps it, and it is trained."""
    model = build(prior=prior)
    generator = np.random.default_rng(3)
    for weight in model.prior_layer.top.trainable_weights:
        weight.assign(generator.normal(0, 0.5, weight.shape))
    num = 20_000
    noise = Noise.from_seeds(tf.range(num))
    z = model.prior_layer.draw(noise, tf.ones([num]), None).numpy()
    density = model.prior()
    np.testing.assert_allclose(density.mean(), z.mean(axis=0), atol=0.4)
    np.testing.assert_allclose(density.stddev(), z.std(axis=0), rtol=0.25)
    # Importance weights of any density of the same support have mean 1.
    wide = tf.random.stateless_normal((num, 9), seed=(0, 1)) * 1.6 * z.std(axis=0) + z.mean(axis=0)
    log_wide = scipy.stats.norm.logpdf(wide, z.mean(axis=0), 1.6 * z.std(axis=0)).sum(axis=1)
    weights = np.exp(density.log_prob(wide) - log_wide)
    assert abs(weights.mean() - 1) < 4 * weights.std() / np.sqrt(num) < 0.2
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.elbo(X), model.elbo(X))
    np.testing.assert_array_equal(loaded.sample(3, seed=0), model.sample(3, seed=0))
    assert np.isfinite(model.marginal_kl(X)).all()
    before = [np.array(weight) for weight in model.prior_layer.top.trainable_weights]
    model.compile("adam", jit_compile=False)
    model.fit(X, batch_size=20, verbose=0)
    for weight, old in zip(model.prior_layer.top.trainable_weights, before, strict=True):
        assert np.abs(weight - old).max() > 0


def linear(inputs, kernel, bias, log_variance=None):
    """x -> [kernel x + bias, log_variance], or the first alone."""
    network = keras.Sequential(
        [keras.Input((inputs,)), keras.layers.Dense(len(bias) * (1 if log_variance is None else 2))]
    )
    if log_variance is not None:
        kernel = np.concatenate([kernel, np.zeros_like(kernel)], axis=1)
        bias = np.concatenate([bias, np.full(len(bias), log_variance)])
    network.set_weights([kernel, bias])
    return network


def test_likelihood_of_a_linear_hierarchy():
    """x = A z_1 + noise, z_1 = B z_2 + noise, all Normal: log p(x) is known."""
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 3)), generator.normal(size=(2, 2))  # z_1 -> x, z_2 -> z_1
    up_1, up_2 = 0.2 * generator.normal(size=(3, 2)), 0.2 * generator.normal(size=(2, 2))
    zeros = np.zeros(2)
    stages = [
        (linear(3, up_1, zeros, 0.5), linear(2, a, np.zeros(3))),
        (linear(2, up_2, zeros, 0.5), linear(2, b, zeros, np.log(0.5))),
    ]
    model = keras_vae.HierarchicalVAE(stages, likelihood={"name": "normal", "scale": 0.8})
    covariance = a.T @ (b.T @ b + 0.5 * np.eye(2)) @ a + 0.8**2 * np.eye(3)
    density = scipy.stats.multivariate_normal(np.zeros(3), covariance)
    x = density.rvs(20, random_state=3).astype("float32")
    exact = density.logpdf(x)
    estimate = model.log_likelihood(x, num_samples=20000)
    np.testing.assert_allclose(estimate, exact, atol=0.15)
    assert abs(np.mean(estimate - exact)) < 0.03
    assert (model.elbo(x).mean()) < exact.mean() - 0.3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build((3,)), "two or more stages, and received 1"),
        (lambda: build(posterior="normal"), "takes no `posterior`"),
        (
            lambda: keras_vae.HierarchicalVAE(
                [
                    keras_vae.networks.dense((4, 4, 1), 3, condition_dim=2),
                    keras_vae.networks.dense((3,), 2, likelihood=LEARNED),
                ]
            ),
            "stages take no condition",
        ),
        (
            lambda: keras_vae.HierarchicalVAE(
                [
                    keras_vae.networks.dense((4, 4, 1), 3),
                    keras_vae.networks.dense((4,), 2, likelihood=LEARNED),
                ]
            ),
            r"takes \(4,\) and the code below has \(3,\)",
        ),
        (
            lambda: keras_vae.HierarchicalVAE([keras_vae.networks.dense((4,), 4)] * 2),
            "the density Normal, for data",
        ),
        (lambda: keras_vae.networks.dense_stages((4,), (3, 2), hidden=[(5,)]), "Received 1 of"),
        (
            lambda: keras_vae.networks.dense_stages((4,), (3, 0)),
            "latent_dims is a list of whole numbers of at least 1",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(UserError, match=message):
        make()
