"""Keras' own training functions fail under strategies; the day they do not, ours may go."""

import subprocess
import sys

import pytest

SCRIPT = """
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", loss="mse", steps_per_execution=4)
x = np.ones((20, 4), "float32")
try:
    model.fit(x, x, batch_size=5, verbose=0)
except Exception as error:
    print("Keras fails:", type(error).__name__)
else:
    print("Keras works")
"""


@pytest.mark.slow
def test_keras_still_needs_replicated_steps():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert "Keras fails" in done.stdout, (
        "Keras trains on replicas with several steps per execution: see whether "
        f"models/_replicated_steps.py is still needed. {done.stdout} {done.stderr[-2000:]}"
    )
