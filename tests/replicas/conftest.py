"""What came of every case of `train.py`, on one device and on two replicas."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from replicas.train import GROUPS

SCRIPT = Path(__file__).with_name("train.py")


def free_ports(num: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(num)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def environments() -> dict[str, dict[str, str]]:
    """The name of a run -> what its process is told; the workers are two runs."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    told: dict[str, dict[str, str]] = {"none": {}, "mirrored": {}}
    for index, name in enumerate(["chief", "worker"]):
        task = {"type": "worker", "index": index}
        told[name] = {"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})}
    return told


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The name of a group -> the name of a run -> case/quantity -> array."""

    @cache
    def of_group(group: str) -> dict[str, dict[str, np.ndarray]]:
        folder = tmp_path_factory.mktemp(group)
        processes = {}
        for name, environment in environments().items():
            strategy = name if name in ("none", "mirrored") else "multiworker"
            command = [sys.executable, str(SCRIPT), strategy, group, str(folder / f"{name}.npz")]
            processes[name] = subprocess.Popen(
                command, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
            )
        for process in processes.values():
            _, errors = process.communicate()
            assert process.returncode == 0, errors[-3000:]
        return {name: dict(np.load(folder / f"{name}.npz")) for name in processes}

    return of_group


@pytest.fixture
def outcomes(case, trained) -> dict[str, dict[str, np.ndarray]]:
    """The name of a run -> the quantities of the case that the test is about."""
    (group,) = (name for name, cases in GROUPS.items() if case in cases)
    return {
        run: {
            key.removeprefix(f"{case}/"): value
            for key, value in arrays.items()
            if key.startswith(f"{case}/")
        }
        for run, arrays in trained(group).items()
    }
