# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault injection in the process of a module: logs its file operations, lets one of them fail, or kills the process.

Only operations in the folder of the stores are covered. Errors such as a full disk or missing permissions are raised
with the errno of the system, because tests may run as root and cannot fill a disk.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import re
import signal
from collections.abc import Callable
from typing import Any, NoReturn

import requests
from urllib3.util import connection as urllib3_connection

_DRAFT = re.compile(r"\.[a-z0-9_]{8}\.draft")

# The operations by name. Reads change nothing, so a kill between two reads has the same effect as before.
READS = ("stat", "lstat", "access", "listdir", "open", "read")
CHANGES = (
    "flock",
    "create",
    "open-to-write",
    "write",
    "truncate",
    "fsync",
    "close",
    "chmod",
    "chown",
    "replace",
    "rename",
    "link",
    "symlink",
    "mkdir",
    "unlink",
)
_NEEDS_SPACE = ("create", "write", "truncate", "fsync", "close", "replace", "rename", "link", "symlink", "mkdir")
_NEEDS_FOLDER = ("create", "open-to-write", "chmod", "chown", "replace", "rename", "link", "symlink", "mkdir", "unlink")

# Each fault of a file operation: the errno, whether it stays for the rest of the run, and the operations that fail.
ERRORS: dict[str, tuple[int, bool, tuple[str, ...]]] = {
    "disk-full": (errno.ENOSPC, True, _NEEDS_SPACE),
    "read-only": (errno.EROFS, True, ("access", "write", *_NEEDS_FOLDER)),
    "denied": (errno.EACCES, False, ("stat", "lstat", "access", "listdir", "open", *_NEEDS_FOLDER)),
    "io-error": (errno.EIO, False, ("read", "write", "fsync", "close")),
    "no-locks": (errno.ENOLCK, False, ("flock",)),
}
KILLS: dict[str, tuple[str, ...]] = {
    "killed-before": CHANGES,
    "killed-during": ("write",),
    "killed-after": CHANGES,
}


def install(options: dict[str, Any]) -> None:
    """Install the wrappers. ``options``: ``folder``, ``log``, and the ``file`` operation or ``request`` that fails."""
    injector = FaultInjector(options)
    _Files(injector).install()
    _Requests(injector, options.get("request") or {}).install()
    _disable_pauses()


def _disable_pauses() -> None:
    """Disable pauses between retries, which are not tested here."""
    from ansible_collections.tokensmith.quay.plugins.module_utils._http import client

    defaults = client.QuayClient.__init__.__kwdefaults__ or {}
    assert "sleep" in defaults
    defaults["sleep"] = lambda _seconds: None


def _replace(place: Any, name: str, replacement: Any) -> None:
    """Replace a function, whatever its exact type."""
    setattr(place, name, replacement)


def _kill_process() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process was killed")


