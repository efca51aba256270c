"""A worker that dies: the other ends with one sentence, and the same command goes on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_vae.recipes import Run
from recipes.tiny import write_data, write_recipe
from replicas.processes import worker_environments

MAIN = "import sys; from keras_vae.cli import main; main(sys.argv[1:], prog_name='keras-vae')"
EPOCHS = 10


@pytest.fixture(scope="module")
def hosts():
    """Two of (what comes before a command, address): network namespaces, where they are allowed."""
    names = [f"keras-vae-{os.getpid()}-{number}" for number in range(2)]
    ends = [f"kv{os.getpid() % 10**6}{letter}" for letter in "ab"]
    commands = [
        *(["ip", "netns", "add", name] for name in names),
        ["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]],
    ]
    for number, (name, end) in enumerate(zip(names, ends, strict=True)):
        inside = ["ip", "-n", name]
        commands += [
            ["ip", "link", "set", end, "netns", name],
            [*inside, "address", "add", f"10.77.0.{number + 1}/24", "dev", end],
            [*inside, "link", "set", end, "up"],
            [*inside, "link", "set", "lo", "up"],
        ]
    try:
        for command in commands if shutil.which("ip") else ():
            subprocess.run(command, check=True, capture_output=True)
        apart = shutil.which("ip") is not None
    except subprocess.CalledProcessError:
        apart = False
    yield (
        [
            (["ip", "netns", "exec", name] if apart else [], f"10.77.0.{number + 1}")
            for number, name in enumerate(names)
        ]
        if apart
        else None
    )
    for name in names if shutil.which("ip") else ():
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)


class Workers:
    """The two processes of one command, each in a folder of its own."""

    def __init__(self, folder: Path, hosts) -> None:
        environments = worker_environments()
        if hosts:
            cluster = {"worker": [f"{address}:2222" for _, address in hosts]}
            for index, environment in enumerate(environments):
                task = {"type": "worker", "index": index}
                environment["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": task})
        self.run = Run(folder / "chief" / "runs" / "tiny" / "1")
        self.processes = []
        # What keeps tests off the network would keep workers from each other.
        direct = {name: value for name, value in os.environ.items() if "proxy" not in name}
        for number, (name, environment) in enumerate(
            zip(("chief", "worker"), environments, strict=True)
        ):
            place = folder / name
            if not place.exists():
                place.mkdir()
                write_recipe(place)
                write_data(place)
            self.processes.append(
                subprocess.Popen(
                    [
                        *(hosts[number][0] if hosts else []),
                        *(sys.executable, "-c", MAIN, "fit", "tiny.toml", "--data", "squares.npz"),
                        *("--epochs", str(EPOCHS), "--no-export"),
                    ],
                    cwd=place,
                    env={**direct, **environment},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )

    def kill(self, number: int, epoch: int) -> None:
        """kill -9 when the run has come to an epoch."""
        patience = time.monotonic() + 300
        while len(self.run.history_rows()) < epoch:
            assert all(process.poll() is None for process in self.processes)
            assert time.monotonic() < patience
            time.sleep(0.02)
        self.processes[number].kill()

    def ended(self) -> list[tuple[int, str]]:
        """Exit status and what was written on stderr, of each."""
        try:
            errors = [process.communicate(timeout=300)[1] for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()
        return [
            (process.returncode, error)
            for process, error in zip(self.processes, errors, strict=True)
        ]


def variables(run: Run) -> list[np.ndarray]:
    model = keras.saving.load_model(run.model_file)
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [[(0, 3)], [(1, 3), (0, 6)]], ids=str)
def test_the_run_is_that_of_workers_that_lived(deaths, hosts, tmp_path):
    """Workers are killed at an epoch each."""
    whole = tmp_path / "whole"
    whole.mkdir()
    lived = Workers(whole, hosts)
    assert [code for code, _ in lived.ended()] == [0, 0]
    for victim, epoch in deaths:
        workers = Workers(tmp_path, hosts)
        workers.kill(victim, epoch)
        ends = workers.ended()
        assert ends[victim][0] == -signal.SIGKILL
        code, errors = ends[1 - victim]
        assert code == 2, errors[-3000:]
        (sentence,) = (line for line in errors.splitlines() if line.startswith("keras-vae: "))
        assert "Another worker has ended" in sentence
        assert "Traceback" not in errors
        assert not workers.run.finished
    workers = Workers(tmp_path, hosts)
    assert [code for code, _ in workers.ended()] == [0, 0]
    assert [path.name for path in workers.run.folder.parent.iterdir()] == ["1"]
    for one, other in zip(variables(workers.run), variables(lived.run), strict=True):
        np.testing.assert_array_equal(one, other)
    assert workers.run.history() == lived.run.history()
    assert workers.run.history()["epoch"] == list(range(1, EPOCHS + 1))
    assert not (tmp_path / "worker" / "runs").exists()
