"""What a server could not run, or would run wrong, is not exported; weights are written once."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_vae
from conformance.cases import named
from keras_vae.errors import UserError
from keras_vae.export import Endpoint, Whole, export
from keras_vae.export.warmup import replay

X = {"x": tf.TensorSpec([None, 2], tf.float32)}


def exported(tmp_path, function, inputs=X):
    """Exports one endpoint, with nothing for a model."""
    stored = Whole(lambda file: file.touch())
    return export({"f": Endpoint(function, inputs)}, "f", stored, tmp_path / "model", {}, {})


def test_what_is_no_fault_is_exported(tmp_path):
    weight = tf.Variable([1.0, 2.0])
    folder = exported(tmp_path, lambda x: {"y": x * weight})
    loaded = tf.saved_model.load(folder).signatures["serving_default"]
    np.testing.assert_array_equal(loaded(x=tf.ones([3, 2]))["y"], [[1, 2]] * 3)
    assert json.loads((folder / "card.json").read_text())["signatures"]["f"]["inputs"] == {
        "x": ["float32", [None, 2]]
    }


def checked(x):
    with tf.control_dependencies([tf.debugging.assert_positive(x)]):
        return tf.identity(x)


def chosen(x, level):
    return tf.cond(level > 0.5, lambda: x, lambda: 2.0 * x)


def test_a_branch_is_no_fault(tmp_path):
    exported(tmp_path, lambda x: {"y": chosen(x, tf.reduce_sum(x))})


@tf.function(jit_compile=True)
def compiled(x):
    return 2.0 * x


@tf.function
def nested(x):
    return x + tf.random.normal(tf.shape(x))


COUNTER = tf.random.Generator.from_seed(0)


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (lambda x: {"y": x + tf.random.uniform(tf.shape(x))}, "RandomUniform"),
        (lambda x: {"y": nested(x)}, "RandomStandardNormal"),
        (lambda x: {"y": x + COUNTER.normal(tf.shape(x))}, "RngReadAndSkip"),
        (lambda x: {"y": keras.random.dropout(x, 0.5)}, "SeedGenerator|Stateless|Assign|Random"),
        (lambda x: {"y": tf.numpy_function(np.sin, [x], tf.float32)}, "PyFunc"),
        (lambda x: {"y": compiled(x)}, "PartitionedCall"),
        (lambda x: {"y": checked(x)}, "Assert"),
        (lambda x: {"y": chosen(x, tf.random.uniform([]))}, "RandomUniform"),
    ],
    ids=["random", "nested", "generator", "keras.random", "python", "xla", "assert", "branch"],
)
def test_the_operation_is_named(tmp_path, function, operation):
    with pytest.raises(UserError, match=operation) as error:
        exported(tmp_path, function)
    assert "'f'" in str(error.value)
    assert not (tmp_path / "model").exists()


def test_an_output_without_the_batch_is_refused(tmp_path):
    with pytest.raises(UserError, match="'y' of its signature 'f' has 2 rows"):
        exported(tmp_path, lambda x: {"y": tf.reduce_sum(x, axis=0)})
    assert not (tmp_path / "model").exists()


def test_the_weights_are_written_once(tmp_path):
    encoder, decoder = keras_vae.networks.dense((28, 28, 1), latent_dim=10)
    vae = keras_vae.VAE(encoder, decoder)
    vae.compile("adam")
    folder = vae.export(tmp_path / "vae")
    data = sum(path.stat().st_size for path in (folder / "variables").glob("*.data-*"))
    weights = sum(weight.nbytes for weight in vae.get_weights())
    assert weights <= data <= 1.05 * weights
    assert (folder / "model.keras").stat().st_size <= 1.2 * weights


def test_a_real_valued_condition_has_its_own_input(tmp_path):
    cvae = named("cvae dense").build()
    signature = tf.saved_model.load(cvae.export(tmp_path / "cvae", labels=False)).signatures[
        "decode"
    ]
    z = np.zeros((2, 3), "float32")
    values = np.array([[0.2, 0.3, 0.5], [1, 0, 0]], "float32")
    np.testing.assert_allclose(
        signature(z=z, condition=values)["image"], cvae.decode(z, condition=values), atol=1e-5
    )


def test_one_number_is_no_label(tmp_path):
    encoder, decoder = keras_vae.networks.dense((8, 8, 1), latent_dim=2, condition_dim=1)
    with pytest.raises(UserError, match="labels=False"):
        keras_vae.CVAE(encoder, decoder).export(tmp_path / "cvae")
    assert not (tmp_path / "cvae").exists()


def test_warmup_covers_every_signature_at_every_batch_size(tmp_path):
    folder = named("cvae dense").build().export(tmp_path / "cvae")
    file = folder / "assets.extra" / "tf_serving_warmup_requests"
    from tensorflow_serving.apis import prediction_log_pb2

    requests = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(file))
    ]
    card = json.loads((folder / "card.json").read_text())
    names = set(card["signatures"]) - {"serving_default"}
    assert sorted(
        (request.model_spec.signature_name, len(tf.make_ndarray(tensor)))
        for request in requests
        for tensor in list(request.inputs.values())[:1]
    ) == sorted((name, size) for name in names for size in (1, 8, 64))
    assert all(request.model_spec.name == "cvae" for request in requests)
    replay(folder)
