"""The client against the local engine, and against a server that can be told to fail."""

import inspect
import os
import shutil
import socket
import subprocess
import time

import grpc
import numpy as np
import pytest

import keras_vae
from fake_serving import Function, exported, serving
from keras_vae import networks
from keras_vae.errors import UserError
from keras_vae.serving import Client, ServingError, local

SHAPE = (8, 8, 1)
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (5, *SHAPE), dtype=np.uint8)
LABELS = np.arange(5) % 3
VALUES = RNG.uniform(size=(5, 3)).astype("float32")

IMAGE = {"image": ("float32", (2, 3, 1))}
LABEL = {"label": ("int32", ())}


def drawn(seed, temperature, label):
    """An image that tells its seed, temperature and label; NaN for a label beyond 9."""
    row = np.where(label < 10, 100.0 * seed + 10.0 * temperature + label, np.nan)  # (num,)
    return {"image": np.broadcast_to(row[:, None, None, None], (len(row), 2, 3, 1)), "seed": seed}


DRAWING = {
    "sample": Function(
        {"seed": ("int64", ()), "temperature": ("float32", ()), **LABEL},
        {**IMAGE, "seed": ("int64", ())},
        drawn,
    )
}


def wide(pixels):
    """Signatures whose rows have so many floats."""
    image, z = {"image": ("float32", (pixels,))}, {"z": ("float32", (2,))}
    code = {"code": ("float32", (2,))}
    return {
        "encode": Function(image, code, lambda image: {"code": image[:, :2]}),
        "decode": Function(z, image, lambda z: {"image": np.resize(z[:, :1], (pixels, len(z))).T}),
    }


@pytest.fixture(scope="module")
def models():
    pair = networks.dense(SHAPE, 2, hidden=(4,))
    conditional = networks.dense(SHAPE, 2, hidden=(4,), condition_dim=3)
    return {
        "vae": keras_vae.VAE(*pair),
        "label": keras_vae.CVAE(*conditional),
        "condition": keras_vae.CVAE(*conditional),
        "completion": keras_vae.CompletionCVAE(*conditional, given=[5, 1, 3]),
        "ae": keras_vae.Autoencoder(
            *networks.dense(SHAPE, 2, hidden=(4,), posterior="deterministic")
        ),
    }


@pytest.fixture(scope="module")
def folder(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, model in models.items():
        model.export(folder / name, labels=name != "condition")
    return folder


@pytest.fixture(scope="module")
def engine(folder):
    with local.serve(folder, 0, 0) as engine:
        yield engine


@pytest.fixture(scope="module")
def served(models, folder):
    with serving({name: exported(folder / name / "1") for name in models}) as served:
        yield served


@pytest.fixture
def drawing():
    with serving({"drawing": DRAWING}) as drawing:
        yield drawing


@pytest.fixture
def client(drawing):
    with Client(drawing.address, "drawing") as client:
        yield client


# --- the same as the local model ---


@pytest.mark.parametrize("method", ["sample", "encode", "decode", "reconstruct", "elbo"])
def test_methods_are_called_as_those_of_a_local_model(method):
    remote, here = (
        inspect.signature(getattr(one, method)).parameters for one in (Client, keras_vae.VAE)
    )
    assert list(remote.values()) == list(here.values())


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("vae", None),
        ("label", 2),
        ("label", LABELS),
        ("label", LABELS[:, np.newaxis].astype("uint8")),
        ("condition", VALUES),
        ("condition", VALUES[0]),
        ("condition", 2),
        ("condition", LABELS),
        ("completion", VALUES),
    ],
)
def test_results_are_those_of_the_local_model(engine, models, name, condition):
    model = models[name]
    one_for_all = np.ndim(condition) == 1 and np.asarray(condition).dtype == "float32"
    each = np.tile(condition, (5, 1)) if one_for_all else condition
    with Client(engine.address, name) as remote:
        results = {
            "sample": (5, condition, 7, 0.5),
            "encode": (PIXELS, each),
            "reconstruct": (PIXELS / 255, each),
            "decode": (RNG.normal(size=(5, 2)), condition),
            "elbo": (PIXELS, each, 3),
        }
        for method, arguments in results.items():
            found = getattr(remote, method)(*arguments)
            np.testing.assert_allclose(found, getattr(model, method)(*arguments), atol=1e-5)
            assert found.dtype == np.float32


