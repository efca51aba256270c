"""`keras-vae launch`: workers on this machine, and what is said when one of them dies."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_vae.recipes import Run
from recipes.tiny import write_data, write_recipe

MAIN = "import sys; from keras_vae.cli import main; main(sys.argv[1:], prog_name='keras-vae')"


def launched(folder: Path, *command: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "launch", "-n", "2", "--", *command],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sentences(errors: str) -> list[str]:
    return [line for line in errors.splitlines() if line.startswith("keras-vae: ")]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["list"], "launch starts workers of fit. Received 'list'."),
        (["fit", "nothing"], "Unknown recipe 'nothing'"),
        (["fit", "mnist-vae", "--strategi"], "No such option"),
    ],
)
def test_a_mistake_is_told_once(command, sentence, tmp_path):
    process = launched(tmp_path, *command)
    output, errors = process.communicate(timeout=200)
    assert (process.returncode, output) == (2, "")
    (said,) = sentences(errors)
    assert sentence in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the worker in /proc")
def test_a_worker_dies_and_the_same_command_goes_on(tmp_path):
    write_recipe(tmp_path)
    write_data(tmp_path)
    command = ["fit", "tiny.toml", "--data", "squares.npz", "--no-export", "--epochs", "8"]
    run = Run(tmp_path / "runs" / "tiny" / "1")
    process = launched(tmp_path, *command)
    patience = time.monotonic() + 120
    while len(run.history_rows()) < 2:
        assert process.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    (worker,) = (
        int(child)
        for child in children
        if '"index": 1' in Path(f"/proc/{child}/environ").read_text()
    )
    os.kill(worker, 9)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 2
    gone, which = sentences(errors)
    assert "Another worker has ended" in gone
    assert which == "keras-vae: Worker 1 of 2 ended by SIGKILL."

    process = launched(tmp_path, *command)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert output.count("Epoch ") == 8 - int(output.split("Epoch ")[1].split("/")[0]) + 1 < 8
    assert run.history()["epoch"] == list(range(1, 9))
    assert run.metrics()["command"].startswith("keras-vae fit tiny.toml")
    assert [path.name for path in run.folder.parent.iterdir()] == ["1"]
