"""A fit of some steps, which can be stopped after any of them."""

import keras
import numpy as np

import keras_vae

X = np.random.default_rng(0).random((23, 4), "float32")  # 6 steps an epoch, the last one short
EPOCHS = 3


def make(steps_per_execution=1, jit_compile=False, rate=None):
    keras.utils.set_random_seed(0)
    networks = keras_vae.networks.dense((4,), 2, hidden=(3,))
    model = keras_vae.VAE(*networks, likelihood="normal", corruption="gaussian")
    rate = rate or keras.optimizers.schedules.ExponentialDecay(1e-2, 3, 0.9)
    model.compile(
        keras.optimizers.Adam(rate),
        jit_compile=jit_compile,
        steps_per_execution=steps_per_execution,
        run_eagerly=steps_per_execution == 1,  # no graph to make
    )
    return model


def fit(model, *callbacks, epochs=EPOCHS, x=X):
    return model.fit(
        x,
        batch_size=4,
        epochs=epochs,
        validation_data=(X[:5],),
        verbose=0,
        callbacks=[*callbacks],
    )


class Stop(keras.callbacks.Callback):
    """Ctrl-C after a step, counted over all epochs."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) >= self.step:
            raise KeyboardInterrupt


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
