# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_application: OAuth applications of an organization."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Application
from standin.tokens import fingerprint

MODULE = "quay_application"
PATH = "/api/v1/organization/acme/applications"
LIST = f"GET {PATH}"
CONFIG = "GET /config"

FIELDS = {
    "description": "Credentials of the platform team",
    "application_uri": "https://wiki.example.com/automation",
    "redirect_uri": "https://ci.example.com/callback",
    "avatar_email": "platform@example.com",
}


def named(harness: Harness, name: str, organization: str = "acme") -> list[Application]:
    return [app for app in harness.quay.state.applications_of(organization) if app.name == name]


def fields_of(application: Application) -> dict[str, Any]:
    return {name: getattr(application, name) for name in FIELDS}


def test_application_is_created(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"organization": "acme", "name": "new", **FIELDS})
    assert runs.requests == [
        [*harness.sign_in, LIST, CONFIG],
        [*harness.sign_in, LIST, CONFIG, f"POST {PATH}"],
        [*harness.sign_in, LIST],
        [*harness.sign_in, LIST],
    ]
    (made,) = named(harness, "new")
    assert fields_of(made) == FIELDS
    assert runs.first.content | {"token": None} == {
        **FIELDS,
        "name": "new",
        "organization": "acme",
        "client_id": made.client_id,
        "token": None,
        "fingerprint": fingerprint(made.client_secret),
        "delivered": [],
        "removed": [],
    }
    assert runs.first.token == fingerprint(made.client_secret)
    assert (runs.second["token"], runs.second["fingerprint"]) == (None, fingerprint(made.client_secret))
    assert runs.predicted["client_id"] is None
    assert runs.first.diff == {"before": {}, "after": {"name": "new", **FIELDS}}


def test_unchanged_application_costs_one_request(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"organization": "acme", "name": "automation"})
    assert runs.requests == [[*harness.sign_in, LIST]] * 4
    assert not runs.first.changed
    assert runs.first["client_id"] == harness.accounts.automation


def test_unchanged_application_by_client_id_costs_one_request(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"organization": "acme", "client_id": harness.accounts.automation})
    assert runs.requests == [[*harness.sign_in, f"{LIST}/{harness.accounts.automation}"]] * 4
    assert runs.first["name"] == "automation"


@pytest.mark.parametrize("field", FIELDS)
def test_one_field_is_changed_and_no_other_wiped(either_login: Harness, field: str) -> None:
    harness = either_login
    made = harness.run(MODULE, {"organization": "acme", "name": "new", **FIELDS})
    runs = harness.four_runs(MODULE, {"organization": "acme", "name": "new", field: "https://new.example.com"})
    (changed,) = named(harness, "new")
    assert fields_of(changed) == {**FIELDS, field: "https://new.example.com"}
    assert changed.client_id == made["client_id"]
    assert fingerprint(changed.client_secret) == made.token
    assert runs.first.diff["before"][field] == FIELDS[field]
    assert runs.first.diff["after"][field] == "https://new.example.com"
    assert f"PUT {PATH}/{changed.client_id}" in runs.requests[1]


@pytest.mark.parametrize("field", FIELDS)
def test_field_is_emptied(either_login: Harness, field: str) -> None:
    harness = either_login
    harness.run(MODULE, {"organization": "acme", "name": "new", **FIELDS})
    harness.four_runs(MODULE, {"organization": "acme", "name": "new", field: ""})
    (changed,) = named(harness, "new")
    assert fields_of(changed) == {**FIELDS, field: ""}