def test_an_autoencoder(engine, models):
    with Client(engine.address, "ae") as remote:
        np.testing.assert_allclose(remote.encode(PIXELS), models["ae"].encode(PIXELS), atol=1e-6)
        with pytest.raises(
            UserError, match=r"no 'sample' in .*'ae'.* offers decode, encode, reconstruct"
        ):
            remote.sample(1)


def test_a_condition_of_one_number():
    height = {"condition": ("float32", (1,))}
    decode = Function(
        {"z": ("float32", (2,)), **height},
        {"image": ("float32", (1,))},
        lambda z, condition: {"image": condition},
    )
    z = np.zeros((3, 2))
    with (
        serving({"height": {"decode": decode}}) as served,
        Client(served.address, "height") as client,
    ):
        for condition in (4, 4.0, [4.0], [4, 4, 4], [[4.0]] * 3):
            np.testing.assert_array_equal(client.decode(z, condition), [[4], [4], [4]])
        with pytest.raises(UserError, match=r"shape \(2,\) .* for 3 rows"):
            client.decode(z, [4, 4])


def test_seeds_temperature_and_labels_are_sent_by_row(client):
    image = client.sample(3, [4, 5, 6], seed=7, temperature=0.5)
    assert image.shape == (3, 2, 3, 1)
    np.testing.assert_array_equal(image[:, 0, 0, 0], [709, 810, 911])


def test_without_a_seed_each_call_has_one_of_its_own(client):
    seeds = [client.sample(1, 0)[0, 0, 0, 0] for _ in range(3)]
    assert len(set(seeds)) == 3
    assert min(seeds) >= 0


def test_signatures_are_asked_for_once(drawing):
    with Client(drawing.address, "drawing") as client:
        drawing.asked.clear()
        for _ in range(3):
            client.sample(2, 1)
    assert drawing.asked == [("metadata", 0), *[("sample", 2)] * 3]


def test_a_version_is_sent(drawing):
    with Client(drawing.address, "drawing", version=7) as client:
        client.sample(1, 1)
    assert drawing.versions[-1] == 7


# --- mistakes are told before anything is sent ---


@pytest.mark.parametrize(
    ("name", "method", "arguments", "message"),
    [
        ("label", "sample", (0, 1), "num=0"),
        ("label", "sample", (2, 1, 2**53 - 1), "at most 2"),
        ("label", "sample", (2, 1, -1), "seed=-1"),
        ("label", "sample", (2, 1, 0, -1.0), "temperature=-1.0"),
        ("label", "sample", (2, 1, 0, np.inf), "temperature=inf"),
        ("label", "sample", ("2", 1), "num='2'"),
        ("label", "sample", (2, 1, 1.5), "seed=1.5"),
        ("label", "elbo", (PIXELS, 1, 1.5), "Received seed=1.5"),
        ("label", "sample", (2,), "no condition, and the model 'label' at .* needs one"),
        ("label", "sample", (2, 1.0), "dtype float64.* labels"),
        ("label", "sample", (2, "nine"), "labels"),
        ("label", "sample", (2, [1, 2, 3]), r"shape \(3,\) and dtype .* for 2 rows"),
        ("label", "sample", (2, [1]), r"shape \(1,\) and dtype .* for 2 rows"),
        ("label", "sample", (2, -1), "the label -1;"),
        ("label", "sample", (1, 2**31), "expected them from 0 to 2147483647"),
        ("label", "decode", (np.zeros((5, 2)), np.eye(3)[LABELS]), "takes labels"),
        ("label", "elbo", (PIXELS, 1, -1), "Received seed=-1"),
        ("vae", "sample", (2, 1), "'vae' at .* takes none: leave it out"),
        ("vae", "encode", (PIXELS, LABELS), "takes none"),
        ("vae", "encode", (PIXELS[:, :7],), r"\(5, 7, 8, 1\); the model takes rows of \(8, 8, 1\)"),
        ("vae", "encode", (PIXELS[0],), r"\(8, 8, 1\); the model takes"),
        ("vae", "encode", (PIXELS[:0],), "at least one"),
        ("vae", "elbo", (0.5,), "takes rows of"),
        ("vae", "encode", (PIXELS.astype(int),), "dtype int64; expected uint8"),
        ("vae", "decode", (np.zeros((5, 3)),), r"z of shape \(5, 3\)"),
        (
            "condition",
            "sample",
            (2, [1.0, 2.0]),
            r"shape \(2,\) and dtype .* for 2 rows.*shape \(3,\)",
        ),
        ("condition", "sample", (2, 3), "the label 3; expected them from 0 to 2"),
        ("condition", "sample", (2,), "needs one"),
        ("condition", "encode", (PIXELS[:3], VALUES[0]), "for 3 rows;"),
    ],
)
def test_mistakes(served, name, method, arguments, message):
    with Client(served.address, name) as client:
        served.asked.clear()
        with pytest.raises(UserError, match=message) as mistake:
            getattr(client, method)(*arguments)
    assert served.sizes == []
    assert str(mistake.value).count("\n") == 0


