"""Functions of a model -> a folder that TensorFlow Serving serves.

Here live the servable graph, its audit, its warm-up, and how a version appears whole or not at all.
No model class is known here: a model tells its endpoints, and how it is saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_vae.export.audit import audit
from keras_vae.export.endpoint import Endpoint
from keras_vae.export.published import published
from keras_vae.export.servable import signatures, trace, write_servable
from keras_vae.export.stored import Compact, Stored, Whole, halve, read_compact
from keras_vae.export.warmup import replay, write_warmup
from keras_vae.model_folders import CARD

__all__ = ["Compact", "Endpoint", "Whole", "export", "halve", "read_compact"]


def export(
    endpoints: Mapping[str, Endpoint],
    default: str,
    stored: Stored,
    path: str | Path,
    card: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> Path:
    """Writes one version of a servable model: graph, weights, warm-up, the model, `card.json`.

    The graph is audited and every warm-up request is replayed before the version can be seen.

    Args:
        endpoints: Name of the signature -> what it computes.
        default: The name of the one that is `serving_default` too.
        stored: How the version holds the model itself, for Keras to load.
        path: `<models>/<name>/<version>`, or `<models>/<name>` for the next free version.
        card: What `card.json` says besides the signatures.
        files: Name -> content of other files of the version.

    Returns:
        The folder of the version.

    Raises:
        UserError: When the version is there already, or when the graph holds an operation that
            TensorFlow Serving cannot run, or that would repeat its random numbers.
    """
    with published(path) as version:
        traced = {name: trace(stored.served(one)) for name, one in endpoints.items()}
        for name, function in traced.items():
            audit(name, function.graph.as_graph_def())
        write_servable(traced, default, stored, version.draft)
        stored.write(version.draft)
        text = json.dumps({**card, "signatures": signatures(endpoints, traced, default)}, indent=2)
        (version.draft / CARD).write_text(text + "\n", encoding="utf-8")
        for name, content in files.items():
            (version.draft / name).write_bytes(content)
        write_warmup(endpoints, version.name, version.draft)
        replay(version.draft)
    return version.folder
