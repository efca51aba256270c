"""StopOnNaN: the term is named, and the last good weights come back bit for bit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from keras_vae.errors import UserError
from keras_vae.training import StopOnNaN

X = np.random.default_rng(0).random((12, 4), "float32")
BAD = X.copy()
BAD[-1] = 1e30  # its square is infinite; of the last batch: the steps before have moved the weights


class WithPenalty(keras_vae.VAE):
    """A third party's variant whose own term fails at step 2."""

    def loss_terms(self, x, condition, noise, training):
        terms = super().loss_terms(x, condition, noise, training)
        penalty = tf.where(self.step < 2, 0.0, np.inf)
        return terms | {"penalty": tf.fill([tf.shape(x)[0]], penalty)}


def build(kind=keras_vae.VAE, optimizer="adam"):
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), likelihood="normal")
    model = kind(*networks, likelihood="normal")
    model.compile(optimizer, jit_compile=False, steps_per_execution=1)
    return model


def fit(model, x, **arguments):
    arguments = {"callbacks": [StopOnNaN()], "epochs": 1, **arguments}
    return model.fit(x, batch_size=4, shuffle=False, verbose=0, **arguments)


def state(model):
    return [np.array(value) for value in [*model.variables, *model.optimizer.variables]]


def assert_same(before, after):
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_term_is_named_and_not_the_loss():
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
    model = keras_vae.Autoencoder(*networks)
    model.compile("sgd", jit_compile=False, steps_per_execution=1)
    with pytest.raises(UserError, match=r"^'reconstruction' is not finite"):
        fit(model, BAD)


def test_the_weights_come_back():
    """With the optimizer's state and the step, so that the fit can go on."""
    model = build()
    fit(model, X)
    before = state(model)
    with pytest.raises(UserError, match=r"^'(reconstruction|kl)' is not finite") as error:
        fit(model, BAD)
    assert "\n" not in str(error.value)
    assert_same(before, state(model))
    assert np.isfinite(fit(model, X).history["loss"]).all()
    assert int(model.step) == 6


def test_the_weights_of_the_epochs_beginning():
    """Two good epochs, then a bad one: what the second left is kept."""
    epoch = tf.Variable(0)
    data = tf.data.Dataset.range(3).map(lambda i: BAD if epoch == 2 and i == 2 else X)
    tell = keras.callbacks.LambdaCallback(on_epoch_begin=lambda number, logs: epoch.assign(number))
    model, good = build(), build()
    good.set_weights(model.get_weights())
    good.fit(data, epochs=2, verbose=0, callbacks=[tell])
    with pytest.raises(UserError):
        model.fit(data, epochs=5, verbose=0, callbacks=[tell, StopOnNaN()])
    assert int(model.step) == 6
    for one, other in zip(model.trainable_variables, good.trainable_variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_the_first_epoch():
    """The optimizer's state is put back too, though it was made after the fit began."""
    model = build()
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(UserError):
        fit(model, BAD)
    assert_same(before, [np.array(weight) for weight in model.weights])
    iteration, _, *moments = model.optimizer.variables
    assert int(iteration) == 0
    assert len(moments) == 2 * len(model.trainable_variables)
    for moment in moments:
        np.testing.assert_array_equal(moment, 0)


def test_a_variants_own_term_is_named():
    with pytest.raises(UserError, match="'penalty' is not finite"):
        fit(build(WithPenalty), X)


def test_validation_is_looked_at():
    model = build()
    with pytest.raises(UserError, match=r"^'val_(reconstruction|kl)' is not finite"):
        fit(model, X, validation_data=(BAD,))


def test_weights_that_the_last_step_spoilt():
    """Each loss was finite, but the epoch's one step made the weights overflow."""
    model = build(optimizer=keras.optimizers.SGD(1e38))
    before = [np.array(weight) for weight in model.weights]
    with pytest.raises(UserError, match=r"'weight .*' is not finite"):
        fit(model, 100 * X[:4])
    assert_same(before, [np.array(weight) for weight in model.weights])


def test_a_healthy_fit_is_left_alone():
    model, alone = build(), build()
    alone.set_weights(model.get_weights())
    fit(model, X, epochs=2)
    fit(alone, X, epochs=2, callbacks=[])
    assert_same(state(alone), state(model))
