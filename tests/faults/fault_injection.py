# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fault injection in the process of a module: logs its file operations, lets one of them fail, or kills the process.

Only operations in the folder of the stores are covered. Errors such as a full disk or missing permissions are raised
with the errno of the system, because tests may run as root and cannot fill a disk.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import connection as urllib3_connection

_DRAFT = re.compile(r"\.[0-9a-f]{8}\.draft")

# The operations by name. Reads change nothing, so a kill between two reads has the same effect as before.
READS = ("stat", "access", "listdir", "open", "read", "statvfs", "mounts", "list-attributes", "get-attribute")
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
    "set-attribute",
    "rename",
    "link",
    "unlink",
)
_NEEDS_SPACE = ("create", "write", "truncate", "fsync", "close", "rename", "link", "set-attribute", "statvfs")
_NEEDS_FOLDER = ("create", "open-to-write", "chmod", "chown", "set-attribute", "rename", "link", "unlink")

# Each fault of a file operation: the errno, whether it stays for the rest of the run, and the operations that fail.
ERRORS: dict[str, tuple[int, bool, tuple[str, ...]]] = {
    "disk-full": (errno.ENOSPC, True, _NEEDS_SPACE),
    "read-only": (errno.EROFS, True, ("access", "write", *_NEEDS_FOLDER)),
    "denied": (errno.EACCES, False, ("stat", "access", "listdir", "open", *_NEEDS_FOLDER)),
    "io-error": (errno.EIO, False, ("read", "write", "fsync", "close")),
    "no-locks": (errno.ENOLCK, False, ("flock",)),
    "chown-refused": (errno.EPERM, True, ("chown",)),
    # Each store is a file that is mounted alone, which is no obstacle for the files beside it.
    "mounted": (errno.EBUSY, True, ("mounts", "rename", "link", "unlink")),
}
KILLS: dict[str, tuple[str, ...]] = {
    "killed-before": CHANGES,
    "killed-during": ("write",),
    "killed-after": CHANGES,
}
# A fault of this name and an errno, such as lasting-EACCES: from one operation on, all of the same name fail.
LASTING = "lasting-"
RANDOM_ERRORS = (
    *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EBUSY", "ESTALE", "EMFILE", "ENOMEM", "EINVAL"),
    *("ENOTSUP", "ENOSYS", "ENAMETOOLONG", "ELOOP", "ETXTBSY", "EFBIG", "EDEADLK", "ENOLCK", "EINTR", "ENXIO"),
)
_MOUNTED = "mounted"


def install(options: dict[str, Any]) -> None:
    """Install the wrappers.

    ``options``: ``folder``, ``log``, the ports of ``servers``, and what fails: a ``file`` operation, a request to a
    server (``request``, ``store``), or a call of ansible-vault (``program``). ``timeout``: that of stores, in seconds.
    """
    from .file_calls import FileCalls

    injector = FaultInjector(options)
    FileCalls(injector).install()
    _Requests(injector, options).install()
    if options.get("with_program"):
        from .vault_program import Program

        Program(injector, options.get("program") or {}, _kill_process).install()
    _disable_pauses()
    if "timeout" in options:
        _shorten_timeouts(options["timeout"])


def meets(fault: str, operation: str, label: str) -> bool:
    """Whether an operation fails with one of ERRORS."""
    if operation not in ERRORS[fault][2]:
        return False
    # What is mounted is the store, which is the last name of a rename and the first one of a link.
    return fault != _MOUNTED or not label.split()[0 if operation == "link" else -1].startswith(".")


def is_permanent(fault: str) -> bool:
    """Whether a fault of a file operation stays for the rest of the run."""
    return fault.startswith(LASTING) or (fault in ERRORS and ERRORS[fault][1])


def _disable_pauses() -> None:
    """Disable pauses between retries, which are not tested here."""
    from ansible_collections.tokensmith.quay.plugins.module_utils._http import client
    from ansible_collections.tokensmith.quay.plugins.module_utils._stores import (
        awx_client,
        kubernetes_namespaced,
        vault_client,
    )

    def sleep(_seconds: float) -> None:
        """Return at once."""

    defaults = client.QuayClient.__init__.__kwdefaults__ or {}
    assert "sleep" in defaults
    defaults["sleep"] = sleep
    assert (awx_client.AwxClient.__init__.__defaults__ or ()) == (None,)
    replace_function(awx_client.AwxClient.__init__, "__defaults__", (sleep,))
    for module in (kubernetes_namespaced, vault_client):
        assert module.time is time
        replace_function(module, "time", SimpleNamespace(sleep=sleep))


def _shorten_timeouts(seconds: float) -> None:
    """Let requests to the servers of stores wait no longer than this."""
    from ansible_collections.tokensmith.quay.plugins.module_utils._stores import awx_client, kubernetes_client
    from ansible_collections.tokensmith.quay.plugins.module_utils._stores.vault_options import VaultServer

    replace_function(awx_client, "TIMEOUT", seconds)
    replace_function(kubernetes_client.KubernetesClient.__init__, "__defaults__", (seconds,))
    replace_function(VaultServer, "timeout", property(lambda _server: seconds, lambda _server, _value: None))


def replace_function(place: Any, name: str, replacement: Any) -> None:
    """Replace a function, whatever its exact type."""
    setattr(place, name, replacement)


def _kill_process() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process was killed")


def _raise(error: OSError) -> NoReturn:
    raise error


