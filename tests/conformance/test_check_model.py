"""check_model passes a good variant of a third party and names what a broken one lacks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from conformance.cases import named
from conformance.compare import assert_same
from keras_vae.errors import UserError
from keras_vae.noise import Noise
from keras_vae.testing import ConformanceError, check_model

register = keras.saving.register_keras_serializable("conformance")


@register
class Sparse(keras_vae.Autoencoder):
    """The good variant: noise on the code, and a price on its absolute value."""

    def __init__(self, encoder, decoder, *, price=0.1, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.price = price

    def loss_terms(self, x, condition, noise, training):
        code = self.posterior(x, condition, training).mean()
        noisy = code + 0.1 * self.draw(noise, code)
        return {
            "reconstruction": -self.likelihood(noisy, condition, training).log_prob(x),
            "price": self.price * self.reduce(tf.abs(code)),
        }

    def draw(self, noise, code):
        return noise.normal("code", (self.latent_dim,))

    def reduce(self, values):
        return tf.reduce_sum(values, axis=1)

    def get_config(self):
        return {**super().get_config(), "price": self.price}


class Unregistered(Sparse):
    """Not known to Keras."""


@register
class LosesArgument(Sparse):
    """Leaves `price` out of the config."""

    def get_config(self):
        config = super().get_config()
        del config["price"]
        return config


@register
class LosesValue(Sparse):
    """Has `price` in the config, but always the default."""

    def get_config(self):
        return {**super().get_config(), "price": 0.1}


@register
class DoublesValue(Sparse):
    """Keeps another `price` than it was given."""

    def __init__(self, encoder, decoder, *, price=0.1, **kwargs):
        super().__init__(encoder, decoder, price=2 * price, **kwargs)


@register
class ConfigIsNoData(Sparse):
    """Puts an object into the config that no file can hold."""

    def get_config(self):
        return {**super().get_config(), "seed": np.random.default_rng(0)}


@register
class GlobalNoise(Sparse):
    """Draws from TensorFlow's generator."""

    def draw(self, noise, code):
        return tf.random.normal(tf.shape(code))


@register
class GlobalNoiseInTraining(Sparse):
    """Draws from TensorFlow's generator, but only while it is fitted."""

    def loss_terms(self, x, condition, noise, training):
        terms = super().loss_terms(x, condition, noise, training)
        shake = tf.random.uniform([]) if training else 1.0
        return {name: shake * term for name, term in terms.items()}


@register
class NoiseOfThePlace(Sparse):
    """Draws the same numbers for the first row of every batch."""

    def draw(self, noise, code):
        return tf.random.stateless_normal(tf.shape(code), seed=[1, 2])


@register
class MeanTerm(Sparse):
    """Gives the mean over the batch."""

    def reduce(self, values):
        return tf.reduce_mean(tf.reduce_sum(values, axis=1))


@register
class WrongRank(Sparse):
    """Gives a value per latent dimension."""

    def reduce(self, values):
        return values


@register
class NoDictionary(Sparse):
    """Gives a tensor."""

    def loss_terms(self, x, condition, noise, training):
        return super().loss_terms(x, condition, noise, training)["reconstruction"]


@register
class NotFinite(Sparse):
    """Takes the logarithm of zero."""

    def reduce(self, values):
        return tf.math.log(0.0 * tf.reduce_sum(values, axis=1))


@register
class HalfPrecision(Sparse):
    """Gives a term in float16."""

    def reduce(self, values):
        return tf.cast(tf.reduce_sum(values, axis=1), tf.float16)


@register
class UnknownTerm(Sparse):
    """Has a bound of a term that it does not give."""

    elbo_terms = ("reconstruction", "kl")


@register
class BoundOfTheBatch(Sparse):
    """Gives every row the mean of its batch, and calls it a bound."""

    elbo_terms = ("reconstruction", "price")

    def reduce(self, values):
        sums = tf.reduce_sum(values, axis=1)
        return tf.zeros_like(sums) + tf.reduce_mean(sums)


