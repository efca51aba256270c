"""Files from Keras' cache, downloaded by Keras when its server answers in time."""

from __future__ import annotations

import hashlib
import queue
import socket
import threading
import urllib.request
from pathlib import Path

from keras_vae.datasets.dataset import Dataset
from keras_vae.datasets.idx import FILES, read_idx_folder
from keras_vae.datasets.keras_home import keras_home
from keras_vae.datasets.npz import read_npz
from keras_vae.errors import UserError

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
TIMEOUT = 10.0  # seconds
_PROBE_BYTES = 1 << 16


def download_mnist(name: str) -> Dataset:
    """MNIST as Keras has it.

    Raises:
        OSError: When it can neither be found nor downloaded.
        UserError: When Keras' cache holds another file under its name.
    """
    return read_npz(name, _fetch("mnist.npz", "datasets", MNIST_SHA256))


def download_fashion_mnist(name: str) -> Dataset:
    """Fashion-MNIST as Keras has it. Raises OSError when it can neither be found nor downloaded."""
    files = [f"{file}.gz" for file, _ in FILES.values()]
    folders = [_fetch(file, "datasets/fashion-mnist").parent for file in files]
    return read_idx_folder(name, folders[0])


def _fetch(file: str, folder: str, sha256: str | None = None) -> Path:
    """The path of a file in Keras' cache; needs no network, nor Keras, when it is there already."""
    home = keras_home()
    path = home / folder / file
    if path.is_file():
        if sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise UserError(
                f"{path} is not the file that was expected from Keras' download, by its SHA-256: "
                "delete it, or give your own data with --data."
            )
        return path
    _await_answer(ORIGIN + file)
    import keras

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # for a server that answers, then falls silent
    try:
        home.mkdir(parents=True, exist_ok=True)  # else Keras would use /tmp
        found = keras.utils.get_file(
            file, ORIGIN + file, file_hash=sha256, cache_subdir=folder, cache_dir=str(home)
        )
    except Exception as error:  # what get_file raises on an HTTP error is an Exception
        path.unlink(missing_ok=True)  # a file that failed its hash
        raise ConnectionError(str(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    return Path(found)


def _await_answer(url: str) -> None:
    """Returns once `url` has given its first bytes; raises OSError after `TIMEOUT` at the latest.

    A thread asks, because a socket's own timeout bounds neither the name lookup nor a trickle.
    """
    answer: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def ask() -> None:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                response.read(_PROBE_BYTES)
            answer.put(None)
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        error = answer.get(timeout=TIMEOUT)
    except queue.Empty:
        raise TimeoutError(f"no answer from {url} within {TIMEOUT:g} s") from None
    if error is not None:
        raise ConnectionError(f"{url}: {error}") from error
