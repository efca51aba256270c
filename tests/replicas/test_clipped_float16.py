"""Under mixed_float16 the gradient of all replicas is clipped to what the optimizer was told."""

import subprocess
import sys

import pytest

SCRIPT = """
import keras
import numpy as np
import tensorflow as tf

import keras_vae

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
keras.config.set_dtype_policy("mixed_float16")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    networks = keras_vae.networks.dense((4,), 2, posterior="deterministic")
    model = keras_vae.Autoencoder(*networks)
    model.compile(keras.optimizers.SGD(1.0, CLIP=0.1), jit_compile=False, steps_per_execution=1)
before = [np.array(weight) for weight in model.trainable_weights]
model.fit(np.eye(4, dtype="float32"), batch_size=4, verbose=0)
moves = [np.array(w) - b for w, b in zip(model.trainable_weights, before, strict=True)]
norms = [np.linalg.norm(move) for move in moves]
print({"clipnorm": max(norms), "global_clipnorm": np.linalg.norm(norms),
       "clipvalue": max(np.abs(move).max() for move in moves)}["CLIP"])
"""


@pytest.mark.parametrize(
    "clip",
    [
        "global_clipnorm",
        *(pytest.param(clip, marks=pytest.mark.slow) for clip in ("clipnorm", "clipvalue")),
    ],
)
def test_the_sum_is_clipped(clip):
    script = SCRIPT.replace("CLIP", clip)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) == pytest.approx(0.1, rel=0.01)