def test_application_is_renamed(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(
        MODULE,
        {"organization": "acme", "client_id": harness.accounts.automation, "name": "platform", "description": "x"},
    )
    assert runs.first.changed
    assert (runs.first.diff["before"]["name"], runs.first.diff["after"]["name"]) == ("automation", "platform")
    assert [app.client_id for app in named(harness, "platform")] == [harness.accounts.automation]
    assert named(harness, "automation") == []


def test_client_secret_is_reset(either_login: Harness) -> None:
    harness = either_login
    before = harness.run(MODULE, {"organization": "acme", "name": "automation"})
    arguments = {"organization": "acme", "name": "automation", "reset_client_secret": True}
    runs = harness.four_runs(MODULE, arguments, idempotent=False)
    assert runs.first.token != before.token
    assert runs.second.token != runs.first.token
    (application,) = named(harness, "automation")
    assert fingerprint(application.client_secret) == runs.second.token
    assert runs.first.diff["before"]["client_secret"] == "present"
    assert runs.first.diff["after"]["client_secret"] == "new"
    reset = f"POST {PATH}/{harness.accounts.automation}/resetclientsecret"
    assert runs.requests[1] == [*harness.sign_in, LIST, CONFIG, reset]


def test_reset_and_change_at_once(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "name": "automation", "description": "x", "reset_client_secret": True}
    runs = harness.four_runs(MODULE, arguments, idempotent=False)
    (application,) = named(harness, "automation")
    assert application.description == "x"
    assert runs.first["description"] == "x"
    assert fingerprint(application.client_secret) == runs.second.token


def test_new_application_needs_no_reset(either_login: Harness) -> None:
    harness = either_login
    result = harness.run(MODULE, {"organization": "acme", "name": "new", "reset_client_secret": True})
    assert [request for request in harness.writes if "signin" not in request] == [f"POST {PATH}"]
    assert result.token == fingerprint(named(harness, "new")[0].client_secret)


def test_tokens_survive_a_change_and_a_reset(either_login: Harness) -> None:
    harness = either_login
    harness.accounts.alice.token(harness.accounts.automation)
    tokens = set(harness.valid_tokens(harness.accounts.automation))
    harness.run(MODULE, {"organization": "acme", "name": "automation", "description": "x", "reset_client_secret": True})
    assert set(harness.valid_tokens(harness.accounts.automation)) == tokens


def test_application_is_deleted(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "name": "automation", "state": "absent"}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.first.changed
    assert harness.accounts.automation not in harness.quay.state.applications
    assert (runs.first["client_id"], runs.first["token"]) == (harness.accounts.automation, None)
    assert (runs.second["client_id"], runs.second["token"]) == (None, None)
    assert runs.first.diff["before"]["name"] == "automation"
    assert runs.first.diff["after"] == {}
    assert f"DELETE {PATH}/{harness.accounts.automation}" in runs.requests[1]
    assert runs.requests[3] == [*harness.sign_in, LIST]


def test_application_is_deleted_by_client_id(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "client_id": harness.accounts.automation, "state": "absent"}
    harness.four_runs(MODULE, arguments)
    assert named(harness, "automation") == []


def test_other_applications_are_unchanged(either_login: Harness) -> None:
    harness = either_login
    others = {app.client_id: app for app in harness.quay.state.applications.values() if app.name != "automation"}
    harness.run(MODULE, {"organization": "acme", "name": "automation", "description": "x"})
    harness.run(MODULE, {"organization": "acme", "name": "automation", "state": "absent"})
    assert harness.quay.state.applications == others


@pytest.mark.parametrize("state", ["present", "absent"])
def test_ambiguous_name_is_refused(either_login: Harness, state: str) -> None:
    harness = either_login
    harness.accounts.alice.browser().call("POST", PATH, {"name": "automation"})
    ids = sorted(app.client_id for app in named(harness, "automation"))
    result = harness.run(MODULE, {"organization": "acme", "name": "automation", "description": "x", "state": state})
    assert result.failed
    assert f"has 2 applications named 'automation' (client ids {', '.join(ids)})" in result.message
    assert harness.writes == []


@pytest.mark.parametrize("name", [None, "platform"], ids=["without a name", "with a name"])
def test_unknown_client_id_creates_no_application(either_login: Harness, name: str | None) -> None:
    harness = either_login
    result = harness.run(MODULE, {"organization": "acme", "client_id": "NO" * 10, "name": name})
    assert result.failed
    assert f"the organization acme has no application {'NO' * 10}" in result.message
    assert harness.writes == []


def test_client_id_of_another_organization_is_unknown_here(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "client_id": harness.accounts.rival_console, "description": "x"}
    assert harness.run(MODULE, arguments).failed
    assert harness.run(MODULE, {**arguments, "state": "absent"}).changed is False
    assert named(harness, "console", "rival")[0].description == ""


@pytest.mark.parametrize("name", ["", " ", "__quay_bootstrap_app"])
def test_invalid_name_is_refused(harness: Harness, name: str) -> None:
    result = harness.run(MODULE, {"organization": "acme", "name": name})
    assert result.failed
    assert harness.requests == []


# --- the file of the client secret


def test_client_secret_of_a_new_application_is_stored_and_not_returned(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(MODULE, {"organization": "acme", "name": "new", "token_path": str(harness.token_path)})
    (made,) = named(harness, "new")
    assert runs.requests[2:] == [[*harness.sign_in, LIST]] * 2
    assert runs.first["token"] is None
    assert runs.first["fingerprint"] == harness.stored_fingerprint() == fingerprint(made.client_secret)
    assert runs.first["delivered"] == [str(harness.token_path)]
    assert (runs.first.diff["before"], runs.first.diff["after"]["deliver"]) == (
        harness.deliver_diff("absent"),
        {str(harness.token_path): "new"},
    )
    assert harness.token_record()["username"] == made.client_id
    assert harness.is_now(harness.token_record()["created_at"])


def test_present_client_secret_is_stored_without_a_reset(either_login: Harness) -> None:
    harness = either_login
    secret = fingerprint(named(harness, "automation")[0].client_secret)
    arguments = {"organization": "acme", "name": "automation", "token_path": str(harness.token_path)}
    runs = harness.four_runs(MODULE, arguments)
    assert runs.requests == [[*harness.sign_in, LIST]] * 4
    assert harness.stored_fingerprint() == secret
    assert (runs.first["token"], runs.first["delivered"]) == (None, [str(harness.token_path)])
    assert runs.first.diff["before"]["deliver"] == {str(harness.token_path): "absent"}
    assert runs.first.diff["after"]["deliver"] == {str(harness.token_path): "current"}


def test_reset_client_secret_is_stored(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "name": "automation", "token_path": str(harness.token_path)}
    runs = harness.four_runs(MODULE, {**arguments, "reset_client_secret": True}, idempotent=False)
    assert harness.stored_fingerprint() == fingerprint(named(harness, "automation")[0].client_secret)
    assert (runs.second["token"], runs.second["fingerprint"]) == (None, harness.stored_fingerprint())
    assert not harness.run(MODULE, arguments).changed


def test_file_that_cannot_be_written_prevents_a_reset(harness: Harness) -> None:
    arguments = {"organization": "acme", "name": "automation", "reset_client_secret": True}
    words = "nowhere does not exist"
    assert_refused(harness, MODULE, {**arguments, "token_path": f"{harness.folder}/nowhere/token"}, words)
    assert harness.requests == []


def test_deleted_application_leaves_no_file(either_login: Harness) -> None:
    harness = either_login
    arguments = {"organization": "acme", "name": "new", "token_path": str(harness.token_path)}
    harness.run(MODULE, arguments)
    runs = harness.four_runs(MODULE, {**arguments, "state": "absent"})
    assert runs.first["removed"] == [str(harness.token_path)]
    assert not harness.token_path.exists()
    assert named(harness, "new") == []