@pytest.mark.parametrize("method", ["encode", "reconstruct", "elbo"])
@pytest.mark.parametrize("value", [255.0, -1.0, np.nan])
def test_data_out_of_range(engine, method, value):
    x = PIXELS / 255
    x[3, 0, 0] = value
    with (
        Client(engine.address, "label") as client,
        pytest.raises(UserError, match=r"the label 2 with data, for .* NaN in row 3.* from 0 to 1"),
    ):
        getattr(client, method)(x, [0, 1, 1, 2, 0])


def test_given_pixels_are_no_bytes(engine):
    with (
        Client(engine.address, "completion") as client,
        pytest.raises(UserError, match=r"Received conditions, for .* NaN in row 0"),
    ):
        client.sample(2, np.full((2, 3), 255, np.uint8))


def test_codes_that_are_no_numbers(engine):
    with Client(engine.address, "vae") as client, pytest.raises(UserError, match="Received codes"):
        client.decode([[0.0, np.nan]])


def test_a_label_that_the_model_does_not_know(client):
    with pytest.raises(UserError, match=r"the label 12, for which .* gives NaN"):
        client.sample(3, [1, 12, 2])


# --- large batches ---


def test_a_batch_is_split_by_what_the_server_batches(drawing, client):
    whole = client.sample(64, 1, seed=0)
    drawing.asked.clear()
    image = client.sample(150, 1, seed=0)
    assert drawing.sizes == [64, 64, 22]
    np.testing.assert_array_equal(image[:64], whole)
    np.testing.assert_array_equal(image[:, 0, 0, 0], 100 * np.arange(150) + 11)


def test_a_batch_is_split_by_the_bytes_of_what_is_sent_and_received():
    with serving({"wide": wide(250_000)}) as served, Client(served.address, "wide") as client:
        z = np.arange(16.0).reshape(8, 2)  # (8, 2)
        image = client.decode(z)  # (8, 250000)
        np.testing.assert_array_equal(image, np.repeat(z[:, :1], 250_000, axis=1))
        np.testing.assert_array_equal(client.encode(image), np.repeat(z[:, :1], 2, axis=1))
    assert served.sizes == [3, 3, 2] * 2  # rows of 1 MB in messages of 4 MiB


def test_a_row_larger_than_a_message_is_received():
    with serving({"wide": wide(1_500_000)}) as served, Client(served.address, "wide") as client:
        assert client.decode(np.ones((2, 2))).shape == (2, 1_500_000)
    assert served.sizes == [1, 1]


# --- errors, deadlines, retries ---


def test_unavailable_is_tried_again(drawing, client):
    client.sample(1, 1)
    drawing.asked.clear()
    drawing.failures[:] = [grpc.StatusCode.UNAVAILABLE] * 2
    np.testing.assert_array_equal(client.sample(2, 1, seed=0)[:, 0, 0, 0], [11, 111])
    assert drawing.sizes == [2, 2, 2]


def test_a_large_request_is_tried_again_too():
    with serving({"wide": wide(250_000)}) as served, Client(served.address, "wide") as client:
        served.failures[:] = [grpc.StatusCode.UNAVAILABLE]
        client.encode(np.zeros((3, 250_000)))
    assert served.sizes == [3, 3]


