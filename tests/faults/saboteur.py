# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Works inside of a module's process: notes its file operations, lets one of them fail, or kills it at a given point.

Only what lies below one folder, that of the stores, is watched. What cannot be had by chmod, because tests may run as
root, or by a full disk, which a test machine does not have, is had by the errno that the system would give.
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

# The operations by name. Those that only look change nothing, and so a kill between two of them is the same as before.
LOOKS = ("stat", "lstat", "access", "listdir", "open", "read")
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
_NEEDS_ROOM = ("create", "write", "truncate", "fsync", "close", "replace", "rename", "link", "symlink", "mkdir")
_NEEDS_FOLDER = ("create", "open-to-write", "chmod", "chown", "replace", "rename", "link", "symlink", "mkdir", "unlink")

# Each fault of a file operation: the errno, whether it stays for the rest of the run, and which operations it befalls.
ERRORS: dict[str, tuple[int, bool, tuple[str, ...]]] = {
    "disk-full": (errno.ENOSPC, True, _NEEDS_ROOM),
    "read-only": (errno.EROFS, True, ("access", "write", *_NEEDS_FOLDER)),
    "denied": (errno.EACCES, False, ("stat", "lstat", "access", "listdir", "open", *_NEEDS_FOLDER)),
    "io-error": (errno.EIO, False, ("read", "write", "fsync", "close")),
    "no-locks": (errno.ENOLCK, False, ("flock",)),
}
KILLS: dict[str, tuple[str, ...]] = {
    "killed-before": CHANGES,
    "killed-amid": ("write",),
    "killed-after": CHANGES,
}


def install(order: dict[str, Any]) -> None:
    """Do as told: ``folder``, ``log``, and the number and the fault of a ``file`` operation or of a ``request``."""
    saboteur = Saboteur(order)
    _Files(saboteur).install()
    _Requests(saboteur, order.get("request") or {}).install()
    _swiftly()


def _swiftly() -> None:
    """Pauses between attempts are not what is tried here."""
    from ansible_collections.tokensmith.quay.plugins.module_utils._http import client

    defaults = client.QuayClient.__init__.__kwdefaults__ or {}
    assert "sleep" in defaults
    defaults["sleep"] = lambda _seconds: None


def _put(place: Any, name: str, replacement: Any) -> None:
    """Put something else in a function's place, whatever its exact type."""
    setattr(place, name, replacement)


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("killed processes do not go on")


