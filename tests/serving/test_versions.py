"""Versions that come, go and do not work, while a server runs."""

import http.client
import json
import os
import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from asked import Asked
from keras_vae.serving import _grpc, _rest, _servable, local
from keras_vae.serving._protos import get_model_status_pb2, model_pb2
from keras_vae.serving._session import Session
from tiny_saved_models import predict_request, sample_request, write_version, write_warmup

Status = get_model_status_pb2.ModelVersionStatus


def statuses(asked, name="tiny"):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_pb2.ModelSpec(name=name))
    found = asked.model.GetModelStatus(request).model_version_status
    return {status.version: status for status in found}


def states(asked, name="tiny"):
    return {version: status.state for version, status in statuses(asked, name).items()}


def level(asked, **options):
    return float(asked.predict(sample_request([0], **options))["image"][0, 0, 0, 0])


def answers(asked, wanted, **options):
    """Whether a model is there and gives the level."""
    try:
        return level(asked, **options) == wanted
    except grpc.RpcError:
        return False


def refuses(served):
    host, port = served.rest_address.split(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_new_version_takes_over(serving, until):
    assert level(serving.asked) == 0
    write_version(serving.models / "tiny" / "2", offset=5.0)
    until(lambda: level(serving.asked) == 5)
    assert level(serving.asked, version=2) == 5
    until(lambda: states(serving.asked) == {2: Status.AVAILABLE, 1: Status.END})
    with pytest.raises(grpc.RpcError, match="Specific\\(tiny, 1\\)"):
        level(serving.asked, version=1)


def test_no_request_fails_while_versions_change(serving, until):
    done = threading.Event()

    def hammer(client):
        levels = []
        while not done.is_set():
            image = serving.asked.predict(sample_request([client, client + 1]))["image"]
            first, second = image[:, 0, 0, 0]
            assert second == first + 1  # both rows are of one version
            levels.append(first - client)
        return levels

    with ThreadPoolExecutor(8) as pool:
        hammering = [pool.submit(hammer, client) for client in range(8)]
        try:
            for version in (2, 3, 4):
                write_version(serving.models / "tiny" / str(version), offset=1000.0 * version)
                until(lambda wanted=version: level(serving.asked) == 1000 * wanted)
        finally:
            done.set()
        for levels in (future.result(60) for future in hammering):
            assert levels == sorted(levels)  # nobody is sent back to an older version
            assert set(levels) <= {0, 2000, 3000, 4000}


@pytest.fixture
def held(monkeypatch):
    """Requests for the signature "root" wait inside of the model until they may go."""
    events = SimpleNamespace(entered=threading.Event(), may_go=threading.Event())
    run = Session.run

    def held_run(self, name, inputs):
        if name == "root":
            events.entered.set()
            assert events.may_go.wait(60)
        return run(self, name, inputs)

    monkeypatch.setattr(Session, "run", held_run)
    return events


def test_a_version_stays_until_its_last_request_has_left(held, serving, until):
    with ThreadPoolExecutor(1) as pool:
        request = predict_request("root", z=np.full([1, 2], 9, "float32"))
        slow = pool.submit(serving.asked.prediction.Predict, request)
        assert held.entered.wait(60)
        write_version(serving.models / "tiny" / "2", offset=5.0)
        until(lambda: level(serving.asked) == 5)
        assert states(serving.asked) == {2: Status.AVAILABLE, 1: Status.UNLOADING}
        held.may_go.set()
        response = slow.result(60)
    assert response.model_spec.version.value == 1
    assert list(response.outputs["root"].float_val) == [3, 3]
    until(lambda: states(serving.asked)[1] == Status.END)


def test_a_model_that_warms_up_holds_up_no_other(held, serving, until):
    (serving.models / "other").mkdir()
    write_version(serving.models / "other" / "1", offset=2.0)
    until(lambda: answers(serving.asked, 2, model="other"))
    slow = serving.models / "other" / ".slow"
    write_version(slow)
    write_warmup(slow, [predict_request("root", z=np.ones([1, 2], "float32"))])
    os.rename(slow, serving.models / "other" / "2")
    assert held.entered.wait(60)
    write_version(serving.models / "tiny" / "2", offset=5.0)
    until(lambda: level(serving.asked) == 5)
    assert level(serving.asked, model="other") == 2
    held.may_go.set()
    until(lambda: answers(serving.asked, 0, model="other"))


def test_each_version_is_warmed_up_once(tmp_path, until, monkeypatch):
    def counted(folder):
        warmed.append(folder.name)
        return real(folder)

    warmed, real = [], _servable.warmup_requests
    monkeypatch.setattr(_servable, "warmup_requests", counted)
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    with local.serve(tmp_path, 0, 0) as served:
        until(lambda: warmed == ["1"])
        for version in (2, 3, 4):
            write_version(tmp_path / "tiny" / str(version), offset=float(version))
            until(lambda wanted=version: level(Asked(served)) == wanted)
    assert warmed == ["1", "2", "3", "4"]


def test_a_new_version_does_not_wait_for_first_versions_that_warm_up(held, tmp_path, until):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        write_version(tmp_path / name / "1")
        write_warmup(tmp_path / name / "1", [predict_request("root", z=np.ones([1, 2], "f4"))])
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    with local.serve(tmp_path, 0, 0) as served:
        asked = Asked(served)
        assert held.entered.wait(60)
        assert level(asked, model="a") == 0
        write_version(tmp_path / "tiny" / "2", offset=5.0)
        until(lambda: level(asked) == 5, seconds=30)  # before those that wait give up
        held.may_go.set()


def test_a_folder_that_cannot_be_read_for_a_while(serving, until, monkeypatch, caplog):
    read = threading.Event()

    def unreadable(path):
        if path == serving.models / "tiny":
            read.set()
            raise PermissionError(f"{path} is not for you")
        return scandir(path)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", unreadable)
    assert read.wait(60)
    until(lambda: caplog.messages)
    for _ in range(3):
        read.clear()
        assert read.wait(60)
        assert level(serving.asked) == 0
    assert len(caplog.messages) == 1
    monkeypatch.undo()
    write_version(serving.models / "tiny" / "2", offset=5.0)
    until(lambda: level(serving.asked) == 5)


def test_more_calls_than_can_wait_are_refused(held, monkeypatch, tmp_path):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    monkeypatch.setattr(_grpc, "_MOST_CALLS", 1)
    monkeypatch.setattr(_rest, "_MOST_CONNECTIONS", 1)
    request = predict_request("root", z=np.full([1, 2], 9, "float32"))
    with local.serve(tmp_path, 0, 0) as served, ThreadPoolExecutor(1) as pool:
        asked = Asked(served)
        slow = pool.submit(asked.predict, request)
        assert held.entered.wait(60)
        with pytest.raises(grpc.RpcError) as error:
            asked.predict(request)
        assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        kept = http.client.HTTPConnection(served.rest_address, timeout=60)
        kept.request("GET", "/v1/models/tiny")
        assert kept.getresponse().read()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            asked.rest("tiny")
        held.may_go.set()
        assert slow.result(60)["root"].tolist() == [[3, 3]]
        kept.close()


@pytest.mark.parametrize("port", ["grpc", "rest"])
def test_the_end_waits_for_requests(held, tmp_path, until, port):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    addresses, left = [], threading.Event()

    def serve():
        with local.serve(tmp_path, 0, 0) as served:
            addresses.append(served)
            assert held.entered.wait(60)
        left.set()

    def ask():
        if port == "grpc":
            z = np.array([[4, 9]], "float32")
            return asked.predict(predict_request("root", z=z))["root"].tolist()
        body = {"signature_name": "root", "inputs": [[4, 9]]}
        return asked.rest("tiny:predict", body)[1]["outputs"]

    with ThreadPoolExecutor(2) as pool:
        serving = pool.submit(serve)
        until(lambda: addresses)
        asked = Asked(addresses[0])
        asking = pool.submit(ask)
        assert held.entered.wait(60)
        until(lambda: refuses(addresses[0]))
        assert not left.is_set()
        held.may_go.set()
        assert asking.result(60) == [[2, 3]]
        serving.result(60)


def test_kept_connections_are_answered_and_then_closed(tmp_path):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1")
    body = json.dumps({"signature_name": "root", "inputs": [[4, 9]]})
    hammered = threading.Event()

    def hammer(address):
        """Asks over one connection until the server closes it."""
        connection = http.client.HTTPConnection(address, timeout=60)
        answers = []
        while True:
            connection.request("POST", "/v1/models/tiny:predict", body)
            reply = connection.getresponse()
            answers.append((reply.status, json.loads(reply.read())))
            if reply.will_close:
                return answers
            if len(answers) > 20:
                hammered.set()

    with ThreadPoolExecutor(4) as pool:
        with local.serve(tmp_path, 0, 0) as served:
            idle = http.client.HTTPConnection(served.rest_address, timeout=60)
            idle.request("GET", "/v1/models/tiny")
            idle.getresponse().read()
            asking = [pool.submit(hammer, served.rest_address) for _ in range(4)]
            assert hammered.wait(60)
        answers = [answer for each in asking for answer in each.result(60)]
    assert all(answer == (200, {"outputs": [[2, 3]]}) for answer in answers)
    assert idle.sock.recv(1) == b""


def damaged(folder):
    write_version(folder)
    (folder / "saved_model.pb").write_bytes(b"\xff" * 100)


def without_weights(folder):
    write_version(folder)
    shutil.rmtree(folder / "variables")


def with_bad_warmup(folder):
    hidden = folder.with_name("hidden")
    write_version(hidden)
    write_warmup(hidden, [predict_request("none")])
    os.rename(hidden, folder)


def with_damaged_warmup(folder):
    hidden = folder.with_name("hidden")
    write_version(hidden)
    path = hidden / "assets.extra" / "tf_serving_warmup_requests"
    path.write_bytes(path.read_bytes()[:-1])
    os.rename(hidden, folder)


@pytest.mark.parametrize(
    "write",
    [damaged, without_weights, with_bad_warmup, with_damaged_warmup],
    ids=lambda f: f.__name__,
)
def test_a_version_that_does_not_work_is_refused(serving, until, caplog, write):
    write(serving.models / "tiny" / "2")
    until(lambda: states(serving.asked).get(2) == Status.END)
    status = statuses(serving.asked)
    assert status[2].status.error_code != 0
    assert status[2].status.error_message
    assert status[1].state == Status.AVAILABLE
    assert level(serving.asked) == 0
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert line.startswith("tiny: version 2 is refused: ")
    write_version(serving.models / "tiny" / "3", offset=5.0)
    until(lambda: level(serving.asked) == 5)


def test_a_version_that_is_mended_is_taken(serving, until):
    without_weights(serving.models / "tiny" / "2")
    until(lambda: states(serving.asked).get(2) == Status.END)
    write_version(serving.models / "other" / "1", offset=7.0)
    shutil.copytree(
        serving.models / "other" / "1" / "variables", serving.models / "tiny" / "2" / "variables"
    )
    until(lambda: level(serving.asked) == 7)
    assert states(serving.asked)[2] == Status.AVAILABLE


@pytest.mark.parametrize("write", [damaged, with_bad_warmup], ids=lambda f: f.__name__)
def test_an_older_version_answers_when_the_newest_never_worked(tmp_path, until, write):
    (tmp_path / "tiny").mkdir()
    write_version(tmp_path / "tiny" / "1", offset=3.0)
    write(tmp_path / "tiny" / "2")
    with local.serve(tmp_path, 0, 0) as served:
        asked = Asked(served)
        until(lambda: states(asked) == {1: Status.AVAILABLE, 2: Status.END})
        assert level(asked) == 3
        assert statuses(asked)[2].status.error_message


def test_what_is_no_version_is_left_alone(serving, until):
    for name in ("latest", "9x", "-4", "1.5", str(2**63), "٩"):
        shutil.copytree(serving.models / "tiny" / "1", serving.models / "tiny" / name)
    (serving.models / "tiny" / "8").mkdir()
    (serving.models / "tiny" / "readme.txt").touch()
    write_version(serving.models / "tiny" / "7", offset=5.0)
    until(lambda: level(serving.asked) == 5)
    assert set(states(serving.asked)) == {1, 7}


def test_leading_zeros_are_of_no_account(serving, until):
    write_version(serving.models / "tiny" / "00000123", offset=5.0)
    until(lambda: level(serving.asked) == 5)
    assert level(serving.asked, version=123) == 5


def test_a_version_that_is_deleted_goes(serving, until):
    write_version(serving.models / "tiny" / "2", offset=5.0)
    until(lambda: level(serving.asked) == 5)
    shutil.rmtree(serving.models / "tiny" / "2")
    until(lambda: level(serving.asked) == 0)
    shutil.rmtree(serving.models / "tiny")
    until(lambda: Status.AVAILABLE not in states(serving.asked).values())
    with pytest.raises(grpc.RpcError, match="Latest\\(tiny\\)"):
        level(serving.asked)


def test_a_version_that_comes_back_while_its_last_request_leaves(held, serving, until):
    version = serving.models / "tiny" / "1"
    with ThreadPoolExecutor(1) as pool:
        request = predict_request("root", z=np.full([1, 2], 9, "float32"))
        slow = pool.submit(serving.asked.predict, request)
        assert held.entered.wait(60)
        os.rename(version, serving.models / "kept")
        until(lambda: states(serving.asked) == {1: Status.UNLOADING})
        os.rename(serving.models / "kept", version)
        until(lambda: states(serving.asked) == {1: Status.AVAILABLE})
        held.may_go.set()
        assert slow.result(60)["root"].tolist() == [[3, 3]]
    assert states(serving.asked) == {1: Status.AVAILABLE}


def test_a_model_that_comes_is_served(serving, until):
    (serving.models / "other").mkdir()
    write_version(serving.models / "other" / "1", offset=2.0)
    until(lambda: answers(serving.asked, 2, model="other"))
    assert level(serving.asked) == 0