def test_attempts_have_a_limit(drawing, client):
    client.sample(1, 1)
    drawing.asked.clear()
    drawing.failures[:] = [grpc.StatusCode.UNAVAILABLE] * 5
    with pytest.raises(ServingError) as error:
        client.sample(1, 1)
    assert error.value.code is grpc.StatusCode.UNAVAILABLE
    assert drawing.sizes == [1] * 5
    assert not drawing.failures


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
    ],
)
def test_no_other_failure_is_tried_again(drawing, client, code):
    client.sample(1, 1)
    drawing.asked.clear()
    drawing.failures[:] = [code]
    with pytest.raises(ServingError) as error:
        client.sample(1, 1)
    assert str(error.value) == (
        f"{code.name} from the model 'drawing' at {drawing.address}: told to fail."
    )
    assert error.value.code is code
    assert drawing.sizes == [1]


def test_a_call_has_a_deadline(drawing):
    with Client(drawing.address, "drawing", timeout=0.5) as client:
        drawing.free.clear()
        with pytest.raises(ServingError, match=r"DEADLINE_EXCEEDED .* a longer timeout") as error:
            client.sample(1, 1)
        drawing.free.set()
    assert error.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_an_unknown_model(drawing):
    with Client(drawing.address, "no") as client, pytest.raises(ServingError) as error:
        client.sample(1)
    assert str(error.value) == (
        f"NOT_FOUND from the model 'no' at {drawing.address}: "
        "Servable not found for request: Latest(no); check the model's name and version."
    )


def test_nobody_there():
    with socket.socket() as bound:  # to a port on which nobody listens
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        with (
            Client(address, "mnist-cvae") as client,
            pytest.raises(
                ServingError, match=rf"UNAVAILABLE .*'mnist-cvae' at {address}: .*runs there"
            ),
        ):
            client.sample(1)


def test_a_client_ends_with_its_block(drawing):
    with Client(drawing.address, "drawing") as client:
        client.sample(1, 1)
    with pytest.raises(ValueError, match="closed channel"):
        client.sample(1, 1)


def test_all_servers_of_a_name_are_asked(monkeypatch):
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.delenv(proxy, raising=False)  # gRPC would send a list of addresses there
    with serving({"drawing": DRAWING}) as first, serving({"drawing": DRAWING}) as second:
        both = f"ipv4:{first.address},{second.address}"
        with Client(both, "drawing") as client:
            deadline = time.monotonic() + 60
            while not (first.sizes and second.sizes):
                assert time.monotonic() < deadline
                client.sample(1, 1)


# --- TLS ---


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_tls(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2"
    subject = "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", key, "-out", certificate]
    command = ["openssl", *request.split(), *subject.split(), *files]
    subprocess.run(command, check=True, capture_output=True)
    pair = (key.read_bytes(), certificate.read_bytes())
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    with serving({"drawing": DRAWING}, grpc.ssl_server_credentials([pair])) as served:
        with Client(served.address, "drawing", credentials=trusted) as client:
            assert client.sample(1, 1).shape == (1, 2, 3, 1)
        stranger = grpc.ssl_channel_credentials()
        for credentials in (None, stranger):
            with (
                Client(served.address, "drawing", credentials=credentials) as client,
                pytest.raises(ServingError) as error,
            ):
                client.sample(1, 1)
            assert error.value.code is grpc.StatusCode.UNAVAILABLE


# --- a real server ---


@pytest.mark.skipif("TF_SERVING_ADDRESS" not in os.environ, reason="TF_SERVING_ADDRESS names none")
def test_a_server_that_serves_mnist_cvae():
    with Client(os.environ["TF_SERVING_ADDRESS"], "mnist-cvae") as client:
        nines = client.sample(70, condition=9, seed=0)
        assert nines.shape == (70, 28, 28, 1)
        np.testing.assert_allclose(client.sample(3, 9, seed=60), nines[60:63], atol=1e-5)
        assert not np.array_equal(client.sample(1, 9), client.sample(1, 9))
        z = client.encode(nines, 9)
        np.testing.assert_allclose(client.decode(z, 9), client.reconstruct(nines, 9), atol=1e-5)
        assert np.isfinite(client.elbo(nines, 9)).all()
        with pytest.raises(UserError, match="label 10, for which"):
            client.sample(1, 10)
    with (
        Client(os.environ["TF_SERVING_ADDRESS"], "no-such-model") as client,
        pytest.raises(ServingError, match="NOT_FOUND"),
    ):
        client.sample(1)
