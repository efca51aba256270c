"""Seeds are whole numbers in one range, wherever they are given."""

import numpy as np
import pytest

import keras_vae
from keras_vae.errors import UserError
from keras_vae.evaluation import annealed_importance_sampling, inference_gaps, posterior_samples

X = np.zeros((2, 5), "float32")


@pytest.mark.parametrize("seed", [-1, 1.5, None, 2**53])
def test_another_seed_is_refused(seed):
    networks = keras_vae.networks.dense((5,), 2, hidden=(4,))
    with pytest.raises(UserError, match="A seed is a whole number"):
        keras_vae.VAE(*networks, seed=seed)
    vae = keras_vae.VAE(*networks)
    for call in (
        vae.elbo,
        vae.log_likelihood,
        vae.observed_codes,
        vae.marginal_kl,
        lambda x, seed: annealed_importance_sampling(vae, x, seed=seed),
        lambda x, seed: posterior_samples(vae, x, seed=seed),
        lambda x, seed: inference_gaps(vae, x, seed=seed),
    ):
        with pytest.raises(UserError, match="A seed is a whole number"):
            call(X, seed=seed)
