# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.4: the OAuth flow of the user interface."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from conformance.client import (
    Client,
    access_token,
    assert_csrf,
    assert_error,
    assert_html,
    assert_message,
    assert_unauthorized,
    unique,
)
from conformance.resources import Resources
from standin import Standin

DENY = "/oauth/denyapp"
AUTHORIZE = "/oauth/authorizeapp"


def test_2_4_csrf_token_comes_with_the_cookie_of_the_session(anonymous: Client) -> None:
    response = anonymous.get("/csrf_token")
    assert response.json().keys() == {"csrf_token"}
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("_csrf_token=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_2_4_signin_returns_the_next_csrf_token(resources: Resources, anonymous: Client) -> None:
    old = anonymous.fetch_csrf()
    response = anonymous.post("/api/v1/signin", {"username": resources.username, "password": resources.password})
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert response.headers["X-Next-CSRF-Token"] not in ("", old)
    assert response.cookies["_csrf_token"]
    anonymous.csrf = old
    refused = anonymous.post("/api/v1/user/apptoken", {"title": "t"})
    assert refused.status_code == 403
    assert refused.json()["error"].startswith("CSRF token was invalid or missing.")


def test_2_4_wrong_password_403(anonymous: Client) -> None:
    response = anonymous.sign_in(unique("nobody"), "wrong-password")
    assert response.status_code == 403
    expected = {"needsEmailVerification": False, "invalidCredentials": True}
    assert response.json() == expected | {"message": "Invalid Username or Password"}


def test_2_4_signin_without_csrf_403(resources: Resources, anonymous: Client) -> None:
    assert_csrf(anonymous.post("/api/v1/signin", {"username": resources.username, "password": resources.password}))


def test_2_4_authorizeapp_redirects_with_the_token(resources: Resources, new_client: Callable[..., Client]) -> None:
    response = resources.superuser.post(AUTHORIZE, data=resources.form(scope="user:read", state="s"))
    assert response.status_code == 302
    location = response.headers["Location"]
    assert location.startswith(f"{resources.redirect_uri}?")
    assert parse_qs(urlsplit(location).query) == {"scope": ["user:read"], "state": ["s"]}
    assert location.endswith("&token_type=Bearer&expires_in=315576000")
    client = new_client(bearer=access_token(response))
    assert client.get("/api/v1/user/").json()["username"] == resources.target.username


def test_2_4_csrf_token_may_be_a_field(resources: Resources, new_client: Callable[..., Client]) -> None:
    client = new_client()
    client.sign_in(resources.target.username, resources.target.password)
    field, client.csrf = client.csrf, ""
    assert client.post(AUTHORIZE, data=resources.form()).status_code == 403
    assert access_token(client.post(AUTHORIZE, data=resources.form(_csrf_token=field)))


def test_2_4_foreign_redirect_uri_400(resources: Resources) -> None:
    response = resources.superuser.post(AUTHORIZE, data=resources.form(redirect_uri="https://elsewhere.example/cb"))
    assert_error(response, 400, "invalid_request")


def test_2_4_redirect_below_the_applications_own(resources: Resources) -> None:
    body = {"name": "own", "redirect_uri": "https://own.example/cb"}
    own = resources.superuser.post(f"{resources.base}/applications", body).json()["client_id"]
    form = resources.form(client_id=own, redirect_uri="https://own.example/cb/deeper")
    assert (
        resources.superuser.post(AUTHORIZE, data=form).headers["Location"].startswith("https://own.example/cb/deeper?")
    )
    form["redirect_uri"] = "https://own.example/other"
    assert_error(resources.superuser.post(AUTHORIZE, data=form), 400, "invalid_request")


def test_2_4_denyapp_redirects_with_an_error(resources: Resources) -> None:
    """The client may be unknown, and the user need not administer its organization. Nothing is stored."""
    for client in (resources.superuser, resources.user):
        for client_id in (resources.client_id, "NOPE"):
            response = client.post(DENY, data=resources.form(client_id=client_id))
            assert response.status_code == 302
            assert response.headers["Location"] == f"{resources.redirect_uri}?error=authorization_denied"


def test_2_4_denyapp_checks_the_redirect_uri(resources: Resources) -> None:
    form = resources.form(redirect_uri="https://elsewhere.example/cb")
    for client_id in (resources.client_id, "NOPE"):
        assert_error(resources.superuser.post(DENY, data=form | {"client_id": client_id}), 400, "invalid_request")


def test_2_4_denyapp_needs_a_session(
    resources: Resources, anonymous: Client, bearer: Callable[[str], Client], new_client: Callable[..., Client]
) -> None:
    form = resources.form()
    basic = new_client(basic=(resources.target.username, resources.target.password))
    for client in (anonymous, bearer("org:admin"), basic):
        assert_csrf(client.post(DENY, data=form))
    for client in (anonymous, basic):
        client.fetch_csrf()
        assert_html(client.post(DENY, data=form), 401)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"client_id": "NOPE"}, "unauthorized_client", id="unknown client"),
        pytest.param({"scope": "nonsense"}, "invalid_scope", id="unknown scope"),
        pytest.param({"scope": ""}, "invalid_scope", id="no scope"),
    ],
)
def test_2_4_errors_are_redirects(resources: Resources, changes: dict[str, str], error: str) -> None:
    response = resources.superuser.post(AUTHORIZE, data=resources.form(**changes))
    assert response.status_code == 302
    assert response.headers["Location"] == f"{resources.redirect_uri}?error={error}"


