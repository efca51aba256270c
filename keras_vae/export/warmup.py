"""Requests that a server runs before it takes a version: the first real one is then not slow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.saved_model.loader_impl import SavedModelLoader
from tensorflow_serving.apis import prediction_log_pb2

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.errors import UserError
from keras_vae.export.endpoint import Endpoint
from keras_vae.model_folders import WARMUP


def write_warmup(endpoints: Mapping[str, Endpoint], model_name: str, folder: Path) -> None:
    """Writes one request of zeros for every signature and allowed batch size."""
    file = folder / WARMUP
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for name, endpoint in endpoints.items():
            for batch_size in ALLOWED_BATCH_SIZES:
                log = prediction_log_pb2.PredictionLog()
                request = log.predict_log.request
                request.model_spec.name = model_name
                request.model_spec.signature_name = name
                for key, spec in endpoint.inputs.items():
                    _fill_with_zeros(request.inputs[key], spec, batch_size)
                writer.write(log.SerializeToString())


def replay(folder: Path) -> None:
    """Runs all warm-up requests through the loader that TensorFlow Serving uses.

    Raises:
        UserError: When an output has another number of rows than the request.
    """
    requests = _read_requests(folder / WARMUP)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        # What `tf.compat.v1.saved_model.load` calls, which warns that there is a newer one.
        loaded = SavedModelLoader(str(folder)).load(session, ["serve"])
        for request in requests:
            name = request.model_spec.signature_name
            signature = loaded.signature_def[name]
            inputs = {
                signature.inputs[key].name: tf.make_ndarray(tensor)
                for key, tensor in request.inputs.items()
            }
            rows = {len(values) for values in inputs.values()}
            outputs = session.run(
                {key: output.name for key, output in signature.outputs.items()}, inputs
            )
            for key, values in outputs.items():
                if {len(values)} != rows:
                    raise UserError(
                        f"This model cannot be served: {key!r} of its signature {name!r} has "
                        f"{len(values)} rows for a batch of {rows.pop()}; expected one for each."
                    )


def _read_requests(file: Path) -> list[Any]:
    return [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(file))
    ]


def _fill_with_zeros(tensor: Any, spec: tf.TensorSpec, batch_size: int) -> None:
    """Makes a tensor of zeros that takes a few bytes: one value stands for all of them."""
    zero = tf.make_tensor_proto(0, spec.dtype, [1] * spec.shape.rank)
    tensor.CopyFrom(zero)
    for dim, size in zip(
        tensor.tensor_shape.dim, [batch_size, *spec.shape.as_list()[1:]], strict=True
    ):
        dim.size = size
