"""A SavedModel in TensorFlow's runtime: what it computes, what it tells, what it frees."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from asked import memory
from keras_vae.serving._protos import saved_model_pb2
from keras_vae.serving._session import Session
from keras_vae.serving._status import StatusError
from tiny_saved_models import write_version


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "1"
    write_version(folder, offset=0.5)
    session = Session(folder)
    yield session
    session.close()


def test_arrays_of_any_layout(session):
    image = np.arange(32, dtype="float32").reshape(4, 4, 2, 1).transpose(2, 0, 1, 3)  # not in order
    outputs = session.run("encode", {"image": image})
    mean = image.mean((1, 2))[:, 0]  # (2,)
    np.testing.assert_allclose(outputs["z_mean"], np.stack([mean, -mean], 1))


def test_signatures_are_those_of_prediction(session):
    names = {"sample", "sample_png", "encode", "root", "shout", "total", "half"}
    assert set(session.signatures) == names | {"serving_default"}


def test_a_dtype_that_is_not_known_here(session):
    with pytest.raises(StatusError, match=r"float16|half") as error:
        session.run("half", {"z": np.ones([1, 2], "float32")})
    assert error.value.code is grpc.StatusCode.UNIMPLEMENTED


def test_runs_side_by_side(session):
    def roots(value):
        z = np.full([3, 2], value**2, "float32")
        return [session.run("root", {"z": z})["root"].tolist() for _ in range(50)]

    with ThreadPoolExecutor(8) as pool:
        for value, found in enumerate(pool.map(roots, range(8))):
            assert found == [[[value] * 2] * 3] * 50


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(StatusError, match="SavedModel"):
        Session(tmp_path)


def test_a_signature_of_a_tensor_that_is_not_there(tmp_path):
    write_version(tmp_path / "1")
    path = tmp_path / "1" / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved.meta_graphs[0].signature_def["root"].inputs["z"].name = "nowhere:0"
    path.write_bytes(saved.SerializeToString())
    with pytest.raises(StatusError, match="nowhere:0, which is not in the graph"):
        Session(tmp_path / "1")


def test_inputs_and_outputs_are_freed(session):
    text = np.array([b"x" * 2**20], object)
    for _ in range(20):
        session.run("shout", {"text": text})
    before = memory(os.getpid())
    for _ in range(200):
        session.run("shout", {"text": text})
    assert memory(os.getpid()) - before < 100 * 2**20


def test_a_closed_model_is_freed(tmp_path):
    write_version(tmp_path / "1")
    for _ in range(3):
        Session(tmp_path / "1").close()
    before = memory(os.getpid())
    for _ in range(30):
        session = Session(tmp_path / "1")
        session.run("root", {"z": np.ones([1, 2], "float32")})
        session.close()
    assert memory(os.getpid()) - before < 60 * 2**20
