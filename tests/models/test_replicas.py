"""The number of replicas changes neither the noise nor the step that is taken."""

import subprocess
import sys

import pytest

SCRIPT = """
import contextlib
import sys
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras_vae

x = np.random.default_rng(0).integers(0, 256, (25, 8, 8, 1), np.uint8)


def vae():
    encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3, hidden=(8,))
    return keras_vae.VAE(
        encoder, decoder, likelihood={"name": "bernoulli", "binarization": "dynamic"}
    )


def sparse(sparsity, networks):
    posterior = {"name": "deterministic", "activation": "sigmoid"}
    sizes = {"hidden": ()} if networks == "dense" else {"filters": (4,), "kernel_size": 3}
    dims = {"latent_dim": 12} if networks == "dense" else {}
    encoder, decoder = getattr(keras_vae.networks, networks)(
        (8, 8, 1), **dims, **sizes, posterior=posterior, likelihood="bernoulli"
    )
    return keras_vae.SparseAutoencoder(
        encoder, decoder, likelihood="bernoulli", posterior=posterior, sparsity=sparsity
    )


def make():
    return vae() if sys.argv[1] == "vae" else sparse(*sys.argv[1:])


def weights_after_training(strategy):
    keras.utils.set_random_seed(0)
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = make()
        model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
        model.optimizer.build(model.trainable_variables)
    batches = tf.data.Dataset.from_tensor_slices(x).batch(10)  # the last one holds 5 rows: 3 and 2
    if strategy is not None:
        batches = strategy.experimental_distribute_dataset(batches)

    @tf.function
    def step(batch):
        tf.distribute.get_strategy().run(model.train_step, args=(batch,))

    with contextlib.nullcontext() if strategy is None else strategy.scope():
        for _ in range(2):
            for batch in batches:
                step(batch)
    logs = {name: float(value) for name, value in model.get_metrics_result().items()}
    return [keras.ops.convert_to_numpy(w) for w in model.trainable_variables], logs


one, one_logs = weights_after_training(None)
two, two_logs = weights_after_training(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
for name in one_logs:
    np.testing.assert_allclose(one_logs[name], two_logs[name], rtol=1e-5, err_msg=name)
print("equal after", len(one), "weights")
"""


@pytest.mark.parametrize(
    "case",
    [
        ["vae"],
        ["kl", "dense"],
        ["kl", "fully_convolutional"],
        ["winner_take_all", "dense"],
        ["winner_take_all", "fully_convolutional"],
    ],
    ids=" ".join,
)
def test_two_replicas_take_the_steps_of_one(case):
    # A process of its own: logical devices must be made before TensorFlow runs anything.
    command = [sys.executable, "-c", SCRIPT, *case]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "equal after" in done.stdout, done.stderr[-2000:]
