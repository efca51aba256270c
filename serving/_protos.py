"""TensorFlow Serving's protocol messages, without TensorFlow's own import of several seconds.

Their modules, of `tensorflow-serving-api`, import generated files out of TensorFlow's folder, which
need nothing of TensorFlow. So while they are imported, a bare package with that folder for its path
stands in for TensorFlow; afterwards it is gone, and `import tensorflow` does what it always does,
with the same message classes.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

from keras_vae.errors import UserError


@contextmanager
def _bare_tensorflow() -> Iterator[None]:
    """Lets generated files of TensorFlow be imported without it, unless it is there already."""
    if "tensorflow" in sys.modules:
        yield
        return
    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        raise UserError("Serving needs the messages in TensorFlow's package: install tensorflow.")
    bare = types.ModuleType("tensorflow")
    bare.__path__ = list(spec.submodule_search_locations or [])
    sys.modules["tensorflow"] = bare
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "tensorflow"]:
            del sys.modules[name]


with _bare_tensorflow():
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
    from tensorflow.core.protobuf import (
        config_pb2,
        meta_graph_pb2,
        rewriter_config_pb2,
        saved_model_pb2,
    )
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_log_pb2,
        prediction_service_pb2_grpc,
    )

__all__ = [
    "config_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "meta_graph_pb2",
    "model_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_log_pb2",
    "prediction_service_pb2_grpc",
    "rewriter_config_pb2",
    "saved_model_pb2",
    "tensor_pb2",
    "tensor_shape_pb2",
    "types_pb2",
]
