"""The CVAE: every density is given the condition, in whatever form it comes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.noise import Noise

EVENT, LATENT, CLASSES = 6, 2, 3
dense = keras_vae.networks.dense


def cvae(condition_dim=CLASSES, **arguments):
    networks = dense((EVENT,), LATENT, hidden=(8,), condition_dim=condition_dim)
    return keras_vae.CVAE(*networks, **arguments)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).integers(0, 2, (9, EVENT)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return cvae()


LABELS = np.arange(9) % CLASSES
FORMS = {
    "labels": LABELS,
    "uint8": LABELS.astype("uint8"),
    "column": LABELS[:, np.newaxis],
    "one-hot": np.eye(CLASSES, dtype="float32")[LABELS],
    "one-hot integers": np.eye(CLASSES, dtype="int64")[LABELS],
}


def test_all_forms_of_a_label_are_one(model, x):
    model.compile("sgd", run_eagerly=True)
    for y in FORMS.values():
        assert model.evaluate(x, y, verbose=0) == model.evaluate(x, LABELS, verbose=0)
        np.testing.assert_array_equal(model.encode(x, y), model.encode(x, LABELS))
        np.testing.assert_array_equal(model.elbo(x, y), model.elbo(x, LABELS))
        np.testing.assert_array_equal(
            model.sample(9, condition=y, seed=0), model.sample(9, condition=LABELS, seed=0)
        )


def test_the_condition_matters(model, x):
    other = (LABELS + 1) % CLASSES
    assert not np.allclose(model.encode(x, LABELS), model.encode(x, other), atol=1e-3)
    assert not np.allclose(model.elbo(x, LABELS), model.elbo(x, other), atol=1e-3)
    z = np.zeros((9, LATENT))
    assert not np.allclose(model.decode(z, LABELS), model.decode(z, other), atol=1e-3)
    samples = [model.sample(1, condition=label, seed=0) for label in range(CLASSES)]
    assert len(np.unique(np.concatenate(samples)[:, 0])) == CLASSES


def test_one_label_for_all_or_one_each(model):
    sheet = model.sample(4, condition=2, seed=0)
    np.testing.assert_array_equal(model.sample(4, condition=[2, 2, 2, 2], seed=0), sheet)
    np.testing.assert_array_equal(model.sample(4, condition=[0.0, 0.0, 1.0], seed=0), sheet)
    mixed = model.sample(4, condition=[2, 0, 2, 1], seed=0)
    np.testing.assert_allclose(mixed[::2], sheet[::2], atol=1e-6)
    np.testing.assert_allclose(model.sample(1, condition=1, seed=3), mixed[3:], atol=1e-6)


def test_a_vector_beside_data_is_none_for_all_rows(model, x):
    """Labels that are floats, as many as there are classes, look like one."""
    labels = np.array([0.0, 1.0, 2.0])
    model.compile("sgd", run_eagerly=True)
    for call in (model.encode, model.reconstruct, model.elbo, model.evaluate, model.fit):
        with pytest.raises(UserError, match=r"shape \(3,\) and dtype float64 for 3 rows;"):
            call(x[:3], labels)
    for call in (
        model.sample,
        lambda num, condition: model.decode(np.zeros((num, LATENT)), condition),
    ):
        with pytest.raises(UserError, match=r"shape \(3,\) and dtype float64 for 3 rows;"):
            call(3, labels)


def test_dropout_in_a_prior_network_is_on_in_training_alone(x):
    prior = keras.Sequential(
        [
            keras.Input((CLASSES,)),
            keras.layers.Dropout(0.5, seed=0),
            keras.layers.Dense(2 * LATENT, kernel_initializer="ones"),
        ]
    )
    model = cvae(prior=prior)
    condition = tf.eye(CLASSES)[:1]
    kls = {
        training: {
            float(model.loss_terms(x[:1], condition, Noise.for_rows(0, x[:1]), training)["kl"][0])
            for _ in range(10)
        }
        for training in (True, False)
    }
    assert (len(kls[True]), len(kls[False])) == (2, 1)


@pytest.mark.parametrize("condition_dim", [1, 2])
def test_real_values(x, condition_dim):
    model = cvae(condition_dim)
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    y = np.random.default_rng(0).normal(size=(9, condition_dim)).astype("float32")
    loss = model.fit(x, y, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    assert model.sample(9, condition=y, seed=0).shape == (9, EVENT)
    assert not np.allclose(model.encode(x, y), model.encode(x, y + 1), atol=1e-3)


def test_integers_are_values_where_one_number_is_the_condition(x):
    model = cvae(1)
    ages = np.arange(9) * 10
    np.testing.assert_array_equal(model.encode(x, ages), model.encode(x, ages.astype("float32")))
    np.testing.assert_array_equal(
        model.sample(9, condition=ages, seed=0), model.sample(9, condition=ages / 1.0, seed=0)
    )
    np.testing.assert_array_equal(model((x, ages)), model((x, ages.astype("float32"))))


@pytest.mark.parametrize("label", [CLASSES, -1])
def test_a_label_out_of_range_is_refused_or_spoils_the_loss(x, label):
    """A compiled graph cannot raise; NaN is seen, a wrong class would not be."""
    model = cvae()
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    y = LABELS.copy()
    y[4] = label
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(9)
    for data in ((x, y), (dataset,)):
        with pytest.raises(UserError, match="expected them from 0 to"):
            model.fit(*data, verbose=0)
    assert np.isnan(model.train_on_batch(x, y, return_dict=True)["loss"])


def prior_network(width=2 * LATENT, inputs=CLASSES):
    network = keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(width)])
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=(inputs, width)), rng.normal(size=width)])
    return network


def test_learned_prior():
    """Samples come from p(z|c); temperature 0 is its mean, and its network is trained."""
    encoder, decoder = dense(
        (LATENT,), LATENT, hidden=(), likelihood="normal", condition_dim=CLASSES
    )
    decoder.set_weights([np.eye(LATENT + CLASSES, LATENT), np.zeros(LATENT)])
    prior = prior_network()
    model = keras_vae.CVAE(encoder, decoder, likelihood="normal", prior=prior)
    kernel, bias = prior.get_weights()
    loc, log_variance = np.split(kernel[1] + bias, 2)

    mode = model.sample(2, condition=1, seed=0, temperature=0.0)
    np.testing.assert_allclose(mode, [loc, loc], rtol=1e-5)
    codes = model.sample(2000, condition=1, seed=0)
    standard = (codes - loc) / np.exp(log_variance / 2)
    assert np.abs(standard.mean(axis=0)).max() < 4 / np.sqrt(2000)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=4 / np.sqrt(4000))

    model.compile(keras.optimizers.SGD(0.1), jit_compile=False, steps_per_execution=1)
    model.fit(np.ones((6, LATENT), "float32"), np.full(6, 1), epochs=1, verbose=0)
    new_kernel, new_bias = prior.get_weights()
    assert not np.allclose(new_bias, bias)
    assert not np.allclose(new_kernel[1], kernel[1])
    np.testing.assert_array_equal(new_kernel[[0, 2]], kernel[[0, 2]])  # no such labels were seen


def test_learned_prior_in_the_config():
    model = cvae(prior=prior_network())
    copy = keras_vae.CVAE.from_config(model.get_config())
    copy.set_weights(model.get_weights())
    condition = tf.eye(CLASSES)
    np.testing.assert_array_equal(copy.prior(condition).mean(), model.prior(condition).mean())


X = np.zeros((2, EVENT), "float32")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.sample(2), "needs a condition: a label below 3"),
        (lambda model: model.encode(X), "needs a condition"),
        (lambda model: model.sample(2, condition=3), "the label 3; expected them from 0 to 2"),
        (lambda model: model.sample(2, condition=-1), "the label -1;"),
        (lambda model: model.encode(X, [0, 5]), "from 0 to 5"),
        (lambda model: model.encode(X, [[0], [5]]), "from 0 to 5"),
        (lambda model: model.decode(np.zeros((2, LATENT)), 7), "the label 7;"),
        (lambda model: model.reconstruct(X, [0, 5]), "from 0 to 5"),
        (lambda model: model.elbo(X, [0, 5]), "from 0 to 5"),
        (lambda model: model.log_likelihood(X, [0, 5], num_samples=2), "from 0 to 5"),
        (lambda model: model.sample(2, condition=[0, 1, 2]), "for 2 rows"),
        (lambda model: model.encode(X, np.zeros((2, 4))), r"labels, or .*shape \(2, 3\)"),
        (lambda model: keras_vae.CVAE(*dense((EVENT,), LATENT)), "condition_dim, or use"),
        (lambda model: cvae(prior=prior_network(5)).compile("adam"), "gives 5 values.*needs 4"),
        (lambda model: cvae(prior=prior_network(inputs=4)), "cannot take conditions of 3 numbers"),
    ],
)
def test_mistakes(model, call, message):
    with pytest.raises(UserError, match=message) as error:
        call(model)
    assert "\n" not in str(error.value)


def test_fit_without_labels(x):
    model = cvae()
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(UserError, match="needs a condition beside x") as error:
        model.fit(x, verbose=0)
    assert "\n" not in str(error.value)
