"""LatentMonitor: the latent space's use stands in the history of a fit."""

import numpy as np
import pytest

import keras_vae
from keras_vae.evaluation import active_units, kl_per_dimension
from keras_vae.training import LatentMonitor

X = np.random.default_rng(0).random((12, 5), "float32")


@pytest.mark.parametrize("condition", [None, np.arange(12) % 3], ids=["VAE", "CVAE"])
def test_each_epoch_is_logged(condition):
    networks = keras_vae.networks.dense(
        (5,), 2, hidden=(4,), condition_dim=None if condition is None else 3
    )
    model = (keras_vae.VAE if condition is None else keras_vae.CVAE)(*networks)
    kernel, bias = model.encoder.layers[-2].get_weights()
    kernel[:, 0] *= 20  # the first dimension is active, the second is not
    kernel[:, 1] = 0
    model.encoder.layers[-2].set_weights([kernel, bias])
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    monitor = LatentMonitor(X, condition)
    history = model.fit(X, condition, epochs=2, verbose=0, callbacks=[monitor]).history

    assert history["active_units"] == [1, 1]
    assert active_units(model, X, condition) == 1
    assert [entry.shape for entry in monitor.kl_per_dimension] == [(2,), (2,)]
    np.testing.assert_allclose(
        monitor.kl_per_dimension[-1], kl_per_dimension(model, X, condition), rtol=1e-6
    )
    assert not np.allclose(*monitor.kl_per_dimension)
