"""Posteriors and priors: names, shapes, configs and mistakes; their densities are in golden/."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import (
    ConditionalNormal,
    Deterministic,
    DiagonalNormal,
    InverseAutoregressiveFlow,
    LearnedNormal,
    MaskedAutoregressiveFlow,
    MultivariateNormalTriL,
    NormalMixture,
    RealNVP,
    StandardNormal,
    VampPrior,
    get_posterior,
    get_prior,
)
from keras_vae.errors import UserError
from keras_vae.noise import Noise


def copied(layer):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))


@pytest.mark.parametrize(
    ("name", "kind", "latent_shape", "params_shape"),
    [
        ("deterministic", Deterministic, (5,), (5,)),
        ("deterministic", Deterministic, (2, 3, 4), (2, 3, 4)),
        ("normal", DiagonalNormal, (5,), (10,)),
        ("multivariate_normal_tril", MultivariateNormalTriL, (1,), (2,)),
        ("multivariate_normal_tril", MultivariateNormalTriL, (5,), (20,)),
        ("inverse_autoregressive_flow", InverseAutoregressiveFlow, (1,), (52,)),
        ("inverse_autoregressive_flow", InverseAutoregressiveFlow, (5,), (60,)),
    ],
)
def test_posterior(name, kind, latent_shape, params_shape):
    layer = get_posterior(name)
    assert type(layer) is type(copied(layer)) is type(get_posterior({"name": name})) is kind
    assert get_posterior(layer) is layer
    assert layer.params_shape(latent_shape) == params_shape
    layer.prepare(latent_shape)
    density = layer.distribution(tf.zeros([3, *params_shape]))
    assert density.batch_shape == (3,)
    assert density.event_shape == latent_shape
    assert density.mean().shape == (3, *latent_shape)
    assert density.log_prob(tf.zeros([2, 3, *latent_shape])).shape == (2, 3)


def prior_network(width):
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(width)])


PRIORS = [
    ("standard_normal", StandardNormal),
    ({"name": "normal_mixture", "num_components": 4}, NormalMixture),
    ({"name": "real_nvp", "num_layers": 2, "hidden": (5,)}, RealNVP),
    ({"name": "masked_autoregressive_flow", "num_layers": 2}, MaskedAutoregressiveFlow),
    ({"name": "vamp", "num_components": 4}, VampPrior),
]


@pytest.mark.parametrize("condition_dim", [None, 2])
@pytest.mark.parametrize(("spec", "kind"), PRIORS, ids=lambda one: getattr(one, "__name__", ""))
def test_prior(spec, kind, condition_dim):
    prior = get_prior(spec)
    assert type(prior) is type(copied(prior)) is kind
    assert copied(prior).get_config() == prior.get_config()
    assert get_prior(prior) is prior
    prior.prepare(
        3,
        condition_dim,
        (4,),
        lambda x, condition: DiagonalNormal().distribution(tf.concat([x, x[..., :2]], axis=-1)),
    )
    condition = None if condition_dim is None else tf.eye(5, 2)
    density = prior.distribution(condition)
    batch = () if condition is None or kind is StandardNormal else (5,)
    assert (density.batch_shape, density.event_shape) == (batch, (3,))
    assert density.mean().shape == density.stddev().shape == (*batch, 3)
    assert density.log_prob(tf.zeros([6, 5, 3])).shape == (6, 5)
    z = prior.draw(Noise.from_seeds(tf.range(5)), tf.ones([5]), condition)
    assert z.shape == (5, 3)
    alone = prior.draw(
        Noise.from_seeds([3]), tf.ones([1]), None if condition is None else condition[3:4]
    )
    np.testing.assert_allclose(alone[0], z[3], rtol=1e-5)


def test_a_prior_is_of_one_size():
    prior = get_prior("real_nvp")
    prior.prepare(3)
    weights = list(prior.weights)
    prior.prepare(3)
    assert prior.weights == weights
    with pytest.raises(
        UserError,
        match="latent_dim=3, condition_dim=None already, and this one has latent_dim=3, cond",
    ):
        prior.prepare(3, 2)


def test_a_posterior_with_weights_keeps_them_in_another_model():
    posterior = get_posterior("inverse_autoregressive_flow")
    posterior.prepare((3,))
    weights = list(posterior.weights)
    assert weights
    posterior.prepare((3,))
    assert posterior.weights == weights
    with pytest.raises(UserError, match="latent_dim=3 already, and this one has latent_dim=4"):
        posterior.prepare((4,))


def test_a_network_is_a_learned_prior():
    prior = get_prior(prior_network(6))
    assert isinstance(prior, LearnedNormal)
    assert len(prior.trainable_variables) == 2
    prior.prepare(3, 2)
    density = prior.distribution(tf.zeros([5, 2]))
    assert (density.batch_shape, density.event_shape) == ((5,), (3,))


def test_a_conditional_normal_begins_as_the_standard_one():
    prior = get_prior({"name": "conditional_normal", "hidden": (4,)})
    assert type(copied(prior)) is ConditionalNormal
    assert copied(prior).get_config() == prior.get_config()
    prior.prepare(3, 2)
    condition = tf.constant([[0.5, -1.0], [2.0, 0.0]])
    density = prior.distribution(condition)
    assert (density.batch_shape, density.event_shape) == ((2,), (3,))
    np.testing.assert_array_equal(density.mean(), np.zeros((2, 3)))
    np.testing.assert_array_equal(density.stddev(), np.ones((2, 3)))
    kernels = [np.random.default_rng(0).normal(size=w.shape) for w in prior.trainable_weights]
    for weight, values in zip(prior.trainable_weights, kernels, strict=True):
        weight.assign(values)
    density = prior.distribution(condition)
    loc, log_scale = prior.conditioner.shift_and_log_scale(condition)
    np.testing.assert_allclose(density.mean(), loc, rtol=1e-5)
    np.testing.assert_allclose(density.stddev(), np.exp(log_scale), rtol=1e-5)
    assert np.all(density.mean()[0] != density.mean()[1])
    z = prior.draw(Noise.from_seeds(tf.range(2)), tf.zeros([2]), condition)
    np.testing.assert_allclose(z, loc, rtol=1e-5)


def test_learned_prior_config():
    prior = get_prior(prior_network(6))
    copy = copied(prior)
    copy.network.set_weights(prior.network.get_weights())
    condition = tf.constant([[0.5, -1.0]])
    for layer in (prior, copy):
        layer.prepare(3, 2)
    np.testing.assert_allclose(
        copy.distribution(condition).mean(), prior.distribution(condition).mean()
    )
    assert np.any(prior.distribution(condition).mean() != 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_posterior("norml"), "Unknown posterior: 'norml'. Expected 'normal', or"),
        (lambda: get_prior("standard_norml"), "Unknown prior: .* Expected 'standard_normal', or"),
        (lambda: get_prior(prior_network(6)).prepare(3), "needs a condition"),
        (lambda: get_prior("conditional_normal").prepare(3), "needs a condition"),
        (lambda: ConditionalNormal(hidden=(0,)), "hidden.* at least 1"),
        (lambda: get_prior(prior_network(5)).prepare(3, 2), "gives 5 values.*needs 6"),
        (lambda: get_prior(prior_network(6)).prepare(3, 4), "cannot take conditions of 4 numbers"),
        (lambda: get_prior("real_nvp").prepare(1), "this code is 1 number"),
        (lambda: RealNVP(num_layers=0), "num_layers.* at least 1"),
        (lambda: MaskedAutoregressiveFlow(hidden=(8, 0)), "hidden.* at least 1"),
        (lambda: InverseAutoregressiveFlow(context_dim=0), "context_dim.* at least 1"),
        (lambda: VampPrior(0), "num_components.* at least 1"),
    ],
)
def test_mistakes(call, message):
    with pytest.raises(UserError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
