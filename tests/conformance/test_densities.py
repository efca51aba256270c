"""Every likelihood, posterior and prior of the package, with the VAE, the CVAE and the IWAE."""

import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from conformance.cases import Case, loss_terms
from keras_vae.distributions.likelihoods import LIKELIHOODS
from keras_vae.distributions.posteriors import POSTERIORS
from keras_vae.distributions.priors import PRIORS

SMALL = {
    "inverse_autoregressive_flow": {"hidden": (5,), "context_dim": 4},
    "conditional_normal": {"hidden": (5,)},
    "normal_mixture": {"num_components": 3},
    "vamp": {"num_components": 3},
    "real_nvp": {"hidden": (5,)},
    "masked_autoregressive_flow": {"hidden": (5,)},
}
DENSITIES = [
    (kind, name)
    for kind, names in {"likelihood": LIKELIHOODS, "posterior": POSTERIORS, "prior": PRIORS}.items()
    for name in names
    if name != "deterministic"  # an autoencoder's
]


CLASSES = [(keras_vae.VAE, None), (keras_vae.CVAE, 3), (keras_vae.IWAE, None), (keras_vae.IWAE, 3)]
"""With the width of the condition."""


@pytest.mark.parametrize(
    ("cls", "condition_dim", "kind", "name"),
    [
        (*of, *density)
        for of in CLASSES
        for density in DENSITIES
        if of[1] is not None or density[1] != "conditional_normal"
    ],
)
def test_it_is_an_argument(cls, condition_dim, kind, name, eagerly):
    """Its terms are finite and train all its weights, and there are samples and ELBOs."""
    spec = {"name": name, **SMALL.get(name, {})}
    case = Case("", cls, "dense", {kind: spec}, condition_dim=condition_dim)
    model, data = case.build(), case.data(4)
    with tf.GradientTape() as tape:
        terms = loss_terms(model, *data, training=True)
        loss = tf.add_n([tf.reduce_sum(term) for term in terms.values()])
    assert np.isfinite(loss)
    weights = model.trainable_weights
    gradients = tape.gradient(loss, [weight.value for weight in weights])
    untrained = [
        weight.path
        for weight, gradient in zip(weights, gradients, strict=True)
        if gradient is None or not np.isfinite(gradient).all()
    ]
    assert not untrained
    condition = None if condition_dim is None else 1
    drawn = model.sample(2, condition, seed=0)
    assert drawn.shape == (2, 8, 8, 1)
    assert np.isfinite(drawn).all()
    assert np.isfinite(model.elbo(*data)).all()