@register
class UnusedWeight(Sparse):
    """Has a weight that nothing depends on."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.unused = self.add_weight(shape=(2,), name="unused")


@register
class OwnTestStep(Sparse):
    """Takes the mean of the means of the batches."""

    def test_step(self, data):
        x, condition, _ = self.unpacked(data)
        terms = self.loss_terms(x, condition, Noise.for_rows(self.seed, x), training=False)
        means = {name: tf.reduce_mean(term, keepdims=True) for name, term in terms.items()}
        self.term_means.update_state(means, tf.ones([1]))
        return self.get_metrics_result()


@register
class NoiseOnWeights(Sparse):
    """Shakes a weight by NumPy's generator."""

    def train_step(self, data):
        logs = super().train_step(data)
        weight = self.trainable_weights[0]
        weight.assign_add(0.1 * np.random.standard_normal(weight.shape))
        return logs


@register
class OwnTrainStep(Sparse):
    """Forgets the step."""

    def train_step(self, data):
        logs = super().train_step(data)
        self.step.assign_sub(1)
        return logs


@register
class StateOutsideOfWeights(Sparse):
    """Counts in a variable that no file holds."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._count = tf.Variable(0.0, trainable=False)

    def loss_terms(self, x, condition, noise, training):
        terms = super().loss_terms(x, condition, noise, training)
        return {**terms, "price": terms["price"] * (1.0 + self._count)}

    def train_step(self, data):
        self._count.assign_add(1.0)
        return super().train_step(data)


@register
class RandomCode(Sparse):
    """Encodes to another code at each call."""

    def posterior(self, x, condition=None, training=False):
        return keras_vae.distributions.get_posterior("deterministic").distribution(
            self.encoder(x) + tf.random.normal([self.latent_dim])
        )

    def loss_terms(self, x, condition, noise, training):
        code = self.encoder(x)
        return {"reconstruction": -self.likelihood(code, condition, training).log_prob(x)}


BROKEN = [
    (Unregistered, "registration", "register_keras_serializable"),
    (LosesArgument, "config round trip", "lacks 'price'"),
    (DoublesValue, "config round trip", "has another config"),
    (LosesValue, "config values", "another term 'price'"),
    (ConfigIsNoData, "config round trip", "TypeError"),
    (NoDictionary, "loss terms", "expected a dict"),
    (MeanTerm, "loss terms", r"'price' has shape \(\) for 12 examples; expected \(12,\)"),
    (WrongRank, "loss terms", r"'price' has shape \(12, 3\) for 12 examples"),
    (NotFinite, "loss terms", "'price' is not finite"),
    (HalfPrecision, "loss terms", "'price' is float16"),
    (UnknownTerm, "loss terms", "elbo_terms has 'kl'"),
    (GlobalNoise, "noise", "'reconstruction' changes at each call"),
    (GlobalNoiseInTraining, "noise", "'reconstruction' changes at each call"),
    (NoiseOfThePlace, "noise", "'reconstruction' depends on its place in the batch"),
    (BoundOfTheBatch, "noise", "'price' depends on the rest of its batch"),
    (UnusedWeight, "gradients", "unused.* has no gradient"),
    (OwnTestStep, "exact means", "evaluate logs .* leave train_step, test_step"),
    (NoiseOnWeights, "same seed same weights", "two fits with one seed"),
    (OwnTrainStep, "same seed same weights", "3 steps moved `step` by 0"),
    (StateOutsideOfWeights, "save and load", "than training on without a stop"),
    (RandomCode, "arrays", "encode changes from call to call"),
]

NAMES = [cls.__name__ for cls, *_ in BROKEN]


def dense(cls):
    keras.utils.set_random_seed(0)
    networks = keras_vae.networks.dense(
        (6,), 3, hidden=(8,), posterior="deterministic", likelihood="normal"
    )
    return cls(*networks, price=0.3, seed=5)


def test_good_variant_passes():
    model = dense(Sparse)
    before = model.get_weights()
    check_model(model)
    assert_same(model.get_weights(), before)
    assert not model.compiled


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cvae learned prior", "vae free bits"])
def test_own_models_pass(name):
    check_model(named(name).build())


@pytest.mark.parametrize(("cls", "name", "words"), BROKEN, ids=NAMES)
def test_broken_variant_fails(cls, name, words):
    model = dense(cls)
    with pytest.raises(ConformanceError, match=rf"^{cls.__name__} fails.* '{name}': .*{words}"):
        check_model(model)


def test_failure_is_an_assertion_error():
    with pytest.raises(AssertionError):
        check_model(dense(Unregistered))


def test_no_latent_model():
    with pytest.raises(UserError, match="Received Functional; derive your class from LatentModel"):
        check_model(dense(Sparse).encoder)
