# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scopes of the login, as far as Quay shows them."""

from __future__ import annotations

import pytest
from requests.exceptions import ReadTimeout

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.login_scopes import login_uuid, own_scopes
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import TransportError
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.oauth import AccessToken
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, ok, page, refused
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN, verification, verified

LOGIN = verified(context={"entity_kind": "oauthtoken", "entity_reference": "login"}, sub="ann")
BEARER = BearerAuth("s3cret")


def listed(uuid: str, *scopes: str) -> AccessToken:
    return AccessToken(uuid, "x", scopes, None, None, None, "ann")


def own_tokens(*tokens: tuple[str, list[str]]) -> Reply:
    scopes = [(uuid, [{"scope": scope} for scope in granted]) for uuid, granted in tokens]
    return ok({"authorizations": [{"uuid": uuid, "scopes": granted} for uuid, granted in scopes]})


def test_listed_token(quay: FakeQuay) -> None:
    """One request shows which of the application's tokens the login is."""
    quay.answers(LOGIN)
    tokens = [listed("other", "org:admin"), listed("login", "repo:read", "repo:write")]
    assert own_scopes(quay.client(BEARER), tokens) == ("repo:read", "repo:write")
    assert quay.requests == [verification("$oauthtoken", "s3cret", "credential-proof")]


def test_token_of_another_application(quay: FakeQuay) -> None:
    quay.answers(LOGIN, own_tokens(("other", ["org:admin"]), ("login", ["user:admin", "repo:read"])))
    assert own_scopes(quay.client(BEARER), [listed("other", "org:admin")]) == ("repo:read", "user:admin")
    assert quay.calls[1:] == [("GET", "/api/v1/user/authorizations")]


@pytest.mark.parametrize(
    "replies", [[LOGIN, own_tokens()], [LOGIN, FORBIDDEN], [LOGIN, page(500)], [refused()], [page(502)]]
)
def test_scopes_that_quay_does_not_show(quay: FakeQuay, replies: list[Reply]) -> None:
    quay.answers(*replies)
    assert own_scopes(quay.client(BEARER, retries=0)) is None


@pytest.mark.parametrize("auth", [SessionAuth("ann", "s3cret"), Auth()])
def test_login_without_scopes(quay: FakeQuay, auth: Auth) -> None:
    """A password has all of them. No request is sent."""
    assert own_scopes(quay.client(auth), [listed("login", "repo:read")]) is None
    assert quay.requests == []


def test_unreachable_server(quay: FakeQuay) -> None:
    quay.answers(ReadTimeout())
    with pytest.raises(TransportError):
        own_scopes(quay.client(BEARER, retries=0))


def test_uuid_of_the_login(quay: FakeQuay) -> None:
    quay.answers(LOGIN, refused())
    assert login_uuid(quay.client(BEARER)) == "login"
    assert login_uuid(quay.client(BEARER)) is None
    assert login_uuid(quay.client(SessionAuth("ann", "s3cret"))) is None
    assert quay.requests == [verification("$oauthtoken", "s3cret", "credential-proof")] * 2
