# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OIDC tokens of jobs and of clients: what is sent where, and what is never sent or shown."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import SSLError

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import IdentityError
from ansible_collections.tokensmith.quay.plugins.module_utils._http.identity_providers import IdentityProviders
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, Request, ok, page

ISSUER = "https://issuer.example.com"
SECRET = "s3cret of the client"
ACCEPT = {"Accept": "application/json"}
DISCOVERY = {"issuer": ISSUER, "token_endpoint": f"{ISSUER}/token"}


@pytest.fixture
def issuer() -> FakeQuay:
    return FakeQuay(ISSUER)


def providers(issuer: FakeQuay) -> IdentityProviders:
    return IdentityProviders(issuer.session, "/ca.pem", issuer.pauses.append)


def client_token(issuer: FakeQuay, url: str = ISSUER, audience: str | None = None, scopes: Any = ()) -> str:
    return providers(issuer).client_token(url, "build farm", SECRET, audience, scopes)


@pytest.mark.parametrize(
    ("url", "audience", "target"),
    [
        (f"{ISSUER}/t?api-version=2.0", None, "/t?api-version=2.0"),
        (f"{ISSUER}/t?api-version=2.0", "a b&c", "/t?api-version=2.0&audience=a+b%26c"),
        (f"{ISSUER}/t", "quay", "/t?audience=quay"),
    ],
)
def test_token_of_a_job(issuer: FakeQuay, url: str, audience: str | None, target: str) -> None:
    issuer.answers(ok({"value": "token"}))
    assert providers(issuer).job_token(url, "request-token", audience) == "token"
    assert issuer.requests == [Request("GET", target, {**ACCEPT, "Authorization": "Bearer request-token"})]
    assert issuer.options[0]["verify"] == "/ca.pem"


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post", "client_secret_basic"]])
def test_token_of_a_client(issuer: FakeQuay, methods: list[str] | None) -> None:
    document = {**DISCOVERY, "issuer": f"{ISSUER}/"}
    if methods:
        document["token_endpoint_auth_methods_supported"] = methods  # type: ignore[assignment]
    issuer.answers(ok(document), ok({"access_token": "token"}))
    assert client_token(issuer, audience="quay", scopes=["a", "b"]) == "token"
    form = {"grant_type": "client_credentials", "audience": "quay", "scope": "a b"}
    headers = {**ACCEPT, "Content-Type": "application/x-www-form-urlencoded"}
    if methods and "client_secret_post" in methods:
        form.update(client_id="build farm", client_secret=SECRET)
    else:
        pair = base64.b64encode(b"build+farm:s3cret+of+the+client").decode()
        headers["Authorization"] = f"Basic {pair}"
    assert issuer.requests == [
        Request("GET", "/.well-known/openid-configuration", ACCEPT),
        Request("POST", "/token", headers, form),
    ]


def test_issuer_with_a_path(issuer: FakeQuay) -> None:
    url = f"{ISSUER}/realms/acme/"
    issuer.answers(ok({**DISCOVERY, "issuer": url}), ok({"access_token": "token"}))
    client_token(issuer, url)
    assert issuer.requests[0].target == "/realms/acme/.well-known/openid-configuration"


@pytest.mark.parametrize("answer", [page(503), RequestsConnectionError()])
def test_reads_are_repeated(issuer: FakeQuay, answer: Any) -> None:
    issuer.answers(answer, answer, ok({"value": "token"}), answer, answer, answer, answer)
    assert providers(issuer).job_token(f"{ISSUER}/t", "x", None) == "token"
    assert issuer.pauses == [0.5, 1.0]
    with pytest.raises(IdentityError):
        providers(issuer).job_token(f"{ISSUER}/t", "x", None)
    assert issuer.pending == 0


def test_secret_is_sent_once(issuer: FakeQuay) -> None:
    issuer.answers(ok(DISCOVERY), page(503))
    with pytest.raises(IdentityError, match="answers 503: check oidc_client_id"):
        client_token(issuer)
    issuer.answers(ok(DISCOVERY), RequestsConnectionError())
    with pytest.raises(IdentityError, match="POST https://issuer.example.com/token: the connection was closed"):
        client_token(issuer)


def moved(status: int) -> Reply:
    return page(status, Location="https://elsewhere.example.com/")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([moved(302)], "the server redirects. Redirects are not followed with credentials"),
        ([ok(DISCOVERY), moved(307)], "POST https://issuer.example.com/token: the server redirects"),
        ([page(404)], "the server answers 404. Check oidc_issuer"),
        ([page(200)], "the answer is no JSON object"),
        ([ok([])], "the answer is no JSON object"),
        ([ok({**DISCOVERY, "issuer": "https://other"})], "the document is that of another issuer"),
        ([ok({"issuer": ISSUER})], "the answer has no 'token_endpoint'"),
        ([ok({**DISCOVERY, "token_endpoint": "http://x/"})], "no https URL, so the secret is not sent there"),
        ([ok(DISCOVERY), ok({"error": "invalid_client"}, 401)], "it does not accept oidc_client_id with oidc_client"),
        ([ok(DISCOVERY), ok({"error": "invalid_scope"}, 400)], "it does not accept oidc_scopes"),
        ([ok(DISCOVERY), ok({"error": SECRET}, 400)], "the issuer answers 400: check oidc_client_id"),
        ([ok(DISCOVERY), ok({"error": ["x"]}, 400)], "the issuer answers 400: check oidc_client_id"),
        ([ok(DISCOVERY), ok({"access_token": 1})], "the answer has no 'access_token'"),
        ([SSLError()], "TLS failed. Check that the port in oidc_issuer serves https"),
    ],
)
def test_failures(issuer: FakeQuay, answers: list[Any], words: str) -> None:
    issuer.answers(*answers, *[answers[-1]] * 3)
    with pytest.raises(IdentityError) as caught:
        client_token(issuer)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_addresses_are_shown_without_logins_and_queries(issuer: FakeQuay) -> None:
    issuer.answers(page(401))
    with pytest.raises(IdentityError) as caught:
        providers(issuer).job_token(f"{ISSUER}/t?key=hidden", "x", None)
    assert str(caught.value) == (
        "GET https://issuer.example.com/t: the server answers 401. The job may lack the permission id-token: write"
    )
