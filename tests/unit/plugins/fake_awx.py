# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials of an AWX in memory. It answers as a real AWX was measured to answer."""

from __future__ import annotations

import base64
import copy
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

HOST = "https://awx.example.com"
WRITE_TOKEN = "AWXWRITE" + "W" * 22
READ_TOKEN = "AWXREAD" + "R" * 23
# Of a user who may use the credentials, but not change them.
USER_TOKEN = "AWXUSER" + "U" * 23
PASSWORD = "AWXPASSWORD" + "P" * 10
ENCRYPTED = "$encrypted$"

DEFAULT, OTHER = 1, 2
REGISTRY_TYPE, QUAY_TYPE, PLAIN_TYPE = 18, 31, 32

_NO_LOGIN = "Authentication credentials were not provided. To establish a login session, visit /api/login/."
_FORBIDDEN = "You do not have permission to perform this action."
_DUPLICATE = "Credential with this Organization, Name and Credential type already exists."


def _type(number: int, name: str, kind: str, fields: list[dict[str, Any]], required: list[str]) -> dict[str, Any]:
    return {"id": number, "name": name, "kind": kind, "inputs": {"fields": fields, "required": required}}


def _input(name: str, *, secret: bool = False, kind: str = "string") -> dict[str, Any]:
    return {"id": name, "label": name, "type": kind, **({"secret": True} if secret else {})}


TYPES = {
    REGISTRY_TYPE: _type(
        REGISTRY_TYPE,
        "Container Registry",
        "registry",
        [_input("host"), _input("username"), _input("password", secret=True), _input("verify_ssl", kind="boolean")],
        ["host"],
    ),
    QUAY_TYPE: _type(
        QUAY_TYPE,
        "Quay",
        "cloud",
        [
            _input("host"),
            _input("token", secret=True),
            _input("other_secret", secret=True),
            _input("validate_certs", kind="boolean"),
        ],
        ["host"],
    ),
    PLAIN_TYPE: _type(
        PLAIN_TYPE, "Plain", "cloud", [_input("token"), {**_input("key", secret=True), "format": "x"}], []
    ),
}


@dataclass
class Answer:
    """A response, as the client reads it."""

    status_code: int
    data: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        if self.data is None:
            raise ValueError
        return self.data