def test_2_4_only_org_admins_get_a_token(resources: Resources) -> None:
    response = resources.user.post(AUTHORIZE, data=resources.form())
    assert response.headers["Location"] == f"{resources.redirect_uri}?error=unauthorized_client"


def test_2_4_a_superuser_who_is_no_admin_gets_no_token(resources: Resources, temporary_user: tuple[str, str]) -> None:
    username, password = temporary_user
    with Client(resources.target) as client:
        client.sign_in(username, password)
        org = unique()
        assert client.post("/api/v1/organization/", {"name": org}).status_code == 201
    application = resources.superuser.post(f"/api/v1/organization/{org}/applications", {"name": "a"}).json()
    response = resources.superuser.post(AUTHORIZE, data=resources.form(client_id=application["client_id"]))
    resources.superuser.delete(f"/api/v1/superuser/organizations/{org}")
    assert response.headers["Location"] == f"{resources.redirect_uri}?error=unauthorized_client"


def test_2_4_bearer_instead_of_session_401_html(resources: Resources, bearer: Callable[[str], Client]) -> None:
    assert_html(bearer("org:admin").post(AUTHORIZE, data=resources.form()), 401)


def test_2_4_basic_with_an_anonymous_csrf_pair(resources: Resources, new_client: Callable[..., Client]) -> None:
    client = new_client(basic=(resources.target.username, resources.target.password))
    client.fetch_csrf()
    assert access_token(client.post(AUTHORIZE, data=resources.form()))


def test_2_4_basic_without_csrf_403(resources: Resources, new_client: Callable[..., Client]) -> None:
    client = new_client(basic=(resources.target.username, resources.target.password))
    response = client.post(AUTHORIZE, data=resources.form())
    assert response.status_code == 403
    assert response.json()["error"].startswith("CSRF token was invalid or missing.")


def test_2_4_authorize_returns_a_token_at_once_if_the_user_has_one(resources: Resources) -> None:
    resources.token("repo:write")
    response = resources.superuser.get("/oauth/authorize", params=resources.form())
    assert response.status_code == 302
    assert access_token(response)


def test_2_4_authorize_by_basic(resources: Resources, new_client: Callable[..., Client]) -> None:
    resources.token("repo:write")
    client = new_client(basic=(resources.target.username, resources.target.password))
    response = client.get("/oauth/authorize", params=resources.form())
    assert response.status_code == (302 if resources.target.family == "3.18" else 500)


def test_2_4_authorize_asks_for_consent_otherwise(resources: Resources) -> None:
    own = resources.superuser.post(f"{resources.base}/applications", {"name": "own"}).json()["client_id"]
    form = resources.form(client_id=own, scope="org:admin")
    assert_html(resources.superuser.get("/oauth/authorize", params=form), 200)
    body = resources.superuser.get("/oauth/authorize", params=form | {"format": "json"}).json()
    assert (body["client_id"], body["scope"], body["has_dangerous_scopes"]) == (own, "org:admin", True)
    assert body["csrf_token_val"]


