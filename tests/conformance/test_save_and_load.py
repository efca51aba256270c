"""A file keeps weights, optimizer and step, and a new process goes on from it bit for bit."""

import json
import subprocess
import sys
from functools import cache

import keras
import numpy as np
import pytest

from conformance.cases import BATCH_SIZE, CASES, VARIANTS, named, slow
from conformance.compare import assert_same

# One process for many cases, because TensorFlow takes seconds to import, and two because neither
# order of the imports may matter.
IMPORTS = ("import keras, keras_vae", "import keras_vae, keras")
LOAD = """
import json, numpy as np, tensorflow as tf
tf.config.optimizer.set_experimental_options({{"disable_meta_optimizer": True}})  # as conftest.py
for line in sys.stdin:
    what, file, data, found = json.loads(line)
    data = [array for array in np.load(data).values()]
    model = keras.saving.load_model(file)
    if what == "loaded":
        out = {{"weights": model.get_weights(), "code": [model.encode(*data)]}}
        out["optimizer"] = [np.array(variable) for variable in model.optimizer.variables]
    else:
        model.fit(*data, batch_size={batch_size}, shuffle=False, verbose=0)
        out = {{"weights": model.get_weights()}}
    arrays = {{f"{{k}} {{i:03d}}": np.array(v) for k, l in out.items() for i, v in enumerate(l)}}
    np.savez(found, **arrays)
    print("done", flush=True)
"""


@pytest.fixture(scope="session")
def in_a_new_process(tmp_path_factory, fitted_of):
    """("loaded" or "resumed", a case's name) -> the arrays of the model in its file."""
    folder = tmp_path_factory.mktemp("new-process")

    @cache
    def process(imports: str) -> subprocess.Popen[str]:
        code = f"import os, sys; sys.path[:0] = {sys.path!r}; os.chdir({str(folder)!r}); {imports}"
        return subprocess.Popen(
            [sys.executable, "-c", code + LOAD.format(batch_size=BATCH_SIZE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    names = [case.name for case in (*CASES, *VARIANTS)]

    @cache
    def read(what: str, name: str) -> dict[str, list[np.ndarray]]:
        data, found = folder / f"{name} data.npz", folder / f"{name} {what}.npz"
        np.savez(data, *named(name).data())
        other = process(IMPORTS[names.index(name) % 2])
        files = [str(path) for path in (fitted_of(name).file, data, found)]
        print(json.dumps([what, *files]), file=other.stdin, flush=True)
        assert other.stdout.readline() == "done\n"
        out = {}
        for key, value in np.load(found).items():
            out.setdefault(key.split()[0], []).append(value)
        return out

    yield read
    for imports in IMPORTS:
        process(imports).communicate()


def test_new_process_finds_everything(case, fitted, in_a_new_process):
    found = in_a_new_process("loaded", case.name)
    assert_same(found["weights"], fitted.saved_weights)
    assert_same(found["optimizer"], fitted.saved_optimizer)


def test_new_process_encodes_the_same(case, fitted, in_a_new_process):
    model = case.build()
    model.set_weights(fitted.saved_weights)
    assert_same(in_a_new_process("loaded", case.name)["code"], [model.encode(*case.data())])


# Weights, optimizer and step are found of all cases: how Keras goes on from them, few can show.
QUICK = [named("autoencoder convolutional"), named("vae dense"), named("cvae learned prior")]
MORE = [case for case in (*CASES, *VARIANTS) if case not in QUICK]


@pytest.mark.parametrize("case", [*QUICK, *slow(MORE)], ids=str)
def test_new_process_goes_on_bit_for_bit(case, fitted_of, in_a_new_process):
    resumed = in_a_new_process("resumed", case.name)
    assert_same(resumed["weights"], fitted_of(case.name).model.get_weights())


def test_step_is_a_saved_weight(case, fitted):
    paths = [weight.path for weight in fitted.model.weights]
    assert fitted.saved_weights[paths.index(fitted.model.step.path)] == 10
    assert int(fitted.model.step) == 15


def test_optimizer_state_is_not_empty(fitted):
    assert sum(np.abs(array).sum() > 0 for array in fitted.saved_optimizer) > 2


@pytest.mark.filterwarnings("error::UserWarning")
def test_weights_file(case, fitted):
    model = case.build()
    case.compile(model, keras.optimizers.Adam(0.01))
    model.load_weights(fitted.file.with_suffix(".weights.h5"))
    assert_same(model.get_weights(), fitted.saved_weights)
    assert_same([np.array(value) for value in model.optimizer.variables], fitted.saved_optimizer)
