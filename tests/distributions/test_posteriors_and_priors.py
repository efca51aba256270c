"""Posteriors and priors: names, shapes, configs and mistakes; their densities are in golden/."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import (
    Deterministic,
    DiagonalNormal,
    LearnedNormal,
    MultivariateNormalTriL,
    StandardNormal,
    get_posterior,
    get_prior,
)
from keras_vae.errors import UserError


@pytest.mark.parametrize(
    ("name", "kind", "latent_shape", "params_shape"),
    [
        ("deterministic", Deterministic, (5,), (5,)),
        ("deterministic", Deterministic, (2, 3, 4), (2, 3, 4)),
        ("normal", DiagonalNormal, (5,), (10,)),
        ("multivariate_normal_tril", MultivariateNormalTriL, (1,), (2,)),
        ("multivariate_normal_tril", MultivariateNormalTriL, (5,), (20,)),
    ],
)
def test_posterior(name, kind, latent_shape, params_shape):
    layer = get_posterior(name)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(layer) is type(copy) is type(get_posterior({"name": name})) is kind
    assert get_posterior(layer) is layer
    assert layer.params_shape(latent_shape) == params_shape
    density = layer.distribution(tf.zeros([3, *params_shape]))
    assert density.batch_shape == (3,)
    assert density.event_shape == latent_shape


def prior_network(width):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(width)])


def test_standard_normal_prior():
    prior = get_prior("standard_normal")
    assert isinstance(prior, StandardNormal)
    assert get_prior(prior) is prior
    assert prior.distribution(4, tf.zeros([3, 2])).event_shape == (4,)


def test_a_network_is_a_learned_prior():
    prior = get_prior(prior_network(6))
    assert isinstance(prior, LearnedNormal)
    assert len(prior.trainable_variables) == 2
    density = prior.distribution(3, tf.zeros([5, 2]))
    assert (density.batch_shape, density.event_shape) == ((5,), (3,))


def test_learned_prior_config():
    prior = get_prior(prior_network(6))
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(prior))
    copy.network.set_weights(prior.network.get_weights())
    condition = tf.constant([[0.5, -1.0]])
    np.testing.assert_allclose(
        copy.distribution(3, condition).mean(), prior.distribution(3, condition).mean()
    )
    assert np.any(prior.distribution(3, condition).mean() != 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_posterior("norml"), "Unknown posterior: 'norml'. Expected 'normal', or"),
        (lambda: get_prior("standard_norml"), "Unknown prior: .* Expected 'standard_normal', or"),
        (lambda: get_prior(prior_network(6)).distribution(3, None), "needs a condition"),
        (
            lambda: get_prior(prior_network(5)).distribution(3, tf.zeros([1, 2])),
            "gives 5 values.*needs 6",
        ),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(UserError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
