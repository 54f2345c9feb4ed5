# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a Kubernetes API server, with a library that is replaced."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import kubernetes_client
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_client import (
    Answer,
    KubernetesClient,
    Login,
    Unanswered,
    login_from_options,
    to_json,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.remote_options import KUBERNETES_LOGIN_OPTIONS

TOKEN = "T0KEN" * 8
HOST = "https://api.example.com:6443"
LOGIN = Login(host=HOST, token=TOKEN)
NONE: dict[str, Any] = dict.fromkeys(KUBERNETES_LOGIN_OPTIONS)
PATH = "/api/v1/namespaces/ci/secrets/pull"


class HTTPError(Exception):
    """The base of the errors of urllib3."""


class ReadTimeoutError(HTTPError):
    pass


class Configuration:
    def __init__(self) -> None:
        self.host = "http://localhost"
        self.api_key: dict[str, str] = {}
        self.verify_ssl: Any = None
        self.ssl_ca_cert: Any = None

    def auth_settings(self) -> dict[str, dict[str, str]]:
        value = self.api_key.get("authorization")
        return {"BearerToken": {"in": "header", "key": "authorization", "value": value}} if value else {}


class Library:
    """The parts of kubernetes and urllib3 that are used."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.replies: list[Any] = []
        self.configurations: list[Configuration] = []
        self.loaded: list[Any] = []
        self.problem: Exception | None = None
        self.client = SimpleNamespace(Configuration=Configuration, rest=SimpleNamespace(RESTClientObject=self.connect))
        self.config = SimpleNamespace(load_kube_config=self.load, load_incluster_config=self.load)
        self.exceptions = SimpleNamespace(HTTPError=HTTPError)

    def load(self, kubeconfig: Any = None, context: Any = None, client_configuration: Any = None) -> None:
        self.loaded.append((kubeconfig, context))
        if self.problem is not None:
            raise self.problem
        client_configuration.host = HOST

    def connect(self, configuration: Configuration) -> Any:
        self.configurations.append(configuration)
        return SimpleNamespace(pool_manager=self)

    def Timeout(self, **seconds: float) -> dict[str, float]:  # noqa: N802
        return seconds

    def request(self, method: str, url: str, **options: Any) -> Any:
        self.sent.append({"method": method, "url": url, **options})
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return SimpleNamespace(status=reply[0], data=reply[1])


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    fake = Library()
    monkeypatch.setattr(kubernetes_client, "load_library", lambda name, kind: fake)
    for name in ("K8S_AUTH_HOST", "K8S_AUTH_API_KEY", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    return fake


def test_request(library: Library) -> None:
    library.replies = [(200, b'{"kind": "Secret"}')]
    answer = KubernetesClient(LOGIN).request("PATCH", PATH, {"a": "y"}, query={"force": "true"}, content_type="x/y")
    assert (answer.status, answer.body, answer.ok) == (200, {"kind": "Secret"}, True)
    assert library.sent == [
        {
            "method": "PATCH",
            "url": f"{HOST}{PATH}?force=true",
            "body": b'{"a": "y"}',
            "headers": {
                "Accept": "application/json",
                "User-Agent": "tokensmith.quay",
                "authorization": f"Bearer {TOKEN}",
                "Content-Type": "x/y",
            },
            "timeout": {"connect": 10.0, "read": 30.0},
            "retries": False,
            "redirect": False,
        }
    ]


def test_nothing_happens_before_the_first_request(library: Library) -> None:
    client = KubernetesClient(LOGIN)
    assert (library.configurations, client.origin) == ([], HOST)


def test_certificates_are_checked(library: Library, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    library.replies = [(200, b"{}")] * 3
    for login in (LOGIN, Login(host=HOST, token=TOKEN, ca_path=str(ca)), Login(kubeconfig="/k")):
        KubernetesClient(login).request("GET", PATH)
    assert [each.verify_ssl for each in library.configurations] == [True] * 3
    assert [each.ssl_ca_cert for each in library.configurations] == [None, str(ca), None]
    with pytest.raises(BadInput, match=r"^kubernetes_ca_path: /none is missing or not readable$"):
        KubernetesClient(Login(host=HOST, token=TOKEN, ca_path="/none")).request("GET", PATH)


@pytest.mark.parametrize("status", [500, 503, 504, 429])
def test_failed_server(library: Library, status: int) -> None:
    library.replies = [(status, json.dumps({"message": TOKEN, "reason": "Timeout"}).encode())]
    with pytest.raises(Unanswered) as caught:
        KubernetesClient(LOGIN).request("GET", PATH)
    assert str(caught.value) == f"GET {HOST}{PATH}: HTTP {status} (Timeout). Check that the API server works"
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("reply", [(200, b"<html>"), (302, b""), (200, b"[]"), (403, b"denied by the proxy")])
def test_what_is_no_api_server(library: Library, reply: Any) -> None:
    library.replies = [reply]
    with pytest.raises(Unanswered, match=r": HTTP \d+ without the JSON of an API server\. Check the address"):
        KubernetesClient(LOGIN).request("GET", PATH)


def untrusted() -> HTTPError:
    cause = ssl.SSLCertVerificationError(1, "x")
    cause.verify_message = "self-signed certificate"
    return HTTPError(cause)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (HTTPError(ConnectionRefusedError(111, "Connection refused")), "connection refused. Check that the API server"),
        (ReadTimeoutError(TOKEN), "no response in time (timeout)"),
        (untrusted(), "its certificate is not trusted: self-signed certificate. Set kubernetes_ca_path"),
        (HTTPError(TOKEN), "the connection failed or was closed before the response was complete"),
    ],
    ids=["refused", "timeout", "untrusted", "other"],
)
def test_no_answer(library: Library, error: Exception, words: str) -> None:
    library.replies = [error]
    with pytest.raises(Unanswered) as caught:
        KubernetesClient(LOGIN).request("GET", PATH)
    assert str(caught.value).startswith(f"GET {HOST}{PATH}: {words}")
    assert TOKEN not in str(caught.value)


def test_login_of_the_environment(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.replies = [(200, b"{}")] * 2
    monkeypatch.setenv("KUBECONFIG", "/from/environment")
    KubernetesClient(Login()).request("GET", PATH)
    monkeypatch.setenv("K8S_AUTH_HOST", HOST)
    monkeypatch.setenv("K8S_AUTH_API_KEY", TOKEN)
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "False")
    KubernetesClient(Login()).request("GET", PATH)
    assert library.loaded == [("/from/environment", None)]
    assert library.sent[1]["headers"]["authorization"] == f"Bearer {TOKEN}"
    assert library.configurations[1].verify_ssl is False


def test_option_comes_before_the_environment(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", HOST)
    monkeypatch.setenv("K8S_AUTH_API_KEY", TOKEN)
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "/from/environment")
    library.replies = [(200, b"{}")]
    KubernetesClient(Login(context="prod")).request("GET", PATH)
    assert library.loaded == [("/from/environment", "prod")]


def test_default_file_and_pod(library: Library, home: Path) -> None:
    library.replies = [(200, b"{}")] * 2
    KubernetesClient(Login()).request("GET", PATH)
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text("x")
    KubernetesClient(Login()).request("GET", PATH)
    assert library.loaded == [(None, None), ("~/.kube/config", None)]


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (Login(), "There is no login to Kubernetes: give kubeconfig"),
        (Login("/k", "prod"), "kubeconfig: /k with the context prod gives no login to Kubernetes"),
        (Login("/k"), "kubeconfig: /k with its current context gives no login to Kubernetes"),
    ],
)
def test_login_that_is_missing(library: Library, login: Login, words: str) -> None:
    library.problem = RuntimeError(f"exec: process returned 1. {TOKEN}")
    with pytest.raises(BadInput) as caught:
        KubernetesClient(login).request("GET", PATH)
    assert str(caught.value).startswith(words)
    assert TOKEN not in str(caught.value)


def test_login_that_cannot_be_renewed(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Configuration) -> Any:
        raise RuntimeError(TOKEN)

    monkeypatch.setattr(Configuration, "auth_settings", fail)
    with pytest.raises(StoreError, match=rf"^The login to {HOST} could not be renewed\. Check the login") as caught:
        KubernetesClient(LOGIN).request("GET", PATH)
    assert TOKEN not in str(caught.value)


def test_login_from_options() -> None:
    assert login_from_options(NONE) == Login()
    assert login_from_options({**NONE, "kubeconfig": "/k", "kubernetes_context": "c"}).name == "/k c"
    login = login_from_options({**NONE, "kubernetes_host": "api.example.com:6443/", "kubernetes_token": TOKEN})
    assert login == Login(host=HOST, token=TOKEN)
    assert TOKEN not in repr(login)
    options = {**NONE, "kubernetes_host": HOST, "kubernetes_token": TOKEN, "kubernetes_validate_certs": False}
    assert not login_from_options(options).validate_certs


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kubernetes_token": TOKEN}, "kubernetes_token has no effect without kubernetes_host"),
        ({"kubernetes_ca_path": "/x"}, "kubernetes_ca_path has no effect without kubernetes_host"),
        ({"kubernetes_host": HOST}, "kubernetes_token is missing"),
        (
            {"kubernetes_host": HOST, "kubernetes_token": TOKEN, "kubernetes_context": "c"},
            "kubernetes_host and kubernetes_context exclude",
        ),
        (
            {"kubernetes_host": "http://x.example.com", "kubernetes_token": TOKEN},
            "kubernetes_host must begin with https",
        ),
        ({"kubernetes_host": "ftp://x", "kubernetes_token": TOKEN}, "kubernetes_host must be the address of an API"),
        ({"kubernetes_host": f"https://u:{TOKEN}@x", "kubernetes_token": TOKEN}, "kubernetes_host must be the address"),
        ({"kubernetes_host": "https://x:port", "kubernetes_token": TOKEN}, "kubernetes_host must be the address"),
    ],
)
def test_options_that_make_no_login(options: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        login_from_options({**NONE, **options})
    assert str(caught.value).startswith(words)
    assert TOKEN not in str(caught.value)


def test_body_is_yaml_too() -> None:
    text = "y\x85\u2028\ufeff\x7fü\U0001f600"
    assert json.loads(to_json({"a": text})) == {"a": text}
    assert to_json({"a": text}) == b'{"a": "y\\u0085\\u2028\\ufeff\\u007f' + "ü\U0001f600".encode() + b'"}'


def test_answer_shows_machine_readable_parts_only() -> None:
    cause = {"reason": "FieldValueInvalid", "field": "data[a]", "message": TOKEN}
    answer = Answer(422, {"reason": "Invalid", "message": TOKEN, "details": {"causes": [cause, {"field": "<x>"}, 7]}})
    assert (answer.reason, answer.fields, answer.has_cause("FieldValueInvalid")) == ("Invalid", ["data[a]"], True)
    assert TOKEN not in repr(answer)
    assert Answer(500, {"reason": f"x {TOKEN}"}).reason == ""
