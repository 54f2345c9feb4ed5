# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, sections 2.5 and 2.6: assigning tokens, and a user's own authorizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.client import (
    Client,
    access_token,
    assert_html,
    assert_no_content,
    assert_problem,
    assert_unauthorized,
)
from conformance.resources import Resources
from standin import Standin

ASSIGN = "/oauth/authorize/assignuser"
ASSIGNED = "/api/v1/user/assignedauthorization"
AUTHORIZATIONS = "/api/v1/user/authorizations"


def _query(resources: Resources, **changes: str) -> dict[str, str]:
    return resources.form(username=resources.username, format="json", scope="user:read") | changes


def _assign(resources: Resources, **changes: str) -> dict[str, Any]:
    """Assign a token to the user. Returns the assignment as shown to the user."""
    before = {item["uuid"] for item in resources.user.get(ASSIGNED).json()["authorizations"]}
    response = resources.superuser.post(ASSIGN, params=_query(resources, **changes))
    assert (response.status_code, response.json()) == (200, {"message": "Token assigned successfully"})
    after: list[dict[str, Any]] = resources.user.get(ASSIGNED).json()["authorizations"]
    (new,) = (item for item in after if item["uuid"] not in before)
    return new


def test_2_5_the_user_sees_what_was_assigned(resources: Resources) -> None:
    assignment = _assign(resources)
    assert assignment.keys() == {"application", "uuid", "redirectUri", "scopes", "responseType"}
    keys = {"name", "clientId", "description", "url", "avatar", "organization"}
    assert assignment["application"].keys() == keys
    assert assignment["application"]["clientId"] == resources.client_id
    assert (assignment["redirectUri"], assignment["responseType"]) == (resources.redirect_uri, "token")
    (scope,) = assignment["scopes"]
    assert scope.keys() == {"title", "scope", "description", "icon", "dangerous"}
    assert (scope["scope"], scope["dangerous"]) == ("user:read", False)


def test_2_5_the_user_can_take_the_token_once(resources: Resources, new_client: Callable[..., Client]) -> None:
    assignment = _assign(resources)
    form = resources.form(scope="user:read", assignment_uuid=assignment["uuid"])
    secret = access_token(resources.user.post("/oauth/authorizeapp", data=form))
    assert new_client(bearer=secret).get("/api/v1/user/").json()["username"] == resources.username
    again = resources.user.post("/oauth/authorizeapp", data=form)
    assert again.headers["Location"] == f"{resources.redirect_uri}?error=unauthorized_client"


def test_2_5_the_user_may_take_wider_scopes(resources: Resources) -> None:
    assignment = _assign(resources, scope="repo:read")
    form = resources.form(scope="user:read user:admin", assignment_uuid=assignment["uuid"])
    assert access_token(resources.user.post("/oauth/authorizeapp", data=form))


def test_2_5_a_token_of_another_application_does_not_use_the_assignment_up(resources: Resources) -> None:
    """The assignment lets the user in at every application of the organization."""
    uuid = _assign(resources)["uuid"]
    response = resources.superuser.post(f"{resources.base}/applications", {"name": "another"})
    other = response.json()["client_id"]
    form = resources.form(scope="user:read", assignment_uuid=uuid, client_id=other)
    assert access_token(resources.user.post("/oauth/authorizeapp", data=form))
    assert uuid in {item["uuid"] for item in resources.user.get(ASSIGNED).json()["authorizations"]}
    form["client_id"] = resources.client_id
    assert access_token(resources.user.post("/oauth/authorizeapp", data=form))
    assert uuid not in {item["uuid"] for item in resources.user.get(ASSIGNED).json()["authorizations"]}


def test_2_5_scopes_that_do_not_exist_give_no_token(resources: Resources) -> None:
    uuid = _assign(resources, scope="nonsense")["uuid"]
    form = resources.form(scope="", assignment_uuid=uuid)
    refused = resources.user.post("/oauth/authorizeapp", data=form)
    assert refused.headers["Location"].endswith("error=invalid_scope")
    assert uuid in {item["uuid"] for item in resources.user.get(ASSIGNED).json()["authorizations"]}


def test_2_5_the_user_may_refuse_the_token(resources: Resources) -> None:
    path = f"{ASSIGNED}/{_assign(resources)['uuid']}"
    assert_no_content(resources.user.delete(path))
    assert_problem(resources.user.delete(path), 404, "not_found")


NOTIFICATIONS = "/api/v1/user/notifications"


def test_2_5_the_user_is_notified_until_they_list_the_assignments(resources: Resources) -> None:
    resources.user.get(ASSIGNED)
    response = resources.superuser.post(ASSIGN, params=_query(resources))
    assert response.status_code == 200
    body = resources.user.get(NOTIFICATIONS).json()
    assert body.keys() == {"notifications", "additional"}
    (notification,) = [item for item in body["notifications"] if item["kind"] == "assigned_authorization"]
    assert notification.keys() == {"id", "organization", "kind", "created", "metadata", "dismissed"}
    assert (notification["organization"], notification["dismissed"]) == (None, False)
    assert notification["metadata"] == {"username": resources.username}
    path = f"{NOTIFICATIONS}/{notification['id']}"
    assert resources.user.get(path).json() == notification
    assert_problem(resources.superuser.get(path), 404, "not_found")
    resources.user.get(ASSIGNED)
    assert "assigned_authorization" not in [
        item["kind"] for item in resources.user.get(NOTIFICATIONS).json()["notifications"]
    ]
    assert_problem(resources.user.get(path), 404, "not_found")


