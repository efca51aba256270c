"""What the local engine answers, over gRPC and REST."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from asked import Asked
from keras_vae.errors import UserError
from keras_vae.serving import _json, local
from keras_vae.serving._protos import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)
from tiny_saved_models import SIZE, predict_request, sample_request, write_version

SPEC = model_pb2.ModelSpec(name="tiny")


def images(*levels):
    return np.array(levels, "float32")[:, None, None, None] * np.ones([SIZE, SIZE, 1], "float32")


def test_predict(asked):
    request = predict_request(
        "sample",
        seed=np.array([2, 10], "int64"),
        temperature=np.array([1, 0.5], "float32"),
        label=np.array([0, 7], "int32"),
    )
    outputs = asked.predict(request)
    np.testing.assert_array_equal(outputs["image"], images(2, 12))
    np.testing.assert_array_equal(outputs["seed"], [2, 10])
    assert (outputs["image"].dtype, outputs["seed"].dtype) == ("float32", "int64")


def test_the_reply_has_typed_fields_and_says_who_answers(asked):
    response = asked.prediction.Predict(sample_request([2, 3]))
    assert len(response.outputs["image"].float_val) == 2 * SIZE * SIZE
    assert not response.outputs["image"].tensor_content
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("tiny", 3, "sample")


def test_the_default_signature(asked):
    request = sample_request([4], version=3)
    request.model_spec.signature_name = ""
    response = asked.prediction.Predict(request)
    assert response.model_spec.signature_name == "serving_default"
    assert set(response.outputs) == {"image", "seed"}


def test_an_output_filter(asked):
    request = sample_request([4])
    request.output_filter.append("seed")
    assert list(asked.predict(request)) == ["seed"]


def test_a_batch_without_rows(asked):
    assert asked.predict(sample_request([]))["image"].shape == (0, SIZE, SIZE, 1)


def test_strings(asked):
    text = np.array([b"abc", b"\x00\xffz", b"", b"long " * 100], object)
    outputs = asked.predict(predict_request("shout", text=text))
    assert outputs["copy_bytes"].tolist() == text.tolist()
    assert outputs["text"].tolist() == [b"ABC", b"\x00\xffZ", b"", b"LONG " * 100]
    assert asked.predict(
        predict_request(
            "sample_png",
            seed=np.array([7], "int64"),
            temperature=np.ones(1, "float32"),
            label=np.zeros(1, "int32"),
        )
    )["png_bytes"].tolist() == [b"\x89PNG7"]


def test_a_label_out_of_range_spoils_no_other_row(asked):
    request = sample_request([1, 2])
    request.inputs["label"].int_val[:] = [-1, 0]
    image = asked.predict(request)["image"]
    assert np.isnan(image[0]).all()
    np.testing.assert_array_equal(image[1:], images(2))


def test_concurrent_requests_get_their_own_rows(asked):
    def seeds(client):
        for num in (1, 2, 3, 8, 20, 64):
            wanted = [1000 * client + row for row in range(num)]
            np.testing.assert_array_equal(
                asked.predict(sample_request(wanted))["image"], images(*wanted)
            )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(seeds, range(16)))


def test_a_bad_request_spoils_no_concurrent_one(asked):
    def root(row):
        z = np.full([1, 2], row, "float32")
        try:
            return asked.predict(predict_request("root", z=z))["root"][0, 0]
        except grpc.RpcError as error:
            return error.code()

    rows = [4, -1, 9, 16] * 16
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(root, rows))
    assert found == [2, grpc.StatusCode.INVALID_ARGUMENT, 3, 4] * 16


def test_metadata(asked):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=SPEC, metadata_field=["signature_def"]
    )
    response = asked.prediction.GetModelMetadata(request)
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 3)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    sample = signatures.signature_def["sample"]
    assert set(sample.inputs) == {"seed", "temperature", "label"}
    assert [dim.size for dim in sample.outputs["image"].tensor_shape.dim] == [-1, SIZE, SIZE, 1]


def test_status(asked):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=SPEC)
    (status,) = asked.model.GetModelStatus(request).model_version_status
    assert (status.version, status.state, status.status.error_code) == (3, status.AVAILABLE, 0)


@pytest.mark.parametrize("path", ["v1/models/tiny:predict", "V1/Models/tiny/versions/3:PREDICT"])
def test_rest_in_rows(asked, path):
    rows = [{"seed": 1, "temperature": 1.1, "label": 0}, {"seed": 2, "temperature": 1, "label": -1}]
    status, document = asked.http(path, {"instances": rows})
    assert status == 200
    first, second = document["predictions"]
    np.testing.assert_equal(first["image"], np.full([SIZE, SIZE, 1], 1.1))  # not 1.10000002384
    assert (first["seed"], second["seed"]) == (1, 2)
    assert np.isnan(second["image"]).all()


def test_rest_in_columns(asked):
    inputs = {"seed": [1, 2], "temperature": [0.5, 3], "label": [0, 1]}
    status, document = asked.rest("tiny:predict", {"inputs": inputs, "signature_name": "sample"})
    assert status == 200
    assert list(document["outputs"]) == ["image", "seed"]
    np.testing.assert_equal(document["outputs"]["image"], images(0.5, 7))
    assert document["outputs"]["seed"] == [1, 2]


def test_rest_with_one_input_and_one_output_has_no_names(asked):
    rows = [[4, 9], [16, 25]]
    for body, key in (
        ({"instances": rows}, "predictions"),
        ({"inputs": rows}, "outputs"),
        ({"inputs": {"z": rows}}, "outputs"),
    ):
        status, document = asked.rest("tiny:predict", {**body, "signature_name": "root"})
        assert (status, document) == (200, {key: [[2.0, 3.0], [4.0, 5.0]]})


def test_rest_bytes(asked):
    """Outputs whose name ends in _bytes are base64, the others are text."""
    body = {"signature_name": "shout", "instances": ["ab", {"b64": "AGE="}]}
    assert asked.rest("tiny:predict", body) == (
        200,
        {
            "predictions": [
                {"copy_bytes": {"b64": "YWI="}, "text": "AB"},
                {"copy_bytes": {"b64": "AGE="}, "text": "\x00A"},
            ]
        },
    )


def test_rest_numbers_that_json_does_not_have(asked):
    body = b'{"signature_name": "encode", "instances": [%s]}' % (
        json.dumps([[[float("inf")]] * 4] * 4).encode()
    )
    status, document = asked.rest("tiny:predict", body)
    assert status == 200
    assert document["predictions"][0]["z_mean"] == [float("inf"), float("-inf")]


def test_rest_status_and_metadata(asked):
    version = {
        "version": "3",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("tiny", "tiny/versions/3"):
        assert asked.rest(path) == (200, {"model_version_status": [version]})
    status, document = asked.rest("tiny/metadata")
    assert status == 200
    assert document["model_spec"] == {"name": "tiny", "version": "3", "signature_name": ""}
    encode = document["metadata"]["signature_def"]["signature_def"]["encode"]
    assert encode["method_name"] == "tensorflow/serving/predict"
    image = encode["inputs"]["image"]
    assert image["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in image["tensor_shape"]["dim"]] == ["-1", "4", "4", "1"]


def test_rest_connections_are_kept(asked):
    connection = http.client.HTTPConnection(asked.served.rest_address, timeout=60)
    for _ in range(3):
        connection.request("GET", "/v1/models/tiny")
        assert connection.getresponse().read()
        assert connection.sock is not None


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /v1/models/tiny:predict HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /v1/models/tiny:predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n" % (b"9" * 5000), b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n", b"413"),
        (b"PUT / HTTP/1.1\r\n\r\n", b"501"),
        (b"\x00 \xff is no HTTP\r\n\r\n", b"Bad request"),
        (b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * 70_000), b"414"),
        (b"GET //[ HTTP/1.1\r\n\r\n", b"400"),
    ],
    ids=["no length", "bad length", "huge length", "too large", "method", "no HTTP", "long", "url"],
)
def test_what_is_not_http_as_it_is_spoken_here(asked, head, status):
    host, port = asked.served.rest_address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head)
        reply = connection.recv(65536)
    assert status in reply.split(b"\r\n")[0]


def test_a_folder_without_models(tmp_path):
    for folder in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="There are no models in"), local.serve(folder, 0, 0):
            pass


def test_a_taken_port(asked, tmp_path):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    port, rest_port = (
        int(address.split(":")[1]) for address in (asked.served.address, asked.served.rest_address)
    )
    for ports, option in (((port, 0), "--port"), ((0, rest_port), "--rest-port")):
        with pytest.raises(UserError, match=f"another {option}"), local.serve(tmp_path, *ports):
            pass


def test_a_taken_port_is_told_before_models_are_loaded(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "Repository", lambda folder: pytest.fail("it loads models"))
    port = int(asked.served.address.split(":")[1])
    with pytest.raises(UserError, match="another --port"), local.serve(tmp_path, port, 0):
        pass


@pytest.mark.parametrize(
    ("request_line", "has_body"), [(b"GET /v1/models/tiny", True), (b"HEAD /v1/models/tiny", False)]
)
def test_a_body_that_is_not_read_is_no_next_request(asked, request_line, has_body):
    host, port = asked.served.rest_address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        body = b"GET /v1/models/tiny HTTP/1.1\r\n\r\n"
        head = b"%s HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (request_line, len(body))
        connection.sendall(head + body)
        with contextlib.suppress(OSError):  # the server may have hung up already
            connection.shutdown(socket.SHUT_WR)
        replies = connection.makefile("rb").read()
    assert replies.count(b"HTTP/1.1") == 1
    assert bool(replies.partition(b"\r\n\r\n")[2]) == has_body


def test_large_bodies_are_read_one_at_a_time(asked, monkeypatch):
    reading, numbers = [], []

    def parse(body):
        reading.append(body)
        numbers.append(len(reading))
        time.sleep(0.2)  # the other would come now
        reading.remove(body)
        return real(body)

    real = _json.parse
    monkeypatch.setattr(_json, "parse", parse)
    body = {"signature_name": "shout", "inputs": ["x" * 2**20]}
    with ThreadPoolExecutor(2) as pool:
        for reply in [pool.submit(asked.rest, "tiny:predict", body) for _ in range(2)]:
            assert reply.result(60)[1]["outputs"]["text"] == ["X" * 2**20]
    assert numbers == [1, 1]


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_ipv6(tmp_path, monkeypatch):
    for proxy in ("http_proxy", "https_proxy"):  # which are for other machines than ::1
        monkeypatch.delenv(proxy, raising=False)
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    with local.serve(tmp_path, 0, 0, "::1") as served:
        assert served.address.startswith("[::1]:")
        asked = Asked(served)
        assert asked.predict(sample_request([6]))["image"].max() == 6
        assert asked.rest("tiny")[0] == 200


ALONE = """
import sys
from keras_vae.serving import local
from keras_vae.serving._protos import predict_pb2, prediction_service_pb2_grpc
import grpc
with local.serve(sys.argv[1], 0, 0) as served, grpc.insecure_channel(served.address) as channel:
    request = predict_pb2.PredictRequest.FromString(bytes.fromhex(sys.argv[2]))
    response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request)
    print(response.outputs["image"].float_val[0])
heavy = {"keras", "tensorflow", "tensorflow_probability", "tf_keras", "keras_vae.arrays"}
print(sorted(heavy & set(sys.modules)))
"""


def test_it_serves_without_tensorflows_package_and_keras(tmp_path):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    request = sample_request([6]).SerializeToString().hex()
    process = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path), request], capture_output=True, text=True
    )
    assert process.stdout == "6.0\n[]\n", process.stderr
