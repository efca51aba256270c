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
        self._errors: dict[str, str] = {}  # name -> what was wrong when it was read last
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
        loading: dict[str, Future[None]] = {}
        warming: Future[None] | None = None
        with ThreadPoolExecutor(_LOADERS) as loaders, ThreadPoolExecutor(1) as warmer:
            while True:
                self._notice_models()
                for name, model in self._models.items():
                    # One that is loaded just now is left alone, for the others' sake.
                    if name not in loading or loading[name].done():
                        loading[name] = loaders.submit(self._refresh, model)
                if warming is None or warming.done():
                    warming = warmer.submit(self._warm_up, list(self._models.values()))
                if self._stop.wait(_POLL_SECONDS):
                    return

    def _notice_models(self) -> None:
        with self._reported(str(self._folder)):
            for path in models(self._folder):
                if path.name not in self._models:
                    self._models[path.name] = Model(path)

    def _refresh(self, model: Model) -> None:
        if not self._stop.is_set():
            with self._reported(model.name):
                model.refresh()

    def _warm_up(self, models: list[Model]) -> None:
        for model in models:
            if not self._stop.is_set():
                model.warm_up()

    @contextmanager
    def _reported(self, name: str) -> Iterator[None]:
        """Logs an error of the context, such as a folder that changes meanwhile, when it is new."""
        try:
            yield
        except Exception as error:
            if self._errors.get(name) != str(error):
                _LOG.error("%s cannot be read: %s", name, error)
            self._errors[name] = str(error)
        else:
            self._errors.pop(name, None)


def _version(spec: model_pb2.ModelSpec) -> int | None:
    return spec.version.value if spec.HasField("version") else None
