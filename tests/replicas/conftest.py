"""What came of every case of `train.py`, on one device and on two replicas."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from replicas.processes import worker_environments
from replicas.train import GROUPS

SCRIPT = Path(__file__).with_name("train.py")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The name of a group -> the name of a run -> case/quantity -> array."""

    @cache
    def of_group(group: str) -> dict[str, dict[str, np.ndarray]]:
        folder = tmp_path_factory.mktemp(group)
        chief, worker = worker_environments()
        environments = {"none": {}, "mirrored": {}, "chief": chief, "worker": worker}
        processes = {}
        for name, environment in environments.items():
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
