"""The errors of TensorFlow Serving: its codes and its words, over gRPC and REST."""

import json

import grpc
import numpy as np
import pytest

from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    tensor_pb2,
    types_pb2,
)
from tiny_saved_models import predict_request, sample_request

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION

SEED = np.zeros(2, "int64")
TEMPERATURE = np.ones(2, "float32")
LABEL = np.zeros(2, "int32")
ROW = {"seed": SEED, "temperature": TEMPERATURE, "label": LABEL}


def sample(**changes):
    arrays = {**ROW, **changes}
    kept = {name: array for name, array in arrays.items() if array is not None}
    return predict_request("sample", **kept)


def with_tensor(**fields):
    """A request whose labels are that message."""
    request = sample()
    request.inputs["label"].CopyFrom(tensor_pb2.TensorProto(**fields))
    return request


def with_filter(*names):
    request = sample()
    request.output_filter.extend(names)
    return request


def with_label():
    request = sample()
    request.model_spec.version_label = "stable"
    return request


PREDICT = {
    "no spec": (predict_pb2.PredictRequest(), INVALID, "Missing ModelSpec"),
    "no name": (predict_request("sample", model=""), INVALID, "no name"),
    "model": (
        sample_request([1], model="none"),
        NOT_FOUND,
        "Servable not found for request: Latest(none)",
    ),
    "version": (
        sample_request([1], version=7),
        NOT_FOUND,
        "Servable not found for request: Specific(tiny, 7)",
    ),
    "both": (sample_request([1], model="none", version=7), NOT_FOUND, "Specific(none, 7)"),
    "version label": (with_label(), INVALID, "Unrecognized servable version label: stable"),
    "signature": (
        predict_request("x", **ROW),
        PRECONDITION,
        'Serving signature key "x" not found.',
    ),
    "missing": (
        sample(label=None),
        INVALID,
        "input size does not match signature: 2!=3 len({seed,temperature}) != "
        "len({label,seed,temperature}). Sent extra: {}. Missing but required: {label}.",
    ),
    "extra": (
        sample(z=LABEL),
        INVALID,
        "input size does not match signature: 4!=3 len({label,seed,temperature,z}) != "
        "len({label,seed,temperature}). Sent extra: {z}. Missing but required: {}.",
    ),
    "another": (
        sample(label=None, z=LABEL),
        INVALID,
        "Sent extra: {z}. Missing but required: {label}.",
    ),
    "dtype": (
        sample(label=LABEL.astype("int64")),
        INVALID,
        "Expects arg[0] to be int32 but int64 is provided",
    ),
    "last dtype": (
        sample(temperature=np.ones(2)),
        INVALID,
        "Expects arg[2] to be float but double is provided",
    ),
    "unsent dtype": (
        with_tensor(dtype=types_pb2.DT_COMPLEX64),
        INVALID,
        "Expects arg[0] to be int32 but complex64 is provided",
    ),
    "no dtype": (
        with_tensor(dtype=99),
        INVALID,
        "Expects arg[0] to be int32 but unknown dtype enum: 99 is provided",
    ),
    "no tensor": (
        with_tensor(
            dtype=types_pb2.DT_INT32, tensor_shape={"dim": [{"size": 2}]}, int_val=[1, 2, 3]
        ),
        INVALID,
        "tensor parsing error: label",
    ),
    "shape": (
        predict_request("encode", image=np.zeros([2, 3, 4, 1], "float32")),
        INVALID,
        "[2, 3, 4, 1]",
    ),
    "rank": (sample(label=LABEL[:, None]), INVALID, "[2, 1]"),
    "no rows": (sample(label=LABEL[0]), INVALID, "shape []"),
    "unequal rows": (sample(seed=np.zeros(3, "int64")), INVALID, "equal 0th-dimension size"),
    "too many rows": (
        sample_request(range(65)),
        INVALID,
        "Task size 65 is larger than maximum input batch size 64",
    ),
    "a tensor without end": (
        with_tensor(dtype=types_pb2.DT_INT32, tensor_shape={"dim": [{"size": 2**40}]}, int_val=[1]),
        INVALID,
        "equal 0th-dimension size",
    ),
    "output": (
        with_filter("image", "z"),
        INVALID,
        "output tensor alias not found in signature: z "
        "Outputs expected to be in the set {image,seed}.",
    ),
    "output twice": (with_filter("seed", "seed"), INVALID, "duplicate output tensor alias: seed"),
    "in the graph": (
        predict_request("root", z=np.full([1, 2], -1, "float32")),
        INVALID,
        "a negative row",
    ),
    "output without rows": (
        predict_request("total", z=np.ones([1, 2], "float32")),
        PRECONDITION,
        "Batched output tensor",
    ),
    "long name": (predict_request("x" * 100_000), PRECONDITION, "xxx"),
}