class Saboteur:
    """Counts the operations and knows which of them is the one."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._folder = os.path.realpath(order["folder"])
        told = order.get("file") or {}
        self._at: int = told.get("number", 0)
        self._fault: str = told.get("fault", "")
        self._number = 0
        self._log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._write = os.write

    def watches(self, path: Any) -> bool:
        """Whether this is the folder, or something in it."""
        if isinstance(path, int):
            return False
        name = os.fsdecode(path)
        return name == self._folder or name.startswith(self._folder + os.sep)

    def label(self, *paths: Any) -> str:
        """What an operation is about, the random part of a draft's name left out."""
        names = [os.path.relpath(os.fsdecode(path), self._folder) for path in paths]
        return _DRAFT.sub(".*.draft", " ".join("the folder" if name == "." else name for name in names))

    def say(self, line: str) -> None:
        """A line for whoever let this run."""
        self._write(self._log, f"{line}\n".encode())

    def step(self, name: str, label: str, act: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        """One operation; ``half`` of it is what a fault leaves of a write."""
        self._number += 1
        self.say(f"file\t{name}\t{label}")
        here = self._number == self._at
        if here and self._fault in KILLS:
            self.say("struck")
        if here and self._fault == "killed-before":
            _die()
        if here and self._fault == "killed-amid" and half:
            half()
            _die()
        failure = self._failure(name, here)
        if failure:
            self.say("struck")
            if name == "close":
                act()
            elif half:
                half()
            if name == "access":
                return False
            raise failure
        done = act()
        if here and self._fault == "killed-after":
            _die()
        return done

    def _failure(self, name: str, here: bool) -> OSError | None:
        if self._fault not in ERRORS:
            return None
        number, lasting, befallen = ERRORS[self._fault]
        struck = here or (lasting and self._number > self._at)
        return OSError(number, os.strerror(number)) if struck and name in befallen else None


class _File(io.FileIO):
    """A file below the folder. Python's buffers above it are the real ones."""

    saboteur: Saboteur
    label = ""

    def write(self, data: Any) -> int:
        view = memoryview(data)
        real, half = super().write, view[: len(view) // 2]
        return int(self.saboteur.step("write", self.label, lambda: real(view), lambda: real(half)))

    def readall(self) -> bytes:
        real = super().readall
        return bytes(self.saboteur.step("read", self.label, real))

    def readinto(self, buffer: Any) -> int:
        real = super().readinto
        return int(self.saboteur.step("read", self.label, lambda: real(buffer)))

    def truncate(self, size: int | None = None) -> int:
        real = super().truncate
        return int(self.saboteur.step("truncate", self.label, lambda: real(size)))

    def close(self) -> None:
        real = super().close
        if self.closed or not self.writable():
            real()
        else:
            self.saboteur.step("close", self.label, real)


class _Files:
    """Python's file functions, as the module's process gets to see them."""

    def __init__(self, saboteur: Saboteur) -> None:
        self._saboteur = saboteur
        self._handles: dict[int, str] = {}

    def install(self) -> None:
        for name in ("stat", "lstat", "access", "listdir", "chmod", "chown", "mkdir", "unlink"):
            self._wrap(os, name)
        for name in ("replace", "rename", "link", "symlink"):
            self._wrap(os, name, paths=2)
        _put(os, "remove", os.unlink)
        self._wrap_open()
        self._wrap_handles()
        self._wrap_files()

    def _wrap(self, place: Any, name: str, paths: int = 1) -> None:
        real, saboteur = getattr(place, name), self._saboteur

        def wrapped(*arguments: Any, **options: Any) -> Any:
            if not any(saboteur.watches(path) for path in arguments[:paths]):
                return real(*arguments, **options)
            label = saboteur.label(*arguments[:paths])
            return saboteur.step(name, label, lambda: real(*arguments, **options))

        _put(place, name, wrapped)

    def _wrap_open(self) -> None:
        real, saboteur = os.open, self._saboteur

        def wrapped(path: Any, flags: int, *rest: Any, **options: Any) -> int:
            if not saboteur.watches(path):
                return real(path, flags, *rest, **options)
            name = "create" if flags & os.O_CREAT else "open"
            label = saboteur.label(path)
            handle = int(saboteur.step(name, label, lambda: real(path, flags, *rest, **options)))
            self._handles[handle] = label
            return handle

        _put(os, "open", wrapped)

    def _wrap_handles(self) -> None:
        saboteur, handles = self._saboteur, self._handles
        real_close, real_fsync, real_flock = os.close, os.fsync, fcntl.flock

        def close(handle: int) -> None:
            handles.pop(handle, None)
            real_close(handle)

        def fsync(handle: int) -> None:
            if handle not in handles:
                return real_fsync(handle)
            # Not done: it matters where the power goes, and no test can show that.
            saboteur.step("fsync", handles[handle], lambda: None)
            return None

        def flock(handle: int, operation: int) -> None:
            if handle not in handles:
                return real_flock(handle, operation)
            saboteur.step("flock", handles[handle], lambda: real_flock(handle, operation))
            return None

        _put(os, "close", close)
        _put(os, "fsync", fsync)
        _put(fcntl, "flock", flock)

    def _wrap_files(self) -> None:
        real, saboteur, handles = io.open, self._saboteur, self._handles

        def wrapped(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
            known = file in handles if isinstance(file, int) else saboteur.watches(file)
            if not known:
                return real(file, mode, buffering, *rest, **options)
            raw = self._opened(file, mode)
            raw.saboteur = saboteur
            raw.label = handles[raw.fileno()]
            buffered = _buffer(raw, mode)
            return buffered if "b" in mode else io.TextIOWrapper(buffered, *rest, **options)

        _put(builtins, "open", wrapped)
        _put(io, "open", wrapped)

    def _opened(self, file: Any, mode: str) -> _File:
        plain = mode.replace("b", "").replace("t", "")
        if isinstance(file, int):
            return _File(file, plain)
        label = self._saboteur.label(file)
        name = "open" if plain == "r" else "open-to-write"
        raw: _File = self._saboteur.step(name, label, lambda: _File(file, plain))
        self._handles[raw.fileno()] = label
        return raw


def _buffer(raw: io.FileIO, mode: str) -> Any:
    if "+" in mode:
        return io.BufferedRandom(raw)
    return io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)


class _Requests:
    """The module's requests: one may find nobody listening, or be the last thing that the process did."""

    def __init__(self, saboteur: Saboteur, told: dict[str, Any]) -> None:
        self._saboteur = saboteur
        self._at: int = told.get("number", 0)
        self._fault: str = told.get("fault", "")
        self._number = 0

    def install(self) -> None:
        real = requests.Session.send

        def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            self._number += 1
            # For the order among the file operations.
            self._saboteur.say(f"request\t{self._number}")
            if not self._is_here():
                return real(session, request, **options)
            return self._send(real, session, request, options)

        _put(requests.Session, "send", send)
        self._wrap_connection()

    def _is_here(self) -> bool:
        return self._number == self._at or (self._fault == "gone" and 0 < self._at <= self._number)

    def _send(
        self,
        real: Callable[..., requests.Response],
        session: requests.Session,
        request: requests.PreparedRequest,
        options: dict[str, Any],
    ) -> requests.Response:
        self._saboteur.say("struck")
        if self._fault == "killed-before":
            _die()
        if self._fault in ("refused", "gone"):
            return self._refused(real, session, request, options)
        answer = real(session, request, **options)
        if self._fault == "killed-after":
            _die()
        return answer

    @staticmethod
    def _refused(
        real: Callable[..., requests.Response],
        session: requests.Session,
        request: requests.PreparedRequest,
        options: dict[str, Any],
    ) -> requests.Response:
        """Nobody listens any more, nor are there connections of before."""

        def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        for adapter in session.adapters.values():
            adapter.close()
        connect = urllib3_connection.create_connection
        _put(urllib3_connection, "create_connection", refuse)
        try:
            return real(session, request, **options)
        finally:
            _put(urllib3_connection, "create_connection", connect)

    def _wrap_connection(self) -> None:
        from http.client import HTTPConnection

        real_send, real_answer = HTTPConnection.send, HTTPConnection.getresponse

        def send(connection: HTTPConnection, data: Any) -> None:
            if self._fault == "killed-sending" and self._is_here():
                real_send(connection, data[: len(data) // 2])
                _die()
            real_send(connection, data)

        def answer(connection: HTTPConnection) -> Any:
            if self._fault == "killed-waiting" and self._is_here():
                _die()
            return real_answer(connection)

        _put(HTTPConnection, "send", send)
        _put(HTTPConnection, "getresponse", answer)
