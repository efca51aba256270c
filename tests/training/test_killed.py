"""kill -9 at a random moment, in a fit of every family: the fit goes on as if it had not been."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_vae
from conformance.cases import CASES, VARIANTS
from training.killed import REMEMBERED

SCRIPT = Path(__file__).with_name("killed.py")
TESTS = Path(__file__).parents[1]
FAMILIES = (
    "autoencoder dense",
    "convolutional autoencoder",
    "convolutional autoencoder of feature maps",
    "denoising autoencoder dense",
    "denoising autoencoder convolutional",
    "sparse autoencoder dense",
    "sparse autoencoder convolutional",
    "l1 autoencoder",
    "k-sparse autoencoder",
    "contractive autoencoder dense",
    "contractive autoencoder convolutional",
    "contractive autoencoder tied",
    "stacked autoencoder dense",
    "denoising vae",
    "vae convolutional",
    "vae full covariance",
    "vae learned scale",
    f"vae dense{REMEMBERED}",
    *(case.name for case in (*CASES, *VARIANTS) if case.cls in (keras_vae.CVAE, keras_vae.IWAE)),
)


def run(folder: Path, *options: str) -> int:
    """Starts the script; returns what it ended with, -9 where it was killed."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), *FAMILIES, *options],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-3000:]
    return done.returncode


@pytest.mark.slow
def test_killed_once_in_every_fit(tmp_path):
    assert run(tmp_path / "whole") == 0
    kills = 0
    while run(tmp_path / "killed", "--kill"):
        kills += 1
    assert kills == len(FAMILIES)
    for name in FAMILIES:
        one, other = (tmp_path / each / name.replace(" ", "-") for each in ("whole", "killed"))
        values, others = (np.load(each / "variables.npz") for each in (one, other))
        assert values.files == others.files
        for file in values.files:
            np.testing.assert_array_equal(others[file], values[file], err_msg=f"{name} {file}")
        histories = [json.loads((each / "history.json").read_text()) for each in (one, other)]
        assert histories[0] == histories[1], name
