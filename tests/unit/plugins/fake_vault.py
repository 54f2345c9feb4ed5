# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on the loopback interface that responds as Vault and OpenBao do, and that fails where a test wants it."""

from __future__ import annotations

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Tuple

TOKEN = "hvs.TESTTOKEN"
# What happens at a request: the connection is reset before or after the request takes effect, a 500 hides the effect,
# no response comes, or the response has this status without an effect.
RESET_BEFORE, RESET_AFTER, ERROR_AFTER, HANG = "reset before", "reset after", "500 after", "hang"

Answer = Tuple[int, Any]
_NOT_FOUND: Answer = (404, {"errors": []})
_DENIED: Answer = (403, {"errors": ["permission denied"]})


class FakeVault:
    """The state of the server. ``mounts``: the version of the KV engine at each mount."""

    def __init__(self) -> None:
        self.mounts = {"secret": "2", "old": "1"}
        self.versions: dict[str, list[Any]] = {}  # of version 2: the data of each version, None if deleted
        self.custom: dict[str, dict[str, str]] = {}
        self.plain: dict[str, Any] = {}  # of version 1
        self.rights: dict[str, list[str]] = {}  # by path; root without an entry
        self.logins: dict[str, Any] = {}  # the expected body, by path
        self.tokens = [TOKEN]
        self.metadata_cas = False
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.faults: dict[str, list[Any]] = {}  # by request, as METHOD path
        self.before: dict[str, list[Callable[[], object]]] = {}
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vault": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FakeVault:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, request: str, *faults: Any) -> None:
        """Let the next requests, METHOD and path, fail in these ways; None for one that succeeds."""
        self.faults.setdefault(request, []).extend(faults)

    def put(self, path: str, data: Any) -> None:
        """Write a version of a secret as somebody else does."""
        self.versions.setdefault(path, []).append(data)

    def current(self, path: str = "ci/quay") -> Any:
        return self.versions[path][-1]

    def wait_until_closed(self) -> None:
        self._closing.wait()

    def respond(self, method: str, path: str, body: Any, token: str) -> Answer:
        parts = path.split("/")
        if parts[0] == "auth":
            return self._log_in(path, body)
        if token not in self.tokens:
            return _DENIED
        if path == "sys/capabilities-self":
            return self._capabilities(body["paths"])
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(parts[4])
        if parts[0] not in self.mounts:
            return 404, {"errors": [f'no handler for route "{path}"']}
        if not self._allows(method, path):
            return _DENIED
        if self.mounts[parts[0]] == "1":
            return self._version_1(method, path, body)
        if parts[1] not in ("data", "metadata", "delete"):
            return 404, {
                "data": None,
                "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs"],
            }
        handle: Callable[..., Answer] = getattr(self, "_" + parts[1])
        return handle(method, "/".join(parts[2:]), body)

    def _log_in(self, path: str, body: Any) -> Answer:
        if path not in self.logins:
            return 404, {"errors": [f'no handler for route "{path}"']}
        if self.logins[path] != body:
            return 400, {"errors": ["invalid role or secret ID"]}
        return 200, {"auth": {"client_token": TOKEN}}

    def _capabilities(self, paths: list[str]) -> Answer:
        if self.rights.get("sys/capabilities-self") == ["deny"]:
            return _DENIED
        return 200, {"data": {path: self.rights.get(path, ["root"]) for path in paths}}

    def _mount(self, mount: str) -> Answer:
        if mount not in self.mounts:
            return 403, {"errors": ["preflight capability check returned 403, please ensure client's policies grant"]}
        options = {"version": "2"} if self.mounts[mount] == "2" else None
        return 200, {"data": {"type": "kv", "path": mount + "/", "options": options}}

    def _allows(self, method: str, path: str) -> bool:
        needed = {"GET": ["read"], "PATCH": ["patch"], "POST": ["create", "update"], "DELETE": ["delete"]}[method]
        allowed = self.rights.get(path, ["root"])
        return "root" in allowed or any(each in allowed for each in needed)

    def _version_1(self, method: str, path: str, body: Any) -> Answer:
        if method == "GET":
            return (200, {"data": self.plain[path]}) if path in self.plain else _NOT_FOUND
        if method == "DELETE":
            self.plain.pop(path, None)
        else:
            self.plain[path] = body
        return 204, None

    def _data(self, method: str, path: str, body: Any) -> Answer:
        versions = self.versions.get(path, [])
        if method == "POST":
            if body["options"]["cas"] != len(versions):
                return 400, {"errors": ["check-and-set parameter did not match the current version"]}
            self.put(path, body["data"])
            return 200, {"data": {"version": len(versions) + 1}}
        if not versions:
            return _NOT_FOUND
        metadata = {"version": len(versions), "custom_metadata": self.custom.get(path)}
        status = 404 if versions[-1] is None else 200
        return status, {"data": {"data": versions[-1], "metadata": metadata}}

    def _metadata(self, method: str, path: str, body: Any) -> Answer:
        if method == "GET":
            return 200, {"data": {"current_metadata_version": 7}}
        if method == "PATCH" and path not in self.versions:
            return _NOT_FOUND
        if self.metadata_cas and body.get("metadata_cas") != 7:
            return 400, {"errors": ["metadata check-and-set parameter required for this call"]}
        if any(len(value or "") > 512 for value in body["custom_metadata"].values()):
            return 400, {"errors": ["custom_metadata validation failed: length of value"]}
        present = self.custom.get(path, {}) if method == "PATCH" else {}
        merged = {**present, **body["custom_metadata"]}
        self.custom[path] = {key: value for key, value in merged.items() if value is not None}
        return 204, None

    def _delete(self, _method: str, path: str, body: Any) -> Answer:
        for version in body["versions"]:
            self.versions[path][version - 1] = None
        return 204, None


class _Handler(BaseHTTPRequestHandler):
    vault: FakeVault
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        vault, path = self.vault, self.path[len("/v1/") :]
        request = f"{self.command} {path}"
        vault.requests.append(request)
        vault.headers.append(dict(self.headers.items()))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        for hook in vault.before.pop(request, []):
            hook()
        waiting = vault.faults.get(request)
        fault = waiting.pop(0) if waiting else None
        if fault == HANG:
            vault.wait_until_closed()
        if fault in (HANG, RESET_BEFORE):
            self._reset()
        elif isinstance(fault, tuple):
            self._answer(*fault)
        else:
            answer = vault.respond(self.command, path, body, self.headers.get("X-Vault-Token", ""))
            if fault == RESET_AFTER:
                self._reset()
            else:
                self._answer(*((500, {"errors": ["internal error"]}) if fault == ERROR_AFTER else answer))

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _answer(self, status: int, body: Any, headers: Any = ()) -> None:
        content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is logged."""
