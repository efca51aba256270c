"""Whatever a client sends, the next good request is answered, and nothing is left of it."""

import json
import subprocess
import sys
from types import SimpleNamespace

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asked import Asked, memory
from keras_vae.serving._protos import predict_pb2, types_pb2
from tiny_saved_models import sample_request, write_version

SERVE = """
import sys
from keras_vae.serving import local
with local.serve(sys.argv[1], 0, 0) as served:
    print(served.address, served.rest_address, flush=True)
    sys.stdin.read()
"""
FEW, MANY = 100, 10_000
MOST_GROWTH = 64 * 2**20  # bytes, of all requests together

GOOD = sample_request([1, 2])
NAMES = st.sampled_from(
    ["sample", "encode", "root", "shout", "total", "seed", "image", "z", "tiny"]
)
TEXTS = NAMES | st.text(max_size=8)
SIZES = st.sampled_from([-(2**63), -1, 0, 1, 2, 4, 64, 65, 2**31, 2**63 - 1])
FIELDS = {
    "float_val": st.floats(width=32),
    "double_val": st.floats(),
    "int_val": st.integers(-(2**31), 2**31 - 1),
    "int64_val": st.integers(-(2**63), 2**63 - 1),
    "bool_val": st.booleans(),
    "string_val": st.binary(max_size=4),
    "half_val": st.integers(0, 2**16),
}


@st.composite
def tensors(draw):
    fields = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
    tensor = {name: draw(st.lists(FIELDS[name], max_size=4)) for name in fields}
    tensor["dtype"] = draw(st.sampled_from([*types_pb2.DataType.values(), 99]))
    tensor["tensor_content"] = draw(st.binary(max_size=16))
    tensor["tensor_shape"] = {
        "dim": [{"size": size} for size in draw(st.lists(SIZES, max_size=5))],
        "unknown_rank": draw(st.booleans()),
    }
    return tensor


@st.composite
def messages(draw):
    """Requests that are messages, of models that mostly exist, with any tensors."""
    request = predict_pb2.PredictRequest(
        model_spec={"name": draw(st.just("tiny") | TEXTS), "signature_name": draw(TEXTS)},
        inputs=draw(st.dictionaries(TEXTS, tensors(), max_size=4)),
        output_filter=draw(st.lists(TEXTS, max_size=2)),
    )
    return request.SerializeToString()


@st.composite
def mutilated(draw):
    """A good request with some bytes changed, cut off or put in."""
    body = bytearray(GOOD.SerializeToString())
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(body)


BYTES = st.binary(max_size=64) | messages() | mutilated()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=10,
)
KEYS = st.sampled_from(["instances", "inputs", "signature_name", "b64"]) | TEXTS
BODIES = st.binary(max_size=32) | st.dictionaries(KEYS, VALUES, max_size=3).map(
    lambda document: json.dumps(document).encode()
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A process of its own, whose log and memory can be looked at."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "models" / "tiny").mkdir(parents=True)
    write_version(folder / "models" / "tiny" / "1")
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder / "models")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )
        address, rest_address = process.stdout.readline().split()
        asked = Asked(SimpleNamespace(address=address, rest_address=rest_address))
        yield SimpleNamespace(asked=asked, log=log, pid=process.pid)
        process.communicate()
    assert process.returncode == 0


def attack(server, num):
    """Sends half of that many requests to see what memory is used, then the other half."""
    predict = server.asked.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    patient = settings(
        max_examples=num // 4,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    @patient
    @given(BYTES)
    def over_grpc(body):
        code = predict.future(body).code()
        assert code not in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE)
        assert server.asked.predict(GOOD)["seed"].tolist() == [1, 2]

    @patient
    @given(BODIES)
    def over_rest(body):
        status, document = server.asked.rest("tiny:predict", body)
        assert status == 200 or (status < 500 and document["error"])
        assert server.asked.rest("tiny")[0] == 200

    over_grpc()
    over_rest()
    before = memory(server.pid)
    over_grpc()
    over_rest()
    assert memory(server.pid) - before < MOST_GROWTH
    assert "Traceback" not in server.log.read_text()


def test_a_hundred_requests(server):
    attack(server, FEW)


@pytest.mark.slow
def test_thousands_of_requests(server):
    attack(server, MANY)
