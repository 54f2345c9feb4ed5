# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, section 2.2: OAuth applications."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conformance.client import Client, assert_html, assert_no_content, assert_problem, assert_unauthorized
from conformance.resources import Resources

KEYS = {"name", "description", "application_uri", "client_id", "client_secret", "redirect_uri", "avatar_email"}


def _create(resources: Resources, **body: Any) -> dict[str, Any]:
    response = resources.superuser.post(f"{resources.base}/applications", {"name": "app"} | body)
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


def test_2_2_create_returns_200_with_id_and_secret(resources: Resources) -> None:
    created = _create(resources, description="d", redirect_uri="https://x.example/cb")
    assert created.keys() == KEYS
    assert (len(created["client_id"]), len(created["client_secret"])) == (20, 40)
    assert (created["description"], created["redirect_uri"]) == ("d", "https://x.example/cb")
    assert (created["application_uri"], created["avatar_email"]) == ("", None)


def test_2_2_names_are_not_unique_may_be_empty_and_unknown_keys_are_ignored(resources: Resources) -> None:
    first, second = _create(resources, name=""), _create(resources, name="", unknown=1)
    assert first["client_id"] != second["client_id"]
    assert first["name"] == second["name"] == ""


def test_2_2_reserved_name_400(resources: Resources) -> None:
    if resources.target.family == "3.17":
        assert _create(resources, name="__quay_bootstrap_app")["name"] == "__quay_bootstrap_app"
        return
    response = resources.superuser.post(f"{resources.base}/applications", {"name": "__quay_bootstrap_app"})
    assert_problem(response, 400, "invalid_request")


@pytest.mark.parametrize("field", ["name", "redirect_uri", "application_uri", "avatar_email"])
def test_2_2_texts_have_255_characters_at_most(resources: Resources, field: str) -> None:
    path, body = f"{resources.base}/applications", {"name": "long", "redirect_uri": "", "application_uri": ""}
    created = resources.superuser.post(path, body | {field: "x" * 255}).json()
    assert created[field] == "x" * 255
    assert_html(resources.superuser.post(path, body | {field: "x" * 256}), 500)
    one = f"{path}/{created['client_id']}"
    assert_html(resources.superuser.put(one, body | {field: "x" * 256}), 500)
    assert resources.superuser.get(one).json() == created


def test_2_2_list_and_get_have_the_secret(resources: Resources) -> None:
    created = _create(resources)
    listed = resources.superuser.get(f"{resources.base}/applications").json()
    assert listed.keys() == {"applications"}
    assert created in listed["applications"]
    assert resources.superuser.get(f"{resources.base}/applications/{created['client_id']}").json() == created


def test_2_2_unknown_404(resources: Resources) -> None:
    assert_problem(resources.superuser.get(f"{resources.base}/applications/NOPE"), 404, "not_found", "Not Found")


def test_2_2_put_resets_omitted_fields(resources: Resources) -> None:
    created = _create(resources, description="kept?", avatar_email="a@example.com", redirect_uri="https://x.example")
    path = f"{resources.base}/applications/{created['client_id']}"
    response = resources.superuser.put(path, {"name": "new", "redirect_uri": "", "application_uri": ""})
    assert response.status_code == 200
    changes = {"name": "new", "description": "", "avatar_email": None, "redirect_uri": ""}
    assert response.json() == created | changes


def test_2_2_put_needs_three_fields(resources: Resources) -> None:
    response = resources.superuser.put(resources.application, {"name": "x"})
    assert_problem(response, 400, "invalid_request", "'redirect_uri' is a required property")


def test_2_2_delete_removes_the_application_and_its_tokens(
    resources: Resources, new_client: Callable[..., Client]
) -> None:
    created = _create(resources)
    form = resources.form(client_id=created["client_id"], scope="user:read")
    location = resources.superuser.post("/oauth/authorizeapp", data=form).headers["Location"]
    client = new_client(bearer=location.split("access_token=")[1][:40])
    assert client.get("/api/v1/user/").status_code == 200
    path = f"{resources.base}/applications/{created['client_id']}"
    assert_no_content(resources.superuser.delete(path))
    assert_problem(resources.superuser.delete(path), 404, "not_found")
    assert client.get("/api/v1/user/").status_code == 401


def test_2_2_resetclientsecret_returns_a_new_secret(resources: Resources) -> None:
    created = _create(resources)
    response = resources.superuser.post(f"{resources.base}/applications/{created['client_id']}/resetclientsecret")
    assert response.status_code == 200
    assert response.json()["client_secret"] != created["client_secret"]
    assert response.json() == created | {"client_secret": response.json()["client_secret"]}


def test_2_2_public_view(resources: Resources, anonymous: Client) -> None:
    body = anonymous.get(f"/api/v1/app/{resources.client_id}").json()
    assert body.keys() == {"name", "description", "uri", "avatar", "organization"}
    assert (body["name"], body["organization"]["name"]) == ("conformance", resources.org)
    assert_problem(anonymous.get("/api/v1/app/NOPE"), 404, "not_found")


def test_2_2_needs_org_admin(resources: Resources, bearer: Callable[[str], Client]) -> None:
    assert bearer("org:admin").get(resources.application).status_code == 200
    assert_unauthorized(bearer("user:admin").get(resources.application))
    assert_unauthorized(resources.user.get(resources.application))
