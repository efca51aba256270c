"""`keras-vae fit --strategy`: the run of one device, whoever shares the work, kept once."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vae.errors import UserError
from keras_vae.recipes import Run
from keras_vae.training import get_strategy
from recipes.tiny import write_data, write_recipe
from replicas.processes import worker_environments

# Adam divides by the size of the gradient. Where that is next to nothing, rounding decides about a
# share of the step: at 1e-3, on some processors, of 1.4e-6 for one weight in 512.
OPTIMIZER = 'optimizer = {name = "adam", learning_rate = 2e-4}\n'
MAIN = "import sys; from keras_vae.cli import main; main(sys.argv[1:], prog_name='keras-vae')"
TWO_DEVICES = """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""


def write_files(folder: Path) -> None:
    """A recipe that ends with [training], and its data."""
    recipe = write_recipe(folder)
    recipe.write_text(recipe.read_text() + OPTIMIZER)
    write_data(folder)


class Started:
    """The processes of one command in a folder, under one strategy."""

    def __init__(self, folder: Path, strategy: str, *options: str) -> None:
        command = ["fit", "tiny.toml", "--data", "squares.npz", "--no-export", *options]
        told = [{}] if strategy != "multiworker" else worker_environments()
        first = TWO_DEVICES if strategy == "mirrored" else ""
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-c", first + MAIN, *command, "--strategy", strategy],
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for environment in told
        ]

    def ended(self) -> list[str]:
        """What they printed, after all have come to a good end."""
        found = [process.communicate() for process in self.processes]
        for process, (_, errors) in zip(self.processes, found, strict=True):
            assert process.returncode == 0, errors[-3000:]
        return [output for output, _ in found]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """The strategy -> the folder of its run and what its processes printed."""

    @cache
    def of_strategy(strategy):
        folder = tmp_path_factory.mktemp(strategy)
        write_files(folder)
        return folder, Started(folder, strategy).ended()

    return of_strategy


def assert_same_run(one: Run, other: Run) -> None:
    """Weights, optimizer, history and results, to 1e-6 or what float32 sums leave of it."""
    models = [keras.saving.load_model(run.model_file) for run in (one, other)]
    for a, b in zip(*([*m.variables, *m.optimizer.variables] for m in models), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6, rtol=1e-6, err_msg=a.path)
    for key, values in one.history().items():
        np.testing.assert_allclose(other.history()[key], values, rtol=1e-5, err_msg=key)
    assert one.metrics()["metrics"] == pytest.approx(other.metrics()["metrics"], rel=1e-5)


STRATEGIES = pytest.mark.parametrize(
    "strategy", ["multiworker", pytest.param("mirrored", marks=pytest.mark.slow)]
)


@STRATEGIES
def test_the_run_is_that_of_one_device(strategy, fitted):
    one, other = (Run(fitted(name)[0] / "runs" / "tiny" / "1") for name in ("none", strategy))
    assert len(one.history_rows()) == 2
    assert_same_run(one, other)


@STRATEGIES
def test_the_chief_alone_writes_and_prints(strategy, fitted):
    folder, (chief, *workers) = fitted(strategy)
    assert str(Path("runs/tiny/1/model.keras")) in chief.splitlines()
    assert workers == [""] * (strategy == "multiworker")
    assert sorted(path.name for path in folder.iterdir()) == ["runs", "squares.npz", "tiny.toml"]
    assert [path.name for path in (folder / "runs" / "tiny").iterdir()] == ["1"]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mirrored", "multiworker"])
def test_resume(strategy, fitted, tmp_path):
    """A run begun on one device, and ended on two replicas."""
    write_files(tmp_path)
    Started(tmp_path, "none", "--epochs", "1").ended()
    run = Run(tmp_path / "runs" / "tiny" / "1")
    run.metrics_file.unlink()
    Started(tmp_path, strategy, "--resume", "--epochs", "2").ended()
    assert_same_run(Run(fitted("none")[0] / "runs" / "tiny" / "1"), run)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs", "squares.npz", "tiny.toml"]


@pytest.mark.parametrize(
    ("config", "received"),
    [
        (None, "It is not set"),
        ("{", "Received '{'"),
        ('{"cluster": {"worker": ["a:1"]}}', "Received"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "Received"),
    ],
)
def test_a_tf_config_that_says_too_little(config, received, tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match=received):
        get_strategy("multiworker")


def test_names():
    assert get_strategy("none") is None
    with pytest.raises(UserError, match="Received 'tpu'"):
        get_strategy("tpu")