def test_2_4_code_flow(resources: Resources, anonymous: Client, new_client: Callable[..., Client]) -> None:
    response = resources.superuser.post(AUTHORIZE, data=resources.form(response_type="code", scope="user:read"))
    (code,) = parse_qs(urlsplit(response.headers["Location"]).query)["code"]
    form = {
        "grant_type": "authorization_code",
        "client_id": resources.client_id,
        "client_secret": resources.client_secret,
    }
    form |= {"redirect_uri": resources.redirect_uri, "code": code, "scope": "user:read"}
    assert_error(_exchange(anonymous, form, client_secret="wrong"), 400, "invalid_client")
    assert_error(_exchange(anonymous, form, grant_type="password"), 400, "unsupported_grant_type")
    assert_error(_exchange(anonymous, form, code="x" * 40), 400, "invalid_grant")
    body = _exchange(anonymous, form).json()
    expected = {"token_type": "Bearer", "expires_in": 315576000, "refresh_token": None}
    assert body == expected | {"access_token": body["access_token"]}
    assert new_client(bearer=body["access_token"]).get("/api/v1/user/").status_code == 200
    assert_error(_exchange(anonymous, form), 400, "invalid_grant")


def test_2_4_pending_code_needs_the_present_client_secret(
    resources: Resources, anonymous: Client, new_client: Callable[..., Client]
) -> None:
    """What a reset of the client secret breaks, and what it does not."""
    path = f"{resources.base}/applications"
    fields = {"name": "reset", "redirect_uri": "https://example.com/callback"}
    application = resources.superuser.post(path, fields).json()
    asked = {"client_id": application["client_id"], "redirect_uri": fields["redirect_uri"], "scope": "user:read"}
    issued = access_token(
        resources.superuser.post(AUTHORIZE, data=resources.form(client_id=asked["client_id"], scope="user:read"))
    )
    response = resources.superuser.post(AUTHORIZE, data=resources.form(response_type="code", **asked))
    (code,) = parse_qs(urlsplit(response.headers["Location"]).query)["code"]
    reset = resources.superuser.post(f"{path}/{asked['client_id']}/resetclientsecret").json()
    form = {"grant_type": "authorization_code", **asked, "code": code}
    assert_error(_exchange(anonymous, form, client_secret=application["client_secret"]), 400, "invalid_client")
    assert_error(_exchange(anonymous, form, client_secret=reset["client_secret"], code="none"), 400, "invalid_grant")
    exchanged = _exchange(anonymous, form, client_secret=reset["client_secret"]).json()["access_token"]
    for token in (issued, exchanged):
        assert new_client(bearer=token).get("/api/v1/user/").status_code == 200


def _exchange(client: Client, form: dict[str, str], **changes: str) -> requests.Response:
    # nginx of Quay forwards this path only to those who chose the old user interface; else it answers 405.
    return client.post("/oauth/access_token", data=form | changes, headers={"Cookie": "defaultui=angular"})


def test_2_4_signing_out_ends_all_sessions(resources: Resources, temporary_user: tuple[str, str]) -> None:
    with Client(resources.target) as first, Client(resources.target) as second:
        for client in (first, second):
            client.sign_in(*temporary_user)
            assert client.get("/api/v1/user/").status_code == 200
        assert first.post("/api/v1/signout").json() == {"success": True}
        assert second.get("/api/v1/user/").status_code == 401


def test_2_4_signing_in_elsewhere_ends_no_session(resources: Resources, temporary_user: tuple[str, str]) -> None:
    with Client(resources.target) as first, Client(resources.target) as second:
        for client in (first, second):
            client.sign_in(*temporary_user)
        assert first.get("/api/v1/user/").status_code == second.get("/api/v1/user/").status_code == 200


def test_2_4_sessions_last_31_days(resources: Resources, standin: Standin, temporary_user: tuple[str, str]) -> None:
    with Client(resources.target) as client:
        client.sign_in(*temporary_user)
        standin.clock.advance(30 * 86400)
        assert client.get("/api/v1/user/").status_code == 200
        standin.clock.advance(2 * 86400)
        assert client.get("/api/v1/user/").status_code == 401


def test_2_4_session_rights_are_the_users(resources: Resources) -> None:
    assert_unauthorized(resources.user.get("/api/v1/superuser/users/"))
    assert_message(resources.user.get("/api/v1/user/robots/nobody"), 400)
