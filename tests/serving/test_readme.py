"""What serving/README.md shows is what the code takes."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf import json_format

import keras_vae
from fake_serving import exported, serving
from keras_vae import networks
from keras_vae.serving._protos import predict_pb2
from keras_vae.serving.tensors import to_array

README = (Path(__file__).parents[2] / "serving" / "README.md").read_text()


@pytest.fixture(scope="module")
def mnist_cvae(tmp_path_factory):
    pair = networks.dense((28, 28, 1), 10, hidden=(4,), condition_dim=10)
    return exported(keras_vae.CVAE(*pair).export(tmp_path_factory.mktemp("models") / "mnist-cvae"))


def test_python_runs(mnist_cvae):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    found = {}
    with serving({"mnist-cvae": mnist_cvae}) as served:
        exec(code.replace("localhost:8500", served.address), found)
    assert found["nines"].shape == found["threes"].shape == found["again"].shape == (16, 28, 28, 1)
    assert found["z"].shape == (16, 10)
    assert found["elbo"].shape == (16,)


def test_requests_are_those_of_the_signature(mnist_cvae):
    rest, grpc = (json.loads(text) for text in re.findall(r"-d '(.*?)'", README, flags=re.DOTALL))
    request = json_format.ParseDict(grpc, predict_pb2.PredictRequest())
    assert rest["signature_name"] == request.model_spec.signature_name == "sample_png"
    arrays = {key: to_array(proto) for key, proto in request.inputs.items()}
    assert {key: array.tolist() for key, array in arrays.items()} == rest["inputs"]
    sample_png = mnist_cvae["sample_png"]
    found = {key: (array.dtype.name, array.shape[1:]) for key, array in arrays.items()}
    assert found == sample_png.inputs
    (png,) = sample_png.compute(**arrays)["png_bytes"]
    assert png.startswith(b"\x89PNG")


def test_signatures_are_those_of_an_export(mnist_cvae):
    rows = re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE)
    judge = keras_vae.Classifier(networks.convolutional_classifier((8, 8, 1), 3, filters=(2,)))
    assert set(rows) == (set(mnist_cvae) | set(judge.endpoints())) - {"serving_default"}