class Fault(Exception):
    """A connection that fails. ``after``: once the request took effect."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self.after = after


class FakeAwx:
    """Organizations, types and credentials, with who may do what."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)
        self.header_ahead = timedelta(0)  # how far the clock of the responses is ahead
        self.api = "/api/v2/"
        self.organizations = {DEFAULT: "Default", OTHER: "Other"}
        self.credentials: dict[int, dict[str, Any]] = {}
        self.sources: dict[int, list[str]] = {}
        self.may_create = True
        self.requests: list[str] = []
        self.bodies: list[dict[str, Any]] = []
        # What happens instead of, or after, the next request that matches.
        self.faults: list[tuple[str, Callable[[Callable[[], Answer]], Answer]]] = []
        # Called once, before the next request that matches, as another client of AWX might.
        self.hooks: list[tuple[str, Callable[[], object]]] = []

    # --- for tests

    def add(self, name: str = "quay-pull", kind: int = REGISTRY_TYPE, organization: int = DEFAULT, **more: Any) -> int:
        """Add a credential. Returns its number."""
        number = 100 + len(self.credentials)
        self.credentials[number] = {
            "id": number,
            "name": name,
            "description": "",
            "organization": organization,
            "credential_type": kind,
            "inputs": {},
            "modified": self.now,
            **copy.deepcopy(more),
        }
        return number

    def change(self, number: int, **changes: Any) -> None:
        """Change a credential, as a user does in the pages of AWX."""
        self.credentials[number].update(changes, modified=self.now)

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    @property
    def writes(self) -> list[str]:
        return [request for request in self.requests if request.split()[0] not in ("GET", "OPTIONS")]

    def fail(self, pattern: str, *, status: int = 0, after: bool = False) -> None:
        """Let the next request that matches fail: by a status, or by a closed connection."""

        def act(respond: Callable[[], Answer]) -> Answer:
            if after:
                respond()
            if status:
                return Answer(status, {"detail": "A server error has occurred."} if status == 500 else None)
            raise Fault(after=after)

        self.faults.append((pattern, act))

    # --- the server

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: Any) -> Answer:
        """The answer to one request. Raises Fault for a connection that fails."""
        url = urlsplit(target)
        request = f"{method} {url.path}"
        self.requests.append(request)
        for hook in [hook for hook in self.hooks if re.search(hook[0], request)][:1]:
            self.hooks.remove(hook)
            hook[1]()
        if body is not None:
            self.bodies.append(body)

        def respond() -> Answer:
            return self._respond(method, url.path, dict(parse_qsl(url.query)), headers, body)

        fault = next((fault for fault in self.faults if re.search(fault[0], request)), None)
        if fault:
            self.faults.remove(fault)
        answer = fault[1](respond) if fault else respond()
        date = format_datetime(self.now + self.header_ahead, usegmt=True)
        return Answer(answer.status_code, answer.data, {"Date": date, "Content-Type": "application/json"})

    def _respond(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> Answer:
        login = _login(headers.get("Authorization", ""))
        if not path.startswith(self.api):
            return Answer(404, None)
        if login is None:
            return Answer(401, {"detail": _NO_LOGIN})
        parts = path[len(self.api) :].strip("/").split("/")
        if parts[0] == "credentials" and len(parts) == 1:
            return self._collection(method, login, query, body)
        if parts[0] == "credentials":
            return self._credential(method, login, parts, body)
        if parts[0] == "credential_types":
            return self._named(TYPES, parts, query)
        if parts[0] == "organizations":
            named = {number: {"id": number, "name": name} for number, name in self.organizations.items()}
            return self._named(named, parts, query)
        return Answer(404, {"detail": "The requested resource could not be found."})

    @staticmethod
    def _named(items: Mapping[int, dict[str, Any]], parts: list[str], query: Mapping[str, str]) -> Answer:
        if len(parts) > 1:
            return Answer(200, copy.deepcopy(items[int(parts[1])]))
        found = [copy.deepcopy(item) for item in items.values() if item["name"] == query.get("name", item["name"])]
        return Answer(200, {"count": len(found), "results": found})

    def _collection(self, method: str, login: str, query: Mapping[str, str], body: Any) -> Answer:
        if method == "OPTIONS":
            return Answer(200, {"actions": {"GET": {}, **({"POST": {}} if login != "read" else {})}})
        if method == "POST":
            return self._create(login, body)
        found = [
            self._shown(item, login)
            for item in self.credentials.values()
            if item["name"] == query.get("name", item["name"])
            and self.organizations.get(item["organization"])
            == query.get("organization__name", self.organizations.get(item["organization"]))
            and TYPES[item["credential_type"]]["name"]
            == query.get("credential_type__name", TYPES[item["credential_type"]]["name"])
        ]
        return Answer(200, {"count": len(found), "results": found})

    def _create(self, login: str, body: Mapping[str, Any]) -> Answer:
        if login != "write" or not self.may_create:
            return Answer(403, {"detail": _FORBIDDEN})
        if "organization" not in body:
            return Answer(400, {"detail": ["Missing 'user', 'team', or 'organization'."]})
        same = ("name", "organization", "credential_type")
        if any(all(item[key] == body[key] for key in same) for item in self.credentials.values()):
            return Answer(400, {"__all__": [_DUPLICATE]})
        refused = self._refused(body["credential_type"], body.get("inputs", {}))
        if refused is not None:
            return refused
        number = self.add(body["name"], body["credential_type"], body["organization"], inputs=body.get("inputs", {}))
        return Answer(201, self._shown(self.credentials[number], login))

    def _credential(self, method: str, login: str, parts: list[str], body: Any) -> Answer:
        number = int(parts[1])
        if number not in self.credentials:
            return Answer(404, {"detail": "No Credential matches the given query."})
        item = self.credentials[number]
        if parts[2:] == ["input_sources"]:
            found = [{"input_field_name": name} for name in self.sources.get(number, [])]
            return Answer(200, {"count": len(found), "results": found})
        if method == "OPTIONS":
            return Answer(200, {"actions": {"GET": {}, **({"PUT": {}} if login == "write" else {})}})
        if method == "PATCH":
            if login != "write":
                return Answer(403, {"detail": _FORBIDDEN})
            return self._change(item, body, login)
        return Answer(200, self._shown(item, login))

    def _change(self, item: dict[str, Any], body: Mapping[str, Any], login: str) -> Answer:
        inputs = dict(body.get("inputs", item["inputs"]))
        refused = self._refused(item["credential_type"], inputs)
        if refused is not None:
            return refused
        for name, value in list(inputs.items()):
            if value == ENCRYPTED and name in _secret_inputs(item["credential_type"]):
                inputs[name] = item["inputs"].get(name, "")
        item.update({key: value for key, value in body.items() if key != "inputs"}, inputs=inputs, modified=self.now)
        return Answer(200, self._shown(item, login))

    @staticmethod
    def _refused(kind: int, inputs: Mapping[str, Any]) -> Answer | None:
        fields = {item["id"]: item for item in TYPES[kind]["inputs"]["fields"]}
        for name, value in inputs.items():
            if name not in fields:
                problem = f"Additional properties are not allowed ('{name}' was unexpected)"
                return Answer(400, {"inputs": [problem]})
            if fields[name]["type"] == "boolean" and not isinstance(value, bool):
                return Answer(400, {"inputs": {name: [f"'{value}' is not of type 'boolean'"]}})
            if fields[name].get("secret") and not isinstance(value, str):
                problem = f"secret values must be of type string, not {type(value).__name__}"
                return Answer(400, {"inputs": [problem]})
        return None

    def _shown(self, item: Mapping[str, Any], login: str) -> dict[str, Any]:
        secret = _secret_inputs(item["credential_type"])
        inputs = {name: ENCRYPTED if value and name in secret else value for name, value in item["inputs"].items()}
        return {
            **item,
            "inputs": inputs,
            "modified": item["modified"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "summary_fields": {"user_capabilities": {"edit": login == "write", "use": True}},
        }


def _secret_inputs(kind: int) -> list[str]:
    return [item["id"] for item in TYPES[kind]["inputs"]["fields"] if item.get("secret")]


def _login(header: str) -> str | None:
    """What the login may do: write, read (by its scope) or user (by its role)."""
    pair = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    logins = {
        f"Bearer {WRITE_TOKEN}": "write",
        f"Bearer {READ_TOKEN}": "read",
        f"Bearer {USER_TOKEN}": "user",
        f"Basic {pair}": "write",
    }
    return logins.get(header)


class FakeSession:
    """A session of requests whose connections reach a FakeAwx."""

    def __init__(self, awx: FakeAwx) -> None:
        self._awx = awx
        self.arguments: list[dict[str, Any]] = []

    def request(self, method: str, url: str, **arguments: Any) -> Answer:
        self.arguments.append(arguments)
        query = "&".join(f"{name}={value}" for name, value in (arguments.get("params") or {}).items())
        body = json.loads(json.dumps(arguments["json"])) if arguments.get("json") is not None else None
        try:
            return self._awx.handle(method, f"{url[len(HOST) :]}?{query}", arguments["headers"], body)
        except Fault:
            from requests.exceptions import ConnectionError as Refused

            raise Refused("the connection was closed") from None
