"""Several workers: the chief reads what callbacks remember, and looks at the clock, for all."""

import json
import os
import subprocess
import sys

import pytest

from replicas.processes import worker_environments

SCRIPT = """
import json, sys
import keras, numpy as np, tensorflow as tf
import keras_vae
from keras_vae.training import Checkpoint

strategy = tf.distribute.MultiWorkerMirroredStrategy()
x = np.random.default_rng(0).random((20, 4), "float32")

class Score(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = [2.0, 1.0, 3.0, 4.0][epoch]

class Told(keras.callbacks.Callback):
    known = None

    def on_epoch_begin(self, epoch, logs=None):
        self.known = self.known or [epoch, stop.best, stop.best_epoch, stop.wait]
        self.known[4:] = [[weight.tolist() for weight in stop.best_weights or []]]

def fit(epochs):
    global stop
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras_vae.VAE(*keras_vae.networks.dense((4,), 2, hidden=(3,)), likelihood="normal")
        model.compile("adam", jit_compile=False)
    stop = keras.callbacks.EarlyStopping(
        "score", mode="min", patience=2, restore_best_weights=True
    )
    told = Told()
    checkpoint = Checkpoint(sys.argv[1], callbacks=[stop])
    history = model.fit(
        x, batch_size=10, epochs=epochs, verbose=0, callbacks=[told, Score(), checkpoint]
    )
    weights = [weight.tolist() for weight in model.get_weights()]
    return {"told": told.known, "epochs": history.epoch, "weights": weights}

print(json.dumps([fit(3), fit(9), fit(9)]))

class Saves(Checkpoint):
    def _save(self, epoch, step, *others):
        saves.append([epoch, step])
        super()._save(epoch, step, *others)

def saves_every(minutes):
    global saves
    saves = []
    with strategy.scope():
        model = keras_vae.VAE(*keras_vae.networks.dense((4,), 2, hidden=(3,)), likelihood="normal")
        model.compile("adam", jit_compile=False, steps_per_execution=1)
    checkpoint = Saves(sys.argv[1] + minutes, every=f"{minutes} minutes")
    model.fit(x, batch_size=5, epochs=1, verbose=0, callbacks=[checkpoint])
    return saves

# The first worker's clock counts: the other one's says never.
first = strategy.cluster_resolver.task_id == 0
print(json.dumps(saves_every("0.0000001" if first else "1000")))
print(json.dumps(saves_every("1000" if first else "0.0000001")))
"""


@pytest.mark.slow
def test_all_workers_know_what_the_chief_has_read(tmp_path):
    """Three epochs; then one more, after which the patience is spent; then none."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path / str(number))],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, environment in enumerate(worker_environments())
    ]
    found = [process.communicate() for process in processes]
    for process, (_, errors) in zip(processes, found, strict=True):
        assert process.returncode == 0, errors[-3000:]
    lines = [[json.loads(line) for line in output.splitlines()[-3:]] for output, _ in found]
    assert lines[0] == lines[1]
    chief, often, never = lines[0]
    assert often == [[0, 1], [0, 2], [0, 3], [0, 4], [1, 0]]
    assert never == [[1, 0]]
    three, one, none = chief
    best = three["weights"]
    assert one["told"] == [3, 1.0, 1, 1, best]
    assert (one["epochs"], one["weights"]) == ([0, 1, 2, 3], best)
    assert (none["told"], none["epochs"], none["weights"]) == (None, [0, 1, 2, 3], best)
    assert {path.name[0] for path in tmp_path.iterdir()} == {"0"}  # the other worker writes nothing
