"""The versions of one model: which one answers, and how another takes over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

from keras_vae.model_folders import versions
from keras_vae.serving._protos import get_model_status_pb2
from keras_vae.serving._servable import Servable
from keras_vae.serving._status import StatusError

_LOG = logging.getLogger(__name__)

Status: TypeAlias = get_model_status_pb2.ModelVersionStatus


@dataclass(eq=False)
class _Held:
    """A servable and the number of requests in it."""

    servable: Servable
    users: int = 0


class Model:
    """A folder of versions, of which the newest that works answers requests.

    Args:
        folder: It bears the model's name; each version is a folder in it, named by its number.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._folder = folder
        self._lock = threading.RLock()  # of what follows
        self._current: _Held | None = None
        self._statuses: dict[int, Status] = {}
        self._refused: dict[int, object] = {}  # version -> what its folder looked like

    def refresh(self) -> None:
        """Follows the folder: loads the newest version that works, and lets the one before go.

        A version is warmed up before it takes over from another. Where there is none, it answers
        at once, and waits for `warm_up`. One that fails is refused with a line in the log, and not
        tried again until its files change. For one thread at a time.

        Raises:
            OSError: When the folder cannot be read now; what is loaded stays.
        """
        for version, folder in sorted(versions(self._folder).items(), reverse=True):
            appearance = _appearance(folder)
            if self._refused.get(version) == appearance:
                continue
            try:
                self._take(version, folder)
                return
            except Exception as error:  # whatever may be wrong with a folder
                self._refused[version] = appearance
                self._refuse(version, error)
        self._replace(None)

    def warm_up(self) -> None:
        """Warms up the version that answers, unless it is warm; one that fails is refused."""
        with self._lock:
            current = self._current
        if current is None or current.servable.is_warm:
            return
        servable = current.servable
        try:
            with self.servable(servable.version):
                servable.warm_up(threads=1)  # requests need the processors too
        except Exception as error:  # whatever may be wrong with its requests
            if not servable.folder.exists():
                return  # it has left, and `refresh` lets it go
            with self._lock:
                if current is self._current:  # nothing better has come meanwhile
                    self._refused[servable.version] = _appearance(servable.folder)
                    self._refuse(servable.version, error)

    @contextmanager
    def servable(self, version: int | None) -> Iterator[Servable]:
        """Gives what answers requests, which stays loaded until the request has left it.

        Args:
            version: The one that is asked for; None for the newest.

        Raises:
            StatusError: When it is not loaded.
        """
        with self._lock:
            held = self._current
            if held is None or version not in (None, held.servable.version):
                raise not_found(self.name, version)
            held.users += 1
        try:
            yield held.servable
        finally:
            with self._lock:
                held.users -= 1
                is_last = held.users == 0 and held is not self._current
            if is_last:
                self._close(held.servable)

    def statuses(self) -> list[Status]:
        """The state of each version that has been seen, the newest first."""
        with self._lock:
            return [self._statuses[version] for version in sorted(self._statuses, reverse=True)]

    def close(self) -> None:
        """Lets the version go that answers."""
        self._replace(None)

    def _take(self, version: int, folder: Path) -> None:
        """Makes the version the one that answers, loaded and warm."""
        current = self._current
        if current is not None and current.servable.version == version:
            return
        self._set(version, Status.LOADING)
        servable = Servable(self.name, version, folder)
        if current is not None:
            try:
                servable.warm_up()
            except Exception:
                servable.close()
                raise
        self._replace(_Held(servable))
        self._refused.pop(version, None)  # it is mended

    def _refuse(self, version: int, error: Exception) -> None:
        with self._lock:
            if self._current is not None and self._current.servable.version == version:
                self._replace(None)
        code = error.code if isinstance(error, StatusError) else grpc.StatusCode.UNKNOWN
        self._set(version, Status.END, code, str(error))
        _LOG.error("%s: version %d is refused: %s", self.name, version, _line(error))

    def _replace(self, new: _Held | None) -> None:
        """Lets a servable take over; the one before is freed when the last request has left it."""
        with self._lock:
            old, self._current = self._current, new
            if old is not None:
                self._set(old.servable.version, Status.UNLOADING)
            if new is not None:
                self._set(new.servable.version, Status.AVAILABLE)
            is_idle = old is not None and old.users == 0
        if new is not None:
            _LOG.info("%s: version %d is served", self.name, new.servable.version)
        if old is not None and is_idle:
            self._close(old.servable)

    def _close(self, servable: Servable) -> None:
        servable.close()
        with self._lock:
            is_back = self._current and self._current.servable.version == servable.version
            if not is_back and servable.version not in self._refused:  # whose status tells why
                self._set(servable.version, Status.END)

    def _set(
        self,
        version: int,
        state: int,
        code: grpc.StatusCode = grpc.StatusCode.OK,
        text: str = "",
    ) -> None:
        status = Status(version=version, state=state)
        status.status.error_code, status.status.error_message = code.value[0], text
        with self._lock:
            self._statuses[version] = status


def not_found(name: str, version: int | None) -> StatusError:
    """The error of a request for what is not loaded."""
    wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
    return StatusError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")


def _appearance(folder: Path) -> object:
    """What changes when the files of a folder do."""
    files = sorted(folder.rglob("*"))
    return [(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files]


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