class FaultInjector:
    """Counts the file operations, and applies the fault to one of them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._folder = os.path.realpath(options["folder"])
        fault = options.get("file") or {}
        self._target: int = fault.get("number", 0)
        self._fault: str = fault.get("fault", "")
        self._number = 0
        self._log_file = os.open(options["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._write = os.write

    def covers(self, path: Any) -> bool:
        """Whether a path is the folder or in it."""
        if isinstance(path, int):
            return False
        name = os.fsdecode(path)
        return name == self._folder or name.startswith(self._folder + os.sep)

    def label(self, *paths: Any) -> str:
        """Return the paths of an operation, without the random part of the name of a draft."""
        names = [os.path.relpath(os.fsdecode(path), self._folder) for path in paths]
        return _DRAFT.sub(".*.draft", " ".join("the folder" if name == "." else name for name in names))

    def log(self, line: str) -> None:
        """Write a line to the log."""
        self._write(self._log_file, f"{line}\n".encode())

    def step(self, name: str, label: str, act: Callable[[], Any], partial: Callable[[], Any] | None = None) -> Any:
        """Execute one operation, possibly with the fault. ``partial`` executes a part of a write."""
        self._number += 1
        self.log(f"file\t{name}\t{label}")
        is_target = self._number == self._target
        if is_target and self._fault in KILLS:
            self.log("fired")
        if is_target and self._fault == "killed-before":
            _kill_process()
        if is_target and self._fault == "killed-during" and partial:
            partial()
            _kill_process()
        failure = self._failure(name, is_target)
        if failure:
            self.log("fired")
            if name == "close":
                act()
            elif partial:
                partial()
            if name == "access":
                return False
            raise failure
        done = act()
        if is_target and self._fault == "killed-after":
            _kill_process()
        return done

    def _failure(self, name: str, is_target: bool) -> OSError | None:
        if self._fault not in ERRORS:
            return None
        number, permanent, operations = ERRORS[self._fault]
        fires = is_target or (permanent and self._number > self._target)
        return OSError(number, os.strerror(number)) if fires and name in operations else None


class _File(io.FileIO):
    """A file in the folder. It is used with the buffers of Python."""

    injector: FaultInjector
    label = ""

    def write(self, data: Any) -> int:
        view = memoryview(data)
        real, partial = super().write, view[: len(view) // 2]
        return int(self.injector.step("write", self.label, lambda: real(view), lambda: real(partial)))

    def readall(self) -> bytes:
        real = super().readall
        return bytes(self.injector.step("read", self.label, real))

    def readinto(self, buffer: Any) -> int:
        real = super().readinto
        return int(self.injector.step("read", self.label, lambda: real(buffer)))

    def truncate(self, size: int | None = None) -> int:
        real = super().truncate
        return int(self.injector.step("truncate", self.label, lambda: real(size)))

    def close(self) -> None:
        real = super().close
        if self.closed or not self.writable():
            real()
        else:
            self.injector.step("close", self.label, real)


class _Files:
    """Wraps the file functions of Python."""

    def __init__(self, injector: FaultInjector) -> None:
        self._injector = injector
        self._handles: dict[int, str] = {}

    def install(self) -> None:
        for name in ("stat", "lstat", "access", "listdir", "chmod", "chown", "mkdir", "unlink"):
            self._wrap(os, name)
        for name in ("replace", "rename", "link", "symlink"):
            self._wrap(os, name, paths=2)
        _replace(os, "remove", os.unlink)
        self._wrap_open()
        self._wrap_handles()
        self._wrap_files()

    def _wrap(self, place: Any, name: str, paths: int = 1) -> None:
        real, injector = getattr(place, name), self._injector

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if not any(injector.covers(path) for path in arguments[:paths]):
                return real(*arguments, **options)
            label = injector.label(*arguments[:paths])
            return injector.step(name, label, lambda: real(*arguments, **options))

        _replace(place, name, wrapped)

    def _wrap_open(self) -> None:
        real, injector = os.open, self._injector

        def wrapped(path: Any, flags: int, *rest: Any, **options: Any) -> int:
            if not injector.covers(path):
                return real(path, flags, *rest, **options)
            name = "create" if flags & os.O_CREAT else "open"
            label = injector.label(path)
            handle = int(injector.step(name, label, lambda: real(path, flags, *rest, **options)))
            self._handles[handle] = label
            return handle

        _replace(os, "open", wrapped)

    def _wrap_handles(self) -> None:
        injector, handles = self._injector, self._handles
        real_close, real_fsync, real_flock = os.close, os.fsync, fcntl.flock

        def close(handle: int) -> None:
            handles.pop(handle, None)
            real_close(handle)

        def fsync(handle: int) -> None:
            if handle not in handles:
                return real_fsync(handle)
            # Not executed: fsync matters only for power failures, which tests cannot show.
            injector.step("fsync", handles[handle], lambda: None)
            return None

        def flock(handle: int, operation: int) -> None:
            if handle not in handles:
                return real_flock(handle, operation)
            injector.step("flock", handles[handle], lambda: real_flock(handle, operation))
            return None

        _replace(os, "close", close)
        _replace(os, "fsync", fsync)
        _replace(fcntl, "flock", flock)

    def _wrap_files(self) -> None:
        real, injector, handles = io.open, self._injector, self._handles

        def wrapped(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
            known = file in handles if isinstance(file, int) else injector.covers(file)
            if not known:
                return real(file, mode, buffering, *rest, **options)
            raw = self._opened(file, mode)
            raw.injector = injector
            raw.label = handles[raw.fileno()]
            buffered = _buffer(raw, mode)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **options)

        _replace(builtins, "open", wrapped)
        _replace(io, "open", wrapped)

    def _opened(self, file: Any, mode: str) -> _File:
        file_mode = mode.replace("b", "").replace("t", "")
        if isinstance(file, int):
            return _File(file, file_mode)
        label = self._injector.label(file)
        name = "open" if file_mode == "r" else "open-to-write"
        raw: _File = self._injector.step(name, label, lambda: _File(file, file_mode))
        self._handles[raw.fileno()] = label
        return raw


def _buffer(raw: io.FileIO, mode: str) -> Any:
    if "+" in mode:
        return io.BufferedRandom(raw)
    return io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)


class _Requests:
    """Wraps the requests of the module: one can be refused, or the process is killed at it."""

    def __init__(self, injector: FaultInjector, fault: dict[str, Any]) -> None:
        self._injector = injector
        self._target: int = fault.get("number", 0)
        self._fault: str = fault.get("fault", "")
        self._number = 0

    def install(self) -> None:
        real = requests.Session.send

        def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            self._number += 1
            # To show the order relative to file operations.
            self._injector.log(f"request\t{self._number}")
            if not self._is_target():
                return real(session, request, **options)
            return self._send(real, session, request, options)

        _replace(requests.Session, "send", send)
        self._wrap_connection()

    def _is_target(self) -> bool:
        return self._number == self._target or (self._fault == "gone" and 0 < self._target <= self._number)

    def _send(
        self,
        real: Callable[..., requests.Response],
        session: requests.Session,
        request: requests.PreparedRequest,
        options: dict[str, Any],
    ) -> requests.Response:
        self._injector.log("fired")
        if self._fault == "killed-before":
            _kill_process()
        if self._fault in ("refused", "gone"):
            return self._send_refused(real, session, request, options)
        response = real(session, request, **options)
        if self._fault == "killed-after":
            _kill_process()
        return response

    @staticmethod
    def _send_refused(
        real: Callable[..., requests.Response],
        session: requests.Session,
        request: requests.PreparedRequest,
        options: dict[str, Any],
    ) -> requests.Response:
        """Send a request without a listening server and without persistent connections."""

        def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        for adapter in session.adapters.values():
            adapter.close()
        connect = urllib3_connection.create_connection
        _replace(urllib3_connection, "create_connection", refuse)
        try:
            return real(session, request, **options)
        finally:
            _replace(urllib3_connection, "create_connection", connect)

    def _wrap_connection(self) -> None:
        from http.client import HTTPConnection

        real_send, real_getresponse = HTTPConnection.send, HTTPConnection.getresponse

        def send(connection: HTTPConnection, data: Any) -> None:
            if self._fault == "killed-sending" and self._is_target():
                real_send(connection, data[: len(data) // 2])
                _kill_process()
            real_send(connection, data)

        def getresponse(connection: HTTPConnection) -> Any:
            if self._fault == "killed-waiting" and self._is_target():
                _kill_process()
            return real_getresponse(connection)

        _replace(HTTPConnection, "send", send)
        _replace(HTTPConnection, "getresponse", getresponse)
