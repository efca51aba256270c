"""The programs of compiled steps: how many there are."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
import keras_vae

autoencoder = keras_vae.Autoencoder(
    *keras_vae.networks.dense((4,), 2, hidden=(3,), posterior="deterministic")
)
autoencoder.compile("sgd", steps_per_execution={num_steps})
for seed in range(2):
    x = np.random.default_rng(seed).random((43, 4), "float32")
    autoencoder.fit({x}, batch_size=5, epochs=2, verbose=0)
"""


MAPPED = "np.save('x.npy', x) or np.load('x.npy', mmap_mode='r')"


@pytest.mark.parametrize(
    ("num_steps", "x"),
    [
        (2, "x"),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in ((1, "x"), (1, MAPPED), (2, MAPPED))
        ),
    ],
)
def test_one_for_whole_batches_and_one_for_a_short_one(num_steps, x, tmp_path):
    """Not one for each batch, each epoch or each fit: a compilation takes seconds."""
    environment = {**os.environ, "XLA_FLAGS": f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text"}
    script = SCRIPT.format(num_steps=num_steps, x=x)
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=tmp_path, check=True)
    programs = list(tmp_path.glob("*inference_run*before_optimizations.txt"))
    assert len(programs) == 2
