"""An export that is killed at any moment leaves no version that does not load."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

import keras_vae

EXPORTER = """
import sys
import keras
import keras_vae
keras.utils.set_random_seed(0)
encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=3)
vae = keras_vae.VAE(encoder, decoder)
print("ready", flush=True)
while True:
    print(vae.export(sys.argv[1]), flush=True)
"""
KILLS = 20


@pytest.mark.slow
def test_every_visible_version_loads(tmp_path):
    model = tmp_path / "vae"
    chance = random.Random(0)
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", EXPORTER, str(model)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        if kill % 4 == 0:
            process.stdout.readline()  # so that some versions are whole
        time.sleep(chance.uniform(0, 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
    visible = [path for path in model.iterdir() if not path.name.startswith(".")]
    assert len(visible) >= KILLS / 4
    assert all(path.name.isdecimal() for path in visible)
    expected = keras_vae.from_preset("vae", models=tmp_path).sample(2, seed=0)
    for folder in visible:
        sample = tf.saved_model.load(folder).signatures["sample"]
        images = sample(seed=tf.constant([0, 1], tf.int64), temperature=tf.ones([2]))["image"]
        np.testing.assert_allclose(images, expected, atol=1e-5)
        assert keras_vae.recipes.open_model(str(folder)).name == "vae"
