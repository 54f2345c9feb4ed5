# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins of the variables of GitLab CI and of the secrets of GitHub Actions, and the collection that writes them."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nacl.public import PrivateKey, SealedBox

# The release of the package ansible whose community.general has the modules of the guide.
_PACKAGE = "ansible>=14,<15"
_GENERAL = "ansible_collections/community/general/"


def install_community_general(folder: Path) -> None:
    """Take the collection community.general from the package ansible, which is large."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version=3.13", f"--dest={folder}", _PACKAGE]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(_GENERAL)])
    wheel.unlink()


@dataclass
class CiSystems:
    """What both systems hold. ``writes``: the requests that changed something."""

    gitlab: dict[str, dict[str, Any]] = field(default_factory=dict)
    github: dict[str, str] = field(default_factory=dict)
    github_variables: dict[str, str] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    down: bool = False
    key: PrivateKey = field(default_factory=PrivateKey.generate, repr=False)

    def __enter__(self) -> CiSystems:
        systems = self

        class Handler(_Handler):
            state = systems

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """The status and the body of a response."""
        if self.down:
            return 503, {"message": "down"}
        if path.startswith("/api/v4/"):
            return self._gitlab(method, path.removeprefix("/api/v4/"), body)
        found = re.fullmatch(r"/repos/acme/app/actions/(secrets|variables)(?:/([\w-]+))?", path)
        if not found:
            return 404, {"message": "Not Found"}
        return (self._secrets if found[1] == "secrets" else self._variables)(method, found[2], body)

    def _gitlab(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "user":
            return 200, {"id": 1, "username": "bot"}
        project, _separator, rest = path.partition("/variables")
        if unquote(project) not in ("projects/acme/app", "projects/7"):
            return 404, {"message": "404 Project Not Found"}
        if method == "GET":
            return 200, list(self.gitlab.values()) if "/variables" in path else {"id": 7}
        name = rest.strip("/") or body["key"]
        if method == "DELETE":
            self.gitlab.pop(name)
            return 204, None
        if method == "POST" and name in self.gitlab:
            return 400, {"message": {"key": [f"({name}) has already been taken"]}}
        defaults = {"variable_type": "env_var", "environment_scope": "*", "protected": False, "hidden": False}
        self.gitlab[name] = {**defaults, "masked": False, "raw": False, "description": None, "key": name, **body}
        return 201 if method == "POST" else 200, self.gitlab[name]

    def _secrets(self, method: str, name: str | None, body: dict[str, Any]) -> tuple[int, Any]:
        if name == "public-key":
            return 200, {"key_id": "k1", "key": base64.b64encode(bytes(self.key.public_key)).decode()}
        if method == "PUT" and name:
            created = name not in self.github
            self.github[name] = SealedBox(self.key).decrypt(base64.b64decode(body["encrypted_value"])).decode()
            return 201 if created else 204, None
        if name not in self.github:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            del self.github[name]
            return 204, None
        return 200, {"name": name}

    def _variables(self, method: str, name: str | None, body: dict[str, Any]) -> tuple[int, Any]:
        if method == "POST" and name is None:
            self.github_variables[body["name"]] = body["value"]
            return 201, {}
        if name not in self.github_variables:
            return 404, {"message": "Not Found"}
        if method == "GET":
            return 200, {"name": name, "value": self.github_variables[name]}
        if method == "DELETE":
            del self.github_variables[name]
        else:
            self.github_variables[name] = body["value"]
        return 204, None


class _Handler(BaseHTTPRequestHandler):
    state: CiSystems

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        path = self.path.partition("?")[0]
        if self.command != "GET":
            self.state.writes.append(f"{self.command} {path}")
        status, answer = self.state.answer(self.command, path, body)
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is printed."""


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler._answer)
