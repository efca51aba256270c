"""Keras' cache and download, and what happens when no answer comes."""

import hashlib
import io
import socket
import threading
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from keras_vae.datasets import SampleWarning, download, load
from keras_vae.errors import UserError


@pytest.fixture
def serve(monkeypatch):
    """Starts a server that handles each GET with the given function, and points ORIGIN at it."""
    servers = []

    def start(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.block_on_close = True, False
        server.handle_error = lambda *_: None  # a client that leaves is what these tests are about
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(download, "ORIGIN", f"http://127.0.0.1:{server.server_port}/")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def send(handler, content, length=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    handler.end_headers()
    handler.wfile.write(content)


def mnist_npz():
    buffer = io.BytesIO()
    x, y = np.zeros((4, 28, 28), np.uint8), np.arange(4)
    np.savez(buffer, x_train=x, y_train=y, x_test=x, y_test=y)
    return buffer.getvalue()


LONG = 60  # seconds of a server that does not answer


def silence(handler):
    time.sleep(LONG)


def trickle(handler):
    for _ in range(40 * LONG):  # each byte comes in time for a socket, their sum does not
        handler.wfile.write(b"H")
        time.sleep(0.03)


def no_answer(serve, monkeypatch, kind):
    if kind == "silence":
        serve(silence)
    elif kind == "trickle":
        serve(trickle)
    else:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(LONG))


def test_the_bound_is_ten_seconds():
    assert download.TIMEOUT == 10


@pytest.mark.parametrize("kind", ["silence", "trickle", "name lookup"])
def test_no_answer_gives_up_in_time_and_the_sample_serves(kind, serve, monkeypatch):
    no_answer(serve, monkeypatch, kind)
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    start = time.monotonic()
    with pytest.warns(SampleWarning) as caught:
        dataset = load("mnist")
    assert time.monotonic() - start < 5
    assert dataset.name == "mnist-sample"
    assert len(caught) == 1
    assert "--data" in str(caught[0].message)
    assert caught[0].filename == __file__  # the user's line


def test_a_refused_connection_does_not_wait():
    start = time.monotonic()
    with pytest.warns(SampleWarning, match="refused"):
        assert load("mnist").name == "mnist-sample"
    assert time.monotonic() - start < 5


def test_an_http_error_counts_as_no_answer(serve):
    serve(lambda handler: handler.send_error(403))
    with pytest.warns(SampleWarning, match="403"):
        load("mnist")


def test_fashion_mnist_without_a_network_says_where_to_put_it(monkeypatch):
    sources = load.__globals__["_SOURCES"]
    monkeypatch.setitem(sources, "fashion-mnist", sources["fashion-mnist"]._replace(installed=None))
    with pytest.raises(UserError, match=r"refused.*; put train-images.* into DIR/fashion-mnist/"):
        load("fashion-mnist")


@pytest.fixture
def cached(monkeypatch, tmp_path):
    """Keras' cache holds the file that Keras expects; gives its path."""
    content = mnist_npz()
    monkeypatch.setattr(download, "MNIST_SHA256", hashlib.sha256(content).hexdigest())
    path = tmp_path / "keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_another_file_in_the_cache_is_refused_and_kept(cached):
    np.savez(cached, x_train=np.zeros((2, 28, 28), np.uint8))
    content = cached.read_bytes()
    with pytest.raises(UserError, match=r"is not the file that was expected .* delete it"):
        load("mnist")
    assert cached.read_bytes() == content


def test_the_cache_serves_without_a_network(cached):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = load("mnist")
    assert (dataset.name, dataset.x_train.shape) == ("mnist", (4, 28, 28, 1))


def test_mnist_is_downloaded_once(serve, monkeypatch, tmp_path):
    content, paths = mnist_npz(), []
    monkeypatch.setattr(download, "MNIST_SHA256", hashlib.sha256(content).hexdigest())

    def answer(handler):
        paths.append(handler.path)
        send(handler, content)

    serve(answer)
    assert load("mnist").name == load("mnist").name == "mnist"
    assert (tmp_path / "keras" / "datasets" / "mnist.npz").read_bytes() == content
    assert paths == ["/mnist.npz"] * 2  # the question whether it answers, then Keras
    assert socket.getdefaulttimeout() is None


def test_fashion_mnist_is_downloaded(serve, monkeypatch, tmp_path, write_mnist):
    sources = load.__globals__["_SOURCES"]
    monkeypatch.setitem(sources, "fashion-mnist", sources["fashion-mnist"]._replace(installed=None))
    arrays = write_mnist(tmp_path / "server", ".gz")
    serve(lambda handler: send(handler, (tmp_path / "server" / handler.path[1:]).read_bytes()))
    dataset = load("fashion-mnist")
    assert dataset.name == "fashion-mnist"
    np.testing.assert_array_equal(dataset.x_test[..., 0], arrays["x_test"])


def test_a_download_of_wrong_content_is_not_kept(serve, tmp_path):
    serve(lambda handler: send(handler, b"<html>Please log in</html>"))
    with pytest.warns(SampleWarning, match="hash"):
        load("mnist")
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()


def test_a_server_that_falls_silent_midway_is_left(serve, monkeypatch, tmp_path):
    asked = threading.Event()

    def answer(handler):
        if not asked.is_set():
            asked.set()
            send(handler, mnist_npz())
        else:
            send(handler, b"PK", length=1000)
            time.sleep(LONG)

    serve(answer)
    monkeypatch.setattr(download, "TIMEOUT", 1.0)
    start = time.monotonic()
    with pytest.warns(SampleWarning, match="timed out"):
        load("mnist")
    assert time.monotonic() - start < 5
    assert not (tmp_path / "keras" / "datasets" / "mnist.npz").exists()
