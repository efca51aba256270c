"""Where Keras keeps what it downloads."""

from __future__ import annotations

import os
from pathlib import Path


def keras_home() -> Path:
    """The folder, whether it is there or not; data sets are in its folder `datasets`."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
