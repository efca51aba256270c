"""A server of tiny models, and ways to ask it."""

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from asked import Asked
from keras_vae.serving import local
from tiny_saved_models import write_version


class Serving(NamedTuple):
    """A folder of models and the server that follows it."""

    models: Path
    asked: Asked


@pytest.fixture(scope="session")
def asked(tmp_path_factory) -> Asked:
    """A server of version 3 of the model "tiny", for tests that change nothing."""
    models = tmp_path_factory.mktemp("models")
    (models / "tiny").mkdir()
    write_version(models / "tiny" / "3")
    with local.serve(models, 0, 0) as served:
        yield Asked(served)


@pytest.fixture
def serving(tmp_path) -> Serving:
    """A server of version 1 of "tiny", for tests that change the folder."""
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    with local.serve(tmp_path, 0, 0) as served:
        yield Serving(tmp_path, Asked(served))


@pytest.fixture(scope="session")
def until():
    """Waits until something holds, with a deadline that only a fault reaches."""

    def wait(holds, seconds=60):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never held"
            time.sleep(0.02)

    return wait