def fails(call, request, code, text):
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    assert caught.value.code() is code
    assert text in caught.value.details()


@pytest.mark.parametrize("case", PREDICT)
def test_predict(asked, case):
    fails(asked.prediction.Predict, *PREDICT[case])
    assert asked.predict(sample_request([5]))["seed"] == [5]


def spec(**fields):
    return model_pb2.ModelSpec(**fields)


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        ({}, INVALID, "Missing ModelSpec"),
        ({"model_spec": spec(name="tiny")}, INVALID, "at least one metadata_field"),
        ({"model_spec": spec(name="tiny"), "metadata_field": ["x"]}, INVALID, "x is not supported"),
        (
            {"model_spec": spec(name="m"), "metadata_field": ["signature_def"]},
            NOT_FOUND,
            "Servable not found for request: Latest(m)",
        ),
    ],
    ids=["no spec", "no field", "field", "model"],
)
def test_metadata(asked, request_, code, text):
    message = get_model_metadata_pb2.GetModelMetadataRequest(**request_)
    fails(asked.prediction.GetModelMetadata, message, code, text)


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        ({}, INVALID, "Missing ModelSpec"),
        ({"model_spec": spec(name="m")}, NOT_FOUND, "Could not find any versions of model m"),
        (
            {"model_spec": spec(name="tiny", version={"value": 7})},
            NOT_FOUND,
            "Could not find version 7 of model tiny",
        ),
    ],
    ids=["no spec", "model", "version"],
)
def test_status(asked, request_, code, text):
    message = get_model_status_pb2.GetModelStatusRequest(**request_)
    fails(asked.model.GetModelStatus, message, code, text)


def test_what_is_no_message(asked):
    call = asked.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    fails(call, b"\xff\xff", INVALID, "tensorflow.serving.PredictRequest")


def test_a_method_that_is_not_here(asked):
    call = asked.channel.unary_unary("/tensorflow.serving.PredictionService/Classify")
    fails(call, b"", grpc.StatusCode.UNIMPLEMENTED, "Method not found")


