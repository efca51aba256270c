"""What every test has: the TensorFlow backend, a fixed seed, the local data, and no network."""

import gc
import gzip
import os
import struct
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Tiny models run for milliseconds, and are compiled for seconds: half of that is LLVM's optimizer.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0"

os.environ["MATPLOTLIBRC"] = str(Path(__file__).with_name("matplotlibrc"))

# Nothing listens there, so a download fails at once, in the commands that tests start as well.
os.environ["http_proxy"] = os.environ["https_proxy"] = "http://127.0.0.1:9"
os.environ["no_proxy"] = "127.0.0.1,localhost"

DATA = Path(__file__).parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("KERAS_VAE_DATA", str(DATA))

import keras  # noqa: E402 (the backend is chosen when Keras is imported)
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

# A graph runs a few times here: optimizing it takes longer. Commands that tests start do optimize.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
# Graphs are millions of objects, and few of them become garbage: it is looked for less often.
gc.freeze()
gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One process for what is fitted once: each case of conformance/, cli/, or a file."""
    from xdist.scheduler import LoadScopeScheduling

    from conformance.cases import CASES, VARIANTS

    names = sorted((case.name for case in (*CASES, *VARIANTS)), key=len, reverse=True)

    class ByCase(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            if "conformance/" in file:
                return next((name for name in names if name in test), file)
            if "cli/" in file:
                return "cli"
            return file

    return ByCase(config, log)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def eagerly():
    """No function becomes a graph, which takes longer than tiny data take to run."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def lean(eagerly, monkeypatch):
    """Fits without graphs and pictures, which are most of the time of a tiny one."""
    monkeypatch.setattr("keras_vae.recipes._finishing.draw_all", lambda run, model, dataset: None)


@pytest.fixture
def write_idx():
    """Writes a uint8 array as an IDX file, compressed if its name says so."""

    def write(path, array):
        path.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        content = header + array.tobytes()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    return write
