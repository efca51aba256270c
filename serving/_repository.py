"""A folder of models, followed while it changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import grpc

from keras_vae.model_folders import expect_models, models
from keras_vae.serving._model import Model, Status, not_found
from keras_vae.serving._protos import model_pb2
from keras_vae.serving._servable import Servable
from keras_vae.serving._status import StatusError, invalid

_POLL_SECONDS = 0.5
_LOADERS = 2  # requests need the processor too
_LOG = logging.getLogger(__name__)


class Repository:
    """All models of a folder: <folder>/<model>/<version>/saved_model.pb.

    Args:
        folder: Where the models are.

    Raises:
        UserError: For a folder that does not exist or has no models.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stop = threading.Event()
        self._models = {path.name: Model(path) for path in expect_models(folder)}
        with ThreadPoolExecutor(_LOADERS) as pool:
            list(pool.map(self._refresh, self._models.values()))

    @property
    def names(self) -> list[str]:
        """The models."""
        return sorted(self._models)

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Follows the folder within the context, and lets all models go at its end."""
        thread = threading.Thread(target=self._follow, name="models", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            for model in self._models.values():
                model.close()

    def servable(self, spec: model_pb2.ModelSpec) -> AbstractContextManager[Servable]:
        """Gives what answers a request for the context.

        Raises:
            StatusError: When there is nothing of that model and version.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.HasField("version_label"):
            raise invalid(f"Unrecognized servable version label: {spec.version_label}")
        if spec.name not in self._models:
            raise not_found(spec.name, _version(spec))
        return self._models[spec.name].servable(_version(spec))

    def statuses(self, spec: model_pb2.ModelSpec) -> list[Status]:
        """The states of a model's versions, or of one of them.

        Raises:
            StatusError: When there are none.
        """
        model, version = self._models.get(spec.name), _version(spec)
        found = [] if model is None else model.statuses()
        if version is not None:
            found = [status for status in found if status.version == version]
        if not found:
            what = "any versions" if version is None else f"version {version}"
            text = f"Could not find {what} of model {spec.name}"
            raise StatusError(grpc.StatusCode.NOT_FOUND, text)
        return found

    def _follow(self) -> None:
        under_way: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(_LOADERS) as pool:
            while True:
                self._notice_models()
                for name, model in self._models.items():
                    # One that is loaded or warmed up just now is left alone, for the others' sake.
                    if name not in under_way or under_way[name].done():
                        under_way[name] = pool.submit(self._refresh, model)
                if self._stop.wait(_POLL_SECONDS):
                    return

    def _notice_models(self) -> None:
        try:
            for path in models(self._folder):
                if path.name not in self._models:
                    self._models[path.name] = Model(path)
        except OSError as error:
            _LOG.error("%s cannot be read: %s", self._folder, error)

    def _refresh(self, model: Model) -> None:
        if self._stop.is_set():
            return
        try:
            model.refresh()
        except Exception as error:  # such as a folder that changes in the meantime
            _LOG.error("%s cannot be read: %s", model.name, error)


def _version(spec: model_pb2.ModelSpec) -> int | None:
    return spec.version.value if spec.HasField("version") else None
