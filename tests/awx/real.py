# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real AWX, named by environment variables.

AWX_TEST_URL, AWX_TEST_USERNAME and AWX_TEST_PASSWORD of an administrator. Optional:
AWX_TEST_CA_PATH, and AWX_TEST_API_PATH behind a gateway. Everything that the tests create has a name of this run, and
is deleted at its end.
"""

from __future__ import annotations

import os
import secrets
from types import TracebackType
from typing import Any

import requests

from .credentials import Awx, Login

_TIMEOUT = 60
_CUSTOM_INPUTS = {
    "fields": [
        {"id": "host", "label": "host", "type": "string"},
        {"id": "token", "label": "token", "type": "string", "secret": True},
        {"id": "other_secret", "label": "other_secret", "type": "string", "secret": True},
        {"id": "validate_certs", "label": "validate_certs", "type": "boolean"},
    ],
    "required": ["host"],
}


class RealAwx(Awx):
    """Its organizations, type and users exist while the context lasts."""

    is_real = True
    registry_type = "Container Registry"

    def __init__(self) -> None:
        self._host = os.environ["AWX_TEST_URL"].rstrip("/")
        self._path = os.environ.get("AWX_TEST_API_PATH") or "/api/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (os.environ["AWX_TEST_USERNAME"], os.environ["AWX_TEST_PASSWORD"])
        self._ca_path = os.environ.get("AWX_TEST_CA_PATH") or None
        self._created: list[str] = []
        run = secrets.token_hex(4)
        self._run = run
        self.organization = f"quay-test-{run}"
        self.other_organization = f"quay-test-other-{run}"
        self.custom_type = f"quay-test-{run}"
        self._user_password = secrets.token_urlsafe(24)
        self._tokens: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> RealAwx:
        for name in (self.organization, self.other_organization):
            self._numbers[name] = self._create("organizations/", name=name)
        self._numbers["custom"] = self._create(
            "credential_types/", name=self.custom_type, kind="cloud", inputs=_CUSTOM_INPUTS, injectors={}
        )
        listed = self._call("GET", "credential_types/", params={"name": self.registry_type})
        self._numbers["registry"] = int(listed["results"][0]["id"])
        self._numbers["user"] = self._create("users/", username=f"quay-test-{self._run}", password=self._user_password)
        for name in (self.organization, self.other_organization):
            # AWX gives roles on a credential only to members of its organization.
            self._call("POST", f"organizations/{self._numbers[name]}/users/", json={"id": self._numbers["user"]})
        for scope in ("write", "read"):
            token = self._call("POST", "tokens/", json={"description": self._run, "scope": scope})
            self._created.append(f"tokens/{token['id']}/")
            self._tokens[scope] = str(token["token"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in reversed(self._created):
            self._session.delete(self._url(path), timeout=_TIMEOUT, verify=self._verify)
        self._session.close()

    @property
    def login(self) -> Login:
        return {**self._address, "awx_token": self._tokens["write"]}

    @property
    def read_only_login(self) -> Login:
        return {**self._address, "awx_token": self._tokens["read"]}

    @property
    def user_login(self) -> Login:
        return {**self._address, "awx_username": f"quay-test-{self._run}", "awx_password": self._user_password}

    @property
    def secrets(self) -> list[str]:
        return [*self._tokens.values(), self._user_password]

    def add(self, name: str, *, custom: bool = False, other: bool = False, **fields: Any) -> int:
        organization = self._numbers[self.other_organization if other else self.organization]
        number = self._create(
            "credentials/",
            name=name,
            organization=organization,
            credential_type=self._numbers["custom" if custom else "registry"],
            **fields,
        )
        role = next(
            role["id"]
            for role in self._call("GET", f"credentials/{number}/object_roles/")["results"]
            if role["name"] == "Use"
        )
        self._call("POST", f"users/{self._numbers['user']}/roles/", json={"id": role})
        return number

    def credential(self, number: int) -> dict[str, Any]:
        return self._call("GET", f"credentials/{number}/")

    def numbers(self, name: str) -> list[int]:
        found = self._call("GET", "credentials/", params={"name": name})["results"]
        numbers = [int(item["id"]) for item in found]
        self._created += [f"credentials/{number}/" for number in numbers]
        return numbers

    def change(self, number: int, **fields: Any) -> None:
        self._call("PATCH", f"credentials/{number}/", json=fields)

    def stored(self, number: int, name: str) -> str | None:
        value: str | None = self.credential(number)["inputs"].get(name)
        return value

    @property
    def _address(self) -> Login:
        address = {"awx_host": self._host, "awx_api_path": self._path}
        return {**address, "awx_ca_path": self._ca_path} if self._ca_path else address

    @property
    def _verify(self) -> str | bool:
        return self._ca_path or True

    def _url(self, path: str) -> str:
        return f"{self._host}/{self._path.strip('/')}/v2/{path}"

    def _create(self, path: str, **fields: Any) -> int:
        number = int(self._call("POST", path, json=fields)["id"])
        self._created.append(f"{path}{number}/")
        return number

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        response = self._session.request(method, self._url(path), timeout=_TIMEOUT, verify=self._verify, **arguments)
        # Without the body, which may repeat a secret.
        assert response.ok, f"{method} {path}: {response.status_code}"
        return dict(response.json()) if response.content else {}
