"""Tiny SavedModels whose numbers are easy to state, and a server of them."""

from pathlib import Path

import pytest
from serving.saved import write_version


@pytest.fixture
def models(tmp_path) -> Path:
    """A folder with version 1 of the model "tiny"."""
    write_version(tmp_path / "models" / "tiny" / "1")
    return tmp_path / "models"
