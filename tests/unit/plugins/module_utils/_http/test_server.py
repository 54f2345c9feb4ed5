# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The capabilities of a server, and the requests that find them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ReadOnlyRegistry,
    TransportError,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.server import Server
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    ORIGIN,
    FakeQuay,
    Reply,
    Request,
    error,
    ok,
    page,
    refused,
)

CONFIG_JSON: dict[str, Any] = {
    "config": {
        "SERVER_HOSTNAME": "registry.acme.example",
        "PREFERRED_URL_SCHEME": "https",
        "LOCAL_OAUTH_HANDLER": "/oauth/localapp",
    },
    "features": {"ASSIGN_OAUTH_TOKEN": True, "TEAM_SYNCING": False},
    "registry_state": "normal",
    "version_number": "Quay v3.11.0",
}
GET_CONFIG = Request("GET", "/config")
GET_REGISTRY = Request("GET", "/v2/")
GET_TOKENS = Request("GET", "/api/v1/organization/zz/applications/zz/tokens")
TOKENS_PATH = "/api/v1/organization/zz/applications/zz/tokens"
CHALLENGE = ok(
    {"errors": []}, 401, WWW_Authenticate='Bearer realm="https://reg.example/v2/auth",service="reg.example:8443"'
)

# The replies where a proxy hides /config, or another service answers.
HIDDEN = [page(404), page(403), page(200), ok([]), ok("config"), page(302, Location="/login")]


def server_of(quay: FakeQuay) -> Server:
    """The Server of a client with a token. All its requests must be anonymous all the same."""
    return Server(quay.client(BearerAuth("s3cret"), retries=0))


def test_one_request_for_everything(quay: FakeQuay) -> None:
    quay.answers(ok(CONFIG_JSON))
    server = server_of(quay)
    assert quay.requests == []
    server.refuse_if_read_only("POST", "/api/v1/x")
    assert server.hostname() == "registry.acme.example"
    assert server.oauth_page() == "https://registry.acme.example/oauth/localapp"
    assert server.feature("ASSIGN_OAUTH_TOKEN") is True
    assert server.feature("TEAM_SYNCING") is False
    assert server.feature("UNHEARD_OF") is None
    assert quay.requests == [GET_CONFIG]


@pytest.mark.parametrize(("value", "disallows"), [(True, True), (False, False), (None, False)])
def test_robots(quay: FakeQuay, value: bool | None, disallows: bool) -> None:
    quay.answers(ok({"config": {} if value is None else {"ROBOTS_DISALLOW": value}}))
    assert server_of(quay).disallows_robots() is disallows


def test_read_only(quay: FakeQuay) -> None:
    quay.answers(ok({**CONFIG_JSON, "registry_state": "readonly"}))
    with pytest.raises(ReadOnlyRegistry) as caught:
        server_of(quay).refuse_if_read_only("POST", "/api/v1/x")
    assert str(caught.value) == f"POST {ORIGIN}/api/v1/x: the registry is read-only; nothing was changed"
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("reply", HIDDEN)
def test_hidden_configuration(quay: FakeQuay, reply: Reply) -> None:
    """The challenge of the registry names the server. The rest is unknown, and nothing is refused."""
    quay.answers(reply, CHALLENGE)
    server = server_of(quay)
    server.refuse_if_read_only("POST", "/api/v1/x")
    assert server.feature("ASSIGN_OAUTH_TOKEN") is None
    assert server.hostname() == "reg.example:8443"
    assert server.oauth_page() == "https://reg.example:8443/oauth/localapp"
    assert quay.requests == [GET_CONFIG, GET_REGISTRY]


@pytest.mark.parametrize("part", [None, [], "text", {}])
def test_configuration_of_another_shape(quay: FakeQuay, part: Any) -> None:
    quay.answers(ok({"config": part, "features": part}), CHALLENGE)
    server = server_of(quay)
    assert server.feature("ASSIGN_OAUTH_TOKEN") is None
    assert server.hostname() == "reg.example:8443"


@pytest.mark.parametrize(
    "reply",
    [
        ok({}),
        page(200),
        page(404),
        refused(),
        ok({"errors": []}, 401, WWW_Authenticate="Basic realm=proxy"),
        ok({"errors": []}, 401, WWW_Authenticate='Bearer realm="x",service=""'),
        page(302, Location="/login"),
    ],
)
@pytest.mark.parametrize("origin", [ORIGIN, "http://[::1]:8080"])
def test_hostname_is_the_address_if_nothing_names_it(quay: FakeQuay, origin: str, reply: Reply) -> None:
    """The address that the client uses is the last resort."""
    quay.origin = origin
    quay.answers(page(404), reply)
    server = server_of(quay)
    assert server.hostname() == origin.split("//")[1]
    assert server.oauth_page() == f"{origin}/oauth/localapp"
    assert quay.requests == [GET_CONFIG, GET_REGISTRY]


def test_scheme_and_page_of_the_configuration(quay: FakeQuay) -> None:
    settings = {"SERVER_HOSTNAME": "quay:8080", "PREFERRED_URL_SCHEME": "http", "LOCAL_OAUTH_HANDLER": "/oauth/here"}
    quay.answers(ok({"config": settings}))
    assert server_of(quay).oauth_page() == "http://quay:8080/oauth/here"


def test_unreachable_server(quay: FakeQuay) -> None:
    quay.answers(requests.exceptions.ConnectionError(), page(404), requests.exceptions.ConnectionError())
    server = server_of(quay)
    with pytest.raises(TransportError):
        server.hostname()
    with pytest.raises(TransportError):
        server.hostname()


@pytest.mark.parametrize(
    ("reply", "offered"),
    [
        (error(401, "Requires authentication", "invalid_token"), True),
        (ok({"error": "Anonymous access is not allowed"}, 401), True),
        (error(403, "Unauthorized", "insufficient_scope"), True),
        (error(404, "Not Found", "not_found"), True),
        (ok({"tokens": []}), True),
        (page(308, Location=f"{ORIGIN}{TOKENS_PATH}/"), False),
        (page(308, Location=f"http://quay.example.com{TOKENS_PATH}/"), False),
        (page(404), False),
        (page(405), False),
    ],
)
def test_application_tokens(quay: FakeQuay, reply: Reply, offered: bool) -> None:
    quay.answers(reply)
    server = server_of(quay)
    assert server.has_application_tokens() is offered
    assert server.has_application_tokens() is offered
    assert quay.requests == [GET_TOKENS]


def test_probe_that_is_redirected(quay: FakeQuay) -> None:
    quay.answers(page(302, Location="https://sso.example.com/login"))
    with pytest.raises(UnexpectedResponse, match=r"the server redirects to https://sso\.example\.com\."):
        server_of(quay).has_application_tokens()