class FaultInjector:
    """Counts the file operations, and applies the fault to one of them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.folder = os.path.realpath(options["folder"])
        fault = options.get("file") or {}
        self._target: int = fault.get("number", 0)
        self._fault: str = fault.get("fault", "")
        self._number = 0
        self._operation = ""  # the name of the operation that fails first
        self._log_file = os.open(options["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._write = os.write

    def covers(self, path: str) -> bool:
        """Whether a path is the folder or in it."""
        return path == self.folder or path.startswith(self.folder + os.sep)

    def label(self, *paths: str) -> str:
        """Return the paths of an operation, without the random part of the name of a draft."""
        names = [os.path.relpath(path, self.folder) for path in paths]
        return _DRAFT.sub(".*.draft", " ".join("the folder" if name == "." else name for name in names))

    def log(self, line: str) -> None:
        """Write a line to the log."""
        self._write(self._log_file, f"{line}\n".encode())

    def step(
        self,
        name: str,
        label: str,
        act: Callable[[], Any],
        *,
        failed: Callable[[OSError], Any] = _raise,
        on_error: Callable[[], Any] | None = None,
    ) -> Any:
        """Execute one operation, possibly with the fault.

        ``failed`` returns or raises what the operation does with an error. ``on_error``: what happens all the same,
        such as a part of a write.
        """
        self._number += 1
        self.log(f"file\t{name}\t{label}")
        is_target = self._number == self._target
        if is_target:
            self._operation = name
        if is_target and self._fault in KILLS:
            self.log("fired")
        if is_target and self._fault == "killed-before":
            _kill_process()
        if is_target and self._fault == "killed-during" and on_error:
            on_error()
            _kill_process()
        failure = self._failure(name, label, is_target)
        if failure:
            self.log("fired")
            if on_error:
                on_error()
            return failed(failure)
        done = act()
        if is_target and self._fault == "killed-after":
            _kill_process()
        return done

    def _failure(self, name: str, label: str, is_target: bool) -> OSError | None:
        fires = is_target or (is_permanent(self._fault) and self._number > self._target > 0)
        if not fires:
            return None
        if self._fault.startswith(LASTING):
            number = getattr(errno, self._fault.removeprefix(LASTING)) if name == self._operation else 0
        elif self._fault in ERRORS and meets(self._fault, name, label):
            number = errno.EXDEV if (self._fault, name) == (_MOUNTED, "link") else ERRORS[self._fault][0]
        else:
            number = 0
        return OSError(number, os.strerror(number)) if number else None


class _Requests:
    """Wraps the requests of the module: one can be refused, or the process is killed at it.

    The servers are told apart by their ports. The client libraries of all of them use urllib3.
    """

    def __init__(self, injector: FaultInjector, options: dict[str, Any]) -> None:
        self._injector = injector
        self._servers: dict[int, str] = {port: name for name, port in options["servers"].items()}
        self._counts = dict.fromkeys(options["servers"], 0)
        self._server = next((name for name in self._counts if options.get(name)), "")
        fault: dict[str, Any] = options.get(self._server) or {}
        self._target: int = fault.get("number", 0)
        self._fault: str = fault.get("fault", "")
        self._fires = False

    def install(self) -> None:
        name = "_make_request"
        real = getattr(HTTPConnectionPool, name)

        def make_request(pool: HTTPConnectionPool, connection: Any, *arguments: Any, **options: Any) -> Any:
            server = self._servers.get(pool.port or 0)
            if server is None:
                return real(pool, connection, *arguments, **options)
            self._counts[server] += 1
            # To show the order relative to file operations.
            self._injector.log(f"{server}\t{self._counts[server]}")
            self._fires = server == self._server and self._is_target(self._counts[server])

            def send() -> Any:
                return real(pool, connection, *arguments, **options)

            return self._send(connection, send) if self._fires else send()

        replace_function(HTTPConnectionPool, name, make_request)
        self._wrap_connection()

    def _is_target(self, number: int) -> bool:
        return number == self._target or (self._fault == "gone" and 0 < self._target <= number)

    def _send(self, connection: Any, send: Callable[[], Any]) -> Any:
        self._injector.log("fired")
        if self._fault == "killed-before":
            _kill_process()
        if self._fault in ("refused", "gone"):
            return self._send_refused(connection, send)
        response = send()
        if self._fault == "killed-after":
            _kill_process()
        return response

    @staticmethod
    def _send_refused(connection: Any, send: Callable[[], Any]) -> Any:
        """Send a request without a listening server and without persistent connections."""

        def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))

        connection.close()
        connect = urllib3_connection.create_connection
        replace_function(urllib3_connection, "create_connection", refuse)
        try:
            return send()
        finally:
            replace_function(urllib3_connection, "create_connection", connect)

    def _wrap_connection(self) -> None:
        from http.client import HTTPConnection

        real_send, real_getresponse = HTTPConnection.send, HTTPConnection.getresponse

        def send(connection: HTTPConnection, data: Any) -> None:
            if self._fault == "killed-sending" and self._fires:
                real_send(connection, data[: len(data) // 2])
                _kill_process()
            real_send(connection, data)

        def getresponse(connection: HTTPConnection) -> Any:
            if self._fault == "killed-waiting" and self._fires:
                _kill_process()
            return real_getresponse(connection)

        replace_function(HTTPConnection, "send", send)
        replace_function(HTTPConnection, "getresponse", getresponse)