GOOD = {"seed": [1, 2], "temperature": [1, 1], "label": [0, 0]}
ROWS = [{"seed": 1, "temperature": 1.0, "label": 0}, {"seed": 2, "temperature": 1.0, "label": 0}]
REST = {
    "model": ("none:predict", {"inputs": GOOD}, 404, "Latest(none)"),
    "version": ("tiny/versions/7:predict", {"inputs": GOOD}, 404, "Specific(tiny, 7)"),
    "version too large": (f"tiny/versions/{2**64}:predict", {"inputs": GOOD}, 400, "to numeric"),
    "method": ("tiny:classify", {"inputs": GOOD}, 400, "Malformed request: POST"),
    "path": ("tiny/version/3", None, 400, "Malformed request: GET /v1/models/tiny/version/3"),
    "signature": (
        "tiny:predict",
        {"signature_name": "x", "inputs": GOOD},
        400,
        'Serving signature key "x" not found.',
    ),
    "signature that is no text": (
        "tiny:predict",
        {"signature_name": 1, "inputs": 1},
        400,
        "string",
    ),
    "signature in half a character": (
        "tiny:predict",
        b'{"signature_name": "\\ud800", "inputs": []}',
        400,
        "not found",
    ),
    "missing": (
        "tiny:predict",
        {"inputs": {"seed": [1], "label": [0]}},
        400,
        "input size does not match signature: 2!=3 len({label,seed}) != "
        "len({label,seed,temperature}). Sent extra: {}. Missing but required: {temperature}.",
    ),
    "missing in rows": (
        "tiny:predict",
        {"instances": [{"seed": 1, "label": 0}]},
        400,
        "input size does not match signature: 2!=3",
    ),
    "extra": ("tiny:predict", {"inputs": {**GOOD, "z": []}}, 400, "Sent extra: {z}"),
    "missing in one row": ("tiny:predict", {"instances": [*ROWS, {"seed": 3}]}, 400, "element: 2"),
    "a row of no names": ("tiny:predict", {"instances": [*ROWS, [3]]}, 400, "element: 2"),
    "no names": ("tiny:predict", {"inputs": [1]}, 400, "label,seed,temperature"),
    "no names in rows": ("tiny:predict", {"instances": [1]}, 400, "label,seed,temperature"),
    "type": (
        "tiny:predict",
        {"inputs": {**GOOD, "label": [0.5, 0]}},
        400,
        "0.5 Type: float is not of expected type: int32",
    ),
    "bool for a number": ("tiny:predict", {"inputs": {**GOOD, "label": [True, 0]}}, 400, "int32"),
    "text for a number": ("tiny:predict", {"inputs": {**GOOD, "seed": ["1", 0]}}, 400, "int64"),
    "too large": ("tiny:predict", {"inputs": {**GOOD, "label": [2**31, 0]}}, 400, "no tensor"),
    "ragged": ("tiny:predict", {"inputs": {**GOOD, "seed": [[1], [2, 3]]}}, 400, "of size: 1"),
    "deeper": ("tiny:predict", {"inputs": {**GOOD, "seed": [1, [2]]}}, 400, "expected type"),
    "shape": ("tiny:predict", {"inputs": {**GOOD, "seed": [[1], [2]]}}, 400, "[2, 1]"),
    "unequal rows": ("tiny:predict", {"inputs": {**GOOD, "seed": [1]}}, 400, "equal 0th"),
    "no base64": (
        "tiny:predict",
        {"signature_name": "shout", "instances": [{"b64": "!"}]},
        400,
        "is no tensor",
    ),
    "half a character": (
        "tiny:predict",
        b'{"signature_name": "shout", "instances": ["\\ud800"]}',
        400,
        "is no tensor",
    ),
    "in the graph": (
        "tiny:predict",
        {"signature_name": "root", "inputs": [[-1, 1]]},
        400,
        "a negative row",
    ),
    "no body": ("tiny:predict", b"", 400, "JSON Parse error"),
    "no JSON": ("tiny:predict", b"instances = [1]", 400, "JSON Parse error"),
    "no text": ("tiny:predict", b"\xff\xff", 400, "JSON Parse error"),
    "without end": ("tiny:predict", b"[" * 100_000, 400, "JSON Parse error"),
    "very deep": (
        "tiny:predict",
        {"signature_name": "encode", "inputs": json.loads("[" * 80 + "1" + "]" * 80)},
        400,
        "is no tensor",
    ),
    "no object": ("tiny:predict", [1], 400, "Is not object"),
    "neither": ("tiny:predict", {}, 400, "one of the keys 'inputs' and 'instances'"),
    "both": ("tiny:predict", {"inputs": [], "instances": []}, 400, "one of the keys"),
    "no rows": ("tiny:predict", {"instances": []}, 400, "list with values"),
    "no list": ("tiny:predict", {"instances": 1}, 400, "list with values"),
    "status": ("none", None, 404, "Could not find any versions of model none"),
    "status of a version": ("tiny/versions/7", None, 404, "Could not find version 7 of model tiny"),
    "metadata": ("none/metadata", None, 404, "Latest(none)"),
}


@pytest.mark.parametrize("case", REST)
def test_rest(asked, case):
    path, body, status, text = REST[case]
    replied, document = asked.rest(path, body)
    assert (replied, list(document)) == (status, ["error"])
    assert text in document["error"]
    assert asked.rest("tiny:predict", {"instances": ROWS})[0] == 200