def test_2_5_a_notification_is_dismissed_and_restored(resources: Resources) -> None:
    resources.user.get(ASSIGNED)
    resources.superuser.post(ASSIGN, params=_query(resources))
    (notification,) = resources.user.get(NOTIFICATIONS).json()["notifications"]
    path = f"{NOTIFICATIONS}/{notification['id']}"
    assert resources.user.put(path, {"dismissed": True}).json() == notification | {"dismissed": True}
    assert resources.user.get(NOTIFICATIONS).json()["notifications"] == []
    assert resources.user.get(path).json()["dismissed"] is True
    # Without the key it is shown again.
    assert resources.user.put(path, {}).json() == notification
    assert_problem(resources.user.put(path, {"dismissed": "yes"}), 400, "invalid_request")


def test_2_5_notifications_come_newest_first_in_pages(resources: Resources) -> None:
    resources.user.get(ASSIGNED)
    for _time in range(4):
        resources.superuser.post(ASSIGN, params=_query(resources))
    everything = resources.user.get(NOTIFICATIONS).json()
    listed = [item["id"] for item in everything["notifications"]]
    assert (len(listed), everything["additional"]) == (4, False)
    first = resources.user.get(NOTIFICATIONS, params={"limit": 2}).json()
    assert ([item["id"] for item in first["notifications"]], first["additional"]) == (listed[:2], True)
    # Page 0 is page 1. A page has one entry more than is shown, so the third is on neither.
    again = resources.user.get(NOTIFICATIONS, params={"limit": 2, "page": 1}).json()
    assert again == first
    second = resources.user.get(NOTIFICATIONS, params={"limit": 2, "page": 2}).json()
    assert ([item["id"] for item in second["notifications"]], second["additional"]) == (listed[3:], False)


def test_2_5_notifications_need_user_admin(bearer: Callable[[str], Client], anonymous: Client) -> None:
    assert bearer("user:admin").get(NOTIFICATIONS).status_code == 200
    assert_unauthorized(bearer("user:read").get(NOTIFICATIONS))
    for path in (NOTIFICATIONS, f"{NOTIFICATIONS}/zz"):
        assert_problem(anonymous.get(path), 401, "invalid_token", "Requires authentication")


def test_2_5_duplicates_and_nonsense_scopes_are_accepted(resources: Resources) -> None:
    first, second = _assign(resources, scope="nonsense"), _assign(resources, scope="nonsense")
    assert first["uuid"] != second["uuid"]
    assert first["scopes"] == []


def test_2_5_unknown_user_or_client_404_html(resources: Resources) -> None:
    assert_html(resources.superuser.post(ASSIGN, params=_query(resources, username="nobody-at-all")), 404)
    assert_html(resources.superuser.post(ASSIGN, params=_query(resources, client_id="NOPE")), 404)


def test_2_5_only_org_admins_403_html(resources: Resources) -> None:
    assert_html(resources.user.post(ASSIGN, params=_query(resources)), 403)


def test_2_5_bearer_and_basic_403_csrf(
    resources: Resources, bearer: Callable[[str], Client], new_client: Callable[..., Client]
) -> None:
    basic = new_client(basic=(resources.target.username, resources.target.password))
    for client in (bearer("org:admin"), basic):
        response = client.post(ASSIGN, params=_query(resources))
        assert response.status_code == 403
        assert response.json()["error"].startswith("CSRF token was invalid or missing.")


def test_2_5_feature_off(resources: Resources, standin: Standin) -> None:
    standin.config["FEATURE_ASSIGN_OAUTH_TOKEN"] = False
    assert_html(resources.superuser.post(ASSIGN, params=_query(resources)), 404)
    assert_html(resources.user.get(ASSIGNED), 308)


def test_2_6_authorizations_contain_neither_expiry_nor_name_nor_client(resources: Resources) -> None:
    resources.token("repo:read")
    listed = resources.superuser.get(AUTHORIZATIONS).json()
    assert listed.keys() == {"authorizations"}
    for authorization in listed["authorizations"]:
        assert authorization.keys() == {"application", "scopes", "uuid"}
        keys = {"name", "description", "url", "avatar", "organization"}
        assert authorization["application"].keys() == keys


def test_2_6_get_and_delete_one(resources: Resources, new_client: Callable[..., Client]) -> None:
    before = {item["uuid"] for item in resources.superuser.get(AUTHORIZATIONS).json()["authorizations"]}
    client = new_client(bearer=resources.mint("user:read"))
    after = {item["uuid"]: item for item in resources.superuser.get(AUTHORIZATIONS).json()["authorizations"]}
    (uuid,) = after.keys() - before
    assert resources.superuser.get(f"{AUTHORIZATIONS}/{uuid}").json() == after[uuid]
    assert_problem(resources.user.get(f"{AUTHORIZATIONS}/{uuid}"), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 200
    assert_no_content(resources.superuser.delete(f"{AUTHORIZATIONS}/{uuid}"))
    assert_problem(resources.superuser.delete(f"{AUTHORIZATIONS}/{uuid}"), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 401


def test_2_6_expired_ones_are_listed_too(resources: Resources, standin: Standin) -> None:
    before = resources.superuser.get(AUTHORIZATIONS).json()["authorizations"]
    # A session lasts 31 days only, so the tokens are shortened instead.
    for token in standin.state.oauth_tokens.values():
        token.expires_at = standin.clock.now()
    standin.clock.advance(1)
    assert resources.superuser.get(AUTHORIZATIONS).json()["authorizations"] == before


def test_2_6_needs_user_admin(bearer: Callable[[str], Client]) -> None:
    assert bearer("user:admin").get(AUTHORIZATIONS).status_code == 200
    assert_unauthorized(bearer("user:read").get(AUTHORIZATIONS))
