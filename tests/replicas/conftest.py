"""What came of every case of `train.py`, on one device and on two replicas."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from replicas.processes import worker_environments
from replicas.train import GROUPS

SCRIPT = Path(__file__).with_name("train.py")


RUNS = {"none": ["none"], "mirrored": ["mirrored"], "multiworker": ["chief", "worker"]}
"""The processes of each strategy."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The names of a group and of a run -> case/quantity -> array."""

    @cache
    def of_strategy(group: str, strategy: str) -> dict[str, dict[str, np.ndarray]]:
        folder = tmp_path_factory.mktemp(group)
        environments = dict(zip(RUNS["multiworker"], worker_environments(), strict=True))
        processes = {}
        for name in RUNS[strategy]:
            command = [sys.executable, str(SCRIPT), strategy, group, str(folder / f"{name}.npz")]
            environment = {**os.environ, **environments.get(name, {})}
            processes[name] = subprocess.Popen(
                command, env=environment, stderr=subprocess.PIPE, text=True
            )
        for process in processes.values():
            _, errors = process.communicate()
            assert process.returncode == 0, errors[-3000:]
        return {name: dict(np.load(folder / f"{name}.npz")) for name in processes}

    def of_run(group: str, name: str) -> dict[str, np.ndarray]:
        (strategy,) = (strategy for strategy, names in RUNS.items() if name in names)
        return of_strategy(group, strategy)[name]

    return of_run


@pytest.fixture
def outcome(case, trained) -> Callable[[str], dict[str, np.ndarray]]:
    """The name of a run -> the quantities of the case that the test is about."""
    (group,) = (name for name, cases in GROUPS.items() if case in cases)

    def of_run(name: str) -> dict[str, np.ndarray]:
        return {
            key.removeprefix(f"{case}/"): value
            for key, value in trained(group, name).items()
            if key.startswith(f"{case}/")
        }

    return of_run
