"""Tools around a served model, installed as ``keras_vae.serving``.

Here live the client, the local server and the configuration of TensorFlow Serving.
No model code may be imported: this package knows exported folders and their signatures only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_vae.serving.client import Client
    from keras_vae.serving.connection import ServingError

__all__ = ["Client", "ServingError"]

_IMPORTS_GRPC = {"Client": "client", "ServingError": "connection"}


def __getattr__(name: str) -> Any:
    if name not in _IMPORTS_GRPC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_IMPORTS_GRPC[name]}")
    return getattr(module, name)
