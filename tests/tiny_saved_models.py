"""SavedModels whose numbers are easy to state, in place of exported ones.

The image of a row is filled with offset + seed * temperature + label; a label below 0 gives NaN.
"""

import functools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_vae.batch_sizes import ALLOWED_BATCH_SIZES
from keras_vae.serving._protos import predict_pb2, prediction_log_pb2
from keras_vae.serving.tensors import to_proto

SIZE = 4
IMAGE = tf.TensorSpec([None, SIZE, SIZE, 1], tf.float32)
ROW = {
    "seed": tf.TensorSpec([None], tf.int64),
    "temperature": tf.TensorSpec([None], tf.float32),
    "label": tf.TensorSpec([None], tf.int32),
}


class Tiny(tf.Module):
    """What an exported model is, from outside; and signatures that exported ones do not have."""

    def __init__(self, offset):
        super().__init__()
        self.offset = tf.Variable(offset)

    def level(self, seed, temperature, label):
        level = self.offset + tf.cast(seed, tf.float32) * temperature + tf.cast(label, tf.float32)
        return tf.where(label < 0, float("nan"), level)

    def sample(self, seed, temperature, label):
        level = self.level(seed, temperature, label)
        image = level[:, None, None, None] * tf.ones([SIZE, SIZE, 1])
        return {"image": image, "seed": tf.identity(seed)}

    def sample_png(self, seed, temperature, label):
        level = tf.cast(self.level(seed, temperature, label), tf.int32)
        return {"png_bytes": b"\x89PNG" + tf.strings.as_string(level), "seed": tf.identity(seed)}

    def encode(self, image):
        mean = tf.reduce_mean(image, [1, 2])
        return {"z_mean": tf.concat([mean, -mean], 1), "z_log_var": tf.concat([mean, mean], 1) * 0}

    def root(self, z):
        """Fails for a batch with a negative row in it."""
        with tf.control_dependencies([tf.debugging.assert_non_negative(z, "a negative row")]):
            return {"root": tf.sqrt(z)}

    def shout(self, text):
        return {"text": tf.strings.upper(text), "copy_bytes": tf.identity(text)}

    def total(self, z):
        """Its output has no batch."""
        return {"total": tf.reduce_sum(z)}

    def half(self, z):
        """Its output is of a dtype that is not known here."""
        return {"half": tf.cast(z, tf.float16)}

    def signatures(self):
        z, text = tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([None], tf.string)
        functions = {
            "sample": (self.sample, ROW),
            "sample_png": (self.sample_png, ROW),
            "encode": (self.encode, {"image": IMAGE}),
            "root": (self.root, {"z": z}),
            "shout": (self.shout, {"text": text}),
            "total": (self.total, {"z": z}),
            "half": (self.half, {"z": z}),
        }
        concrete = {
            name: tf.function(function).get_concrete_function(**specs)
            for name, (function, specs) in functions.items()
        }
        return {**concrete, "serving_default": concrete["sample"]}


@functools.cache
def _saved(offset):
    folder = Path(tempfile.mkdtemp())
    model = Tiny(offset)
    tf.saved_model.save(model, folder, model.signatures())
    return folder


def write_version(folder, offset=0.0, warmup=True):
    """A version appears whole, as exported ones do."""
    hidden = folder.with_name(f".{folder.name}")
    shutil.copytree(_saved(offset), hidden)
    if warmup:
        write_warmup(hidden, [sample_request(range(size)) for size in ALLOWED_BATCH_SIZES])
    os.rename(hidden, folder)


def write_warmup(folder, requests):
    """Writes the requests as TensorFlow's own writer does."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())


def predict_request(signature, model="tiny", version=None, **arrays):
    """A request for a signature, with numpy arrays for its inputs."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(to_proto(array))
    return request


def sample_request(seeds, label=0, **options):
    """A request for one sample of each seed."""
    num = len(seeds)
    return predict_request(
        "sample",
        **options,
        seed=np.array(seeds, "int64"),
        temperature=np.ones(num, "float32"),
        label=np.full(num, label, "int32"),
    )
