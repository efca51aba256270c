"""A prior that is a flow, written by a user, is served like the library's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import keras_vae
from keras_vae import networks
from keras_vae.distributions.priors import Prior
from keras_vae.models._importance import log_sums
from keras_vae.noise import Noise
from loaded_graph import Servable

tfb, tfd = tfp.bijectors, tfp.distributions

LATENT = 3
X = np.random.default_rng(0).uniform(size=(6, 4, 4, 1)).astype("float32")


@keras.saving.register_keras_serializable("tests")
class CouplingFlow(Prior):
    """The first number of the code moves and stretches the others (Dinh et al. 2016)."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(8, "tanh")
        self.last = keras.layers.Dense(2 * (LATENT - 1), bias_initializer="ones")

    def distribution(self, condition, training=False):
        def shift_and_log_scale(first, num, **kwargs):
            return tf.split(self.last(self.first(first)), 2, axis=-1)

        normal = tfd.MultivariateNormalDiag(tf.zeros([LATENT]), tf.ones([LATENT]))
        flow = tfb.RealNVP(num_masked=1, shift_and_log_scale_fn=shift_and_log_scale)
        return tfd.TransformedDistribution(normal, flow)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    pair = networks.dense(X.shape[1:], LATENT, hidden=(8,))
    return keras_vae.VAE(*pair, prior=CouplingFlow(), estimator="monte_carlo_kl")


@pytest.fixture(scope="module")
def served(model, tmp_path_factory):
    return Servable(model.export(tmp_path_factory.mktemp("models") / "flow"))


def test_samples_go_through_the_flow(model, served):
    images = model.sample(6, seed=7, temperature=0.5)
    asked = {"seed": np.arange(7, 13), "temperature": np.full(6, 0.5, "float32")}
    np.testing.assert_allclose(served("sample", **asked)["image"], images, atol=1e-5)
    standard = keras_vae.VAE(model.encoder, model.decoder)
    assert np.abs(standard.sample(6, seed=7, temperature=0.5) - images).max() > 1e-2
    for row in range(6):  # whatever shares the batch
        alone = served("sample", **{key: values[row : row + 1] for key, values in asked.items()})
        np.testing.assert_allclose(alone["image"][0], images[row], atol=1e-5)


def test_scores_are_those_of_the_flow(model, served):
    seed = np.full(6, 3)
    elbo = served("elbo", image=X, seed=seed)["elbo"]
    np.testing.assert_allclose(elbo, model.elbo(X, seed=3), rtol=1e-5)
    standard = keras_vae.VAE(model.encoder, model.decoder, estimator="monte_carlo_kl")
    assert np.abs(standard.elbo(X, seed=3) - elbo).min() > 1e-2
    x, noise = tf.constant(X), Noise.for_rows(tf.constant(seed), tf.constant(X))
    observed = model.likelihood_layer.observe(x, noise)
    log_sum, _ = log_sums(model, observed, None, noise, num_samples=50, samples_at_a_time=5)
    log_prob = served("log_prob", image=X, seed=seed)["log_prob"]
    np.testing.assert_allclose(log_prob, log_sum - np.log(50), atol=1e-3)
