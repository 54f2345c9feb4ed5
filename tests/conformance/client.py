# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Quay under test, and a client for it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests

from standin import Standin

TIMEOUT_S = 30
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Secret(str):
    """A string that is masked in reports of failed tests."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass
class Target:
    """The Quay under test. `standin` is set if it is a stand-in."""

    url: str
    username: str
    password: Secret
    verify: str | bool
    family: str
    standin: Standin | None = None

    @property
    def host(self) -> str:
        return self.url.split("://", 1)[1]

    def wait(self, seconds: float) -> None:
        """Advance the clock of a stand-in, or sleep with a real Quay."""
        if self.standin:
            self.standin.clock.advance(seconds)
        else:
            time.sleep(seconds)


class Client:
    """One caller: anonymous, with a bearer token, with Basic credentials, or signed in."""

    def __init__(self, target: Target, *, bearer: str | None = None, basic: tuple[str, str] | None = None) -> None:
        self.target = target
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = target.verify
        self._session.auth = basic
        self._password: Secret | None = None  # see keep_fresh
        if bearer is not None:
            self._session.headers["Authorization"] = f"Bearer {bearer}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    @property
    def cookies(self) -> requests.cookies.RequestsCookieJar:
        return self._session.cookies

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        url = path if "://" in path else self.target.url + path
        options = {"timeout": TIMEOUT_S, "allow_redirects": False} | options
        response = self._send(method, url, **options)
        if self._password is not None and _needs_fresh_login(response):
            # A run takes longer than FRESH_LOGIN_TIMEOUT. A request that is refused for that reason has no effect.
            verified = self._send("POST", f"{self.target.url}/api/v1/signin/verify", json={"password": self._password})
            if verified.status_code == 200:
                response = self._send(method, url, **options)
        return response

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        response = self._session.request(method, url, **options)
        if "X-Next-CSRF-Token" in response.headers:
            self.csrf = response.headers["X-Next-CSRF-Token"]
        return response

    @property
    def csrf(self) -> str:
        return str(self._session.headers.get("X-CSRF-Token", ""))

    @csrf.setter
    def csrf(self, token: str) -> None:
        self._session.headers["X-CSRF-Token"] = token

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> requests.Response:
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.request("DELETE", path, **options)

    def fetch_csrf(self) -> str:
        """Fetch the CSRF token of this session. Later requests send it."""
        self.csrf = self.get("/csrf_token").json()["csrf_token"]
        return self.csrf

    def sign_in(self, username: str, password: str) -> requests.Response:
        self.fetch_csrf()
        return self.post("/api/v1/signin", {"username": username, "password": password})

    def keep_fresh(self, password: Secret) -> None:
        """Enter the password again whenever Quay asks for it, for a session that many tests share."""
        self._password = password


def _needs_fresh_login(response: requests.Response) -> bool:
    return response.status_code == 401 and "fresh_login_required" in response.text


def unique(prefix: str = "conf") -> str:
    return prefix + secrets.token_hex(4)


def registry_token(target: Target, basic: tuple[str, str] | None, *scopes: str) -> Secret:
    """Request a registry token from `/v2/auth` with the correct service."""
    with Client(target, basic=basic) as client:
        response = client.get("/v2/auth", params={"service": target.host, "scope": scopes})
    assert response.status_code == 200, response.text
    return Secret(response.json()["token"])


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without verification."""
    return _part(token, 1)


def jwt_header(token: str) -> dict[str, Any]:
    return _part(token, 0)


def _part(token: str, number: int) -> dict[str, Any]:
    encoded = token.split(".")[number]
    part: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return part


def granted(token: str) -> list[list[str]]:
    return [grant["actions"] for grant in claims(token)["access"]]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def access_token(response: requests.Response) -> Secret:
    """Return the token in the URL of a redirect."""
    found = re.search(r"#access_token=(\w{40})&", response.headers.get("Location", ""))
    assert found, response.status_code
    return Secret(found[1])


# The five shapes of error responses.


def assert_problem(response: requests.Response, status: int, error_type: str, detail: str | None = None) -> None:
    """Shape one: the problem report."""
    assert response.status_code == status, response.text
    body = response.json()
    assert {"detail", "error_message", "error_type", "title", "type", "status"} <= body.keys()
    assert body["error_type"] == body["title"] == error_type
    assert body["type"].endswith(f"/api/v1/error/{error_type}")
    assert body["status"] == status
    assert body["detail"] == body["error_message"]
    if detail is not None:
        assert body["detail"].startswith(detail)


def assert_message(response: requests.Response, status: int, message: str | None = None) -> None:
    """Shapes two and three: a bare message."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.json().keys() == {"message"}
    if message is not None:
        assert response.json()["message"] == message


def assert_error(response: requests.Response, status: int, error: str | None = None) -> None:
    """Shape four: a bare error."""
    assert response.status_code == status, response.text
    assert response.json().keys() == {"error"}
    if error is not None:
        assert response.json()["error"] == error


def assert_registry_error(response: requests.Response, status: int, code: str, message: str | None = None) -> None:
    """Shape five: the errors of the distribution specification."""
    assert response.status_code == status, response.text
    (error,) = response.json()["errors"]
    assert error["code"] == code
    assert {"message", "detail"} <= error.keys()
    assert ("WWW-Authenticate" in response.headers) == (status == 401)
    if message is not None:
        assert error["message"] == message


def assert_html(response: requests.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<" in response.text


def assert_no_content(response: requests.Response) -> None:
    assert response.status_code == 204, response.text
    assert response.content == b""


def assert_unauthorized(response: requests.Response) -> None:
    assert_problem(response, 403, "insufficient_scope", "Unauthorized")


def assert_csrf(response: requests.Response) -> None:
    assert_error(response, 403, "CSRF token was invalid or missing.")
