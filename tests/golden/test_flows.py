"""Every flow: its inverse to 1e-5, its log-determinant against autodiff, its density against both.

And what only masks can give: that an autoregressive layer's Jacobian is triangular.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_vae.distributions import (
    InverseAutoregressiveFlow,
    MaskedAutoregressiveFlow,
    RealNVP,
)
from keras_vae.distributions.conditioners import AutoregressiveConditioner
from keras_vae.distributions.layered import LayeredPosterior, LayeredPrior
from keras_vae.distributions.normal_priors import StandardNormal

ROWS, DIM = 4, 5


def disturbed(layer, scale):
    """The layer with weights other than those that it begins with, a flow as the identity."""
    generator = np.random.default_rng(1)
    layer.set_weights([scale * generator.normal(size=array.shape) for array in layer.get_weights()])
    return layer


def prior(layer, scale, condition_dim=None):
    layer.prepare(DIM, condition_dim)
    condition = None if condition_dim is None else tf.random.stateless_normal([ROWS, 2], [1, 2])
    return disturbed(layer, scale).distribution(condition)


def iaf(scale):
    layer = InverseAutoregressiveFlow(num_layers=3, hidden=(9,), context_dim=4)
    layer.prepare((DIM,))
    params = tf.random.stateless_normal([ROWS, *layer.params_shape((DIM,))], [3, 4])
    return disturbed(layer, scale).distribution(params)


def network(inputs, outputs):
    return keras.Sequential([keras.Input((inputs,)), keras.layers.Dense(outputs)])


def layered_prior(scale):
    layer = LayeredPrior(StandardNormal(), [network(2, 6)], network(3, 4), (3, 2))
    layer.prepare(DIM)
    return disturbed(layer, scale).distribution(None)


def layered_posterior(scale):
    layer = disturbed(LayeredPosterior([network(3, 4)], (3, 2)), scale)
    return layer.distribution(tf.random.stateless_normal([ROWS, 6], [5, 6]))


FLOWS = {
    "RealNVP": lambda scale: prior(RealNVP(3, (8, 7)), scale),
    "RealNVP of a condition": lambda scale: prior(RealNVP(3, (8,)), scale, 2),
    "MAF": lambda scale: prior(MaskedAutoregressiveFlow(3, (8, 7)), scale),
    "MAF of a condition": lambda scale: prior(MaskedAutoregressiveFlow(2, (8,)), scale, 2),
    "IAF": iaf,
    "layered prior": layered_prior,
    "layered posterior": layered_posterior,
}


@pytest.fixture(params=FLOWS)
def flow(request):
    return FLOWS[request.param](0.4)


@pytest.fixture
def standard():
    return tf.random.stateless_normal([ROWS, DIM], [7, 8])


def jacobian(flow, standard):
    with tf.GradientTape() as tape:
        tape.watch(standard)
        z = flow.bijector.forward(standard)
    return tape.batch_jacobian(z, standard)  # (rows, outputs, inputs)


def test_it_moves_what_it_is_given(flow, standard):
    assert np.abs(flow.bijector.forward(standard) - standard).max() > 0.3


def test_density_by_autodiff(flow, standard):
    """log p(f(u)) = log N(u; 0, I) - log |det df/du|, whichever way it is computed."""
    normal = -0.5 * np.sum(np.square(standard) + np.log(2 * np.pi), axis=1)
    _, log_det = np.linalg.slogdet(jacobian(flow, standard).numpy().astype("float64"))
    z = flow.bijector.forward(standard)
    for codes in (z, tf.identity(z)):  # with what the bijector remembers of z, and without
        np.testing.assert_allclose(flow.log_prob(codes), normal - log_det, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in FLOWS if "layered" not in name])
def test_inverse(name, standard):
    flow = FLOWS[name](0.4)
    z = tf.identity(flow.bijector.forward(standard))
    np.testing.assert_allclose(flow.bijector.inverse(z), standard, atol=1e-5)
    back = tf.identity(flow.bijector.inverse(standard))
    np.testing.assert_allclose(flow.bijector.forward(back), standard, atol=1e-5)


@pytest.mark.parametrize("name", FLOWS)
def test_moments_are_those_of_samples(name):
    """Roughly: what bends much is estimated badly by few points."""
    flow = FLOWS[name](0.15)
    noise = tf.random.stateless_normal([20000, 1, DIM], [9, 10])
    z = flow.bijector.forward(noise + tf.zeros([*(flow.batch_shape.as_list() or [1]), DIM])).numpy()
    mean, scale = z.mean(axis=0), z.std(axis=0)
    assert (np.abs(flow.mean() - mean) < 0.15 * scale).all()
    assert (np.abs(flow.stddev() - scale) < 0.15 * scale).all()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("hidden", [(), (14,), (18, 14)])
def test_an_autoregressive_conditioner_sees_what_comes_before(hidden, reverse):
    layer = disturbed(AutoregressiveConditioner(DIM, hidden, 2, reverse=reverse), 0.4)
    rows = 200  # enough for no unit to be off in all
    standard = tf.random.stateless_normal([rows, DIM], [7, 8])
    context = tf.random.stateless_normal([rows, 2], [1, 2])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([standard, context])
        outputs = layer.shift_and_log_scale(standard, context)
    for output in outputs:
        seen = np.abs(tape.batch_jacobian(output, standard)).max(axis=0) > 0
        before = np.tri(DIM, k=-1, dtype=bool)
        np.testing.assert_array_equal(seen, before[::-1, ::-1] if reverse else before)
    first = -1 if reverse else 0
    assert np.abs(tape.batch_jacobian(outputs[0], context)[:, first]).max() > 0


def test_a_narrow_autoregressive_conditioner_sees_some_of_what_comes_before():
    """Of twelve numbers by three units, evenly: the last output sees eight of eleven."""
    layer = disturbed(AutoregressiveConditioner(12, (3,), None, reverse=False), 0.4)
    values = tf.random.stateless_normal([200, 12], [7, 8])
    with tf.GradientTape() as tape:
        tape.watch(values)
        shift, _ = layer.shift_and_log_scale(values)
    seen = np.abs(tape.batch_jacobian(shift, values)).max(axis=0) > 0
    np.testing.assert_array_equal(seen.sum(axis=1), [0] * 4 + [4] * 4 + [8] * 4)


def test_a_new_flow_is_the_identity(standard):
    for layer in (RealNVP(), MaskedAutoregressiveFlow()):
        layer.prepare(DIM)
        np.testing.assert_array_equal(layer.distribution(None).bijector.forward(standard), standard)
