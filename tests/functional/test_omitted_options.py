# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that a task does not give keep their values in Quay. Every field differs from the default of a new object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from contract import collection
from functional.harness import Harness
from standin.state import Application, Mirror, Organization, Repository, Robot, Team, TeamSync, User

DEVS = "cn=devs,ou=groups"
FEDERATION = {"issuer": "https://token.example.com", "subject": "project/acme"}


@dataclass(frozen=True)
class Case:
    """One kind of object: how it is prepared and found, the options that identify it, and one change of it."""

    prepare: Callable[[Harness], Any]
    identity: dict[str, Any]
    # An unrelated option, and the fields of the stand-in's record that it changes.
    change: dict[str, Any]
    changed_fields: set[str]


def repository(harness: Harness) -> Repository:
    found = harness.quay.state.repositories["acme", "app"]
    found.visibility, found.description, found.state = "public", "An application", "READ_ONLY"
    found.user_roles = {"acme+ci": "write", "carol": "admin"}
    found.team_roles = {"readers": "read"}
    return found


def mirrored(harness: Harness) -> Repository:
    found = harness.quay.state.repositories["acme", "app"]
    found.state = "MIRROR"
    found.mirror = Mirror(
        external_reference="registry.example.com/library/base",
        robot="acme+ci",
        tags=["3*"],
        sync_interval=7200,
        sync_start_date=datetime(2031, 1, 31, 2, tzinfo=UTC),
        skopeo_timeout=900,
        username="puller",
        password="a-password-elsewhere",
        registry={"verify_tls": False, "unsigned_images": True, "proxy": {"http_proxy": "http://proxy.example.com"}},
        architectures=["arm64"],
        enabled=False,
        status="SUCCESS",
    )
    return found


def without_mirror_mode(harness: Harness) -> Repository:
    found = mirrored(harness)
    found.state = "NORMAL"
    return found


def application(harness: Harness) -> Application:
    found = harness.quay.state.applications[harness.accounts.automation]
    found.description, found.avatar_email = "For the platform team", "platform@example.com"
    found.application_uri, found.redirect_uri = "https://wiki.example.com", "https://ci.example.com/callback"
    return found


def organization(harness: Harness) -> Organization:
    found = harness.quay.state.organizations["acme"]
    found.tag_expiration_s, found.invoice_email, found.invoice_email_address = 86400, True, "pay@example.com"
    return found


def team(harness: Harness) -> Team:
    found = harness.quay.state.organizations["acme"].teams["readers"]
    found.role, found.description, found.members = "creator", "Builds images", ["carol", "acme+ci"]
    return found


def synced_team(harness: Harness) -> Team:
    found = team(harness)
    found.sync = TeamSync("ldap", {"group_dn": DEVS}, harness.quay.clock.now())
    return found


def user(harness: Harness) -> User:
    found = harness.quay.state.users["carol"]
    found.email, found.enabled, found.verified = "carol.other@example.com", False, False
    return found


def robot(harness: Harness) -> Robot:
    found = harness.robot()
    found.description, found.metadata, found.federation = "builds", {"owner": "platform"}, [FEDERATION]
    return found


READERS = {"organization": "acme", "name": "readers"}
CASES: dict[str, tuple[str, Case]] = {
    "repository": (
        "quay_repository",
        Case(repository, {"repository": "acme/app"}, {"description": "Another"}, {"description"}),
    ),
    "permissions of a repository": (
        "quay_repository",
        Case(
            repository,
            {"repository": "acme/app"},
            {"permissions": [{"kind": "team", "name": "readers", "role": "none"}]},
            {"team_roles"},
        ),
    ),
    "mirror": (
        "quay_repository_mirror",
        Case(mirrored, {"repository": "acme/app"}, {"sync": "now"}, {"mirror.status"}),
    ),
    "tags of a mirror": (
        "quay_repository_mirror",
        Case(mirrored, {"repository": "acme/app"}, {"tags": ["v*"]}, {"mirror.tags"}),
    ),
    "mirror that was switched off": (
        "quay_repository_mirror",
        Case(without_mirror_mode, {"repository": "acme/app"}, {"sync_interval": "1h"}, {"mirror.sync_interval"}),
    ),
    "application": (
        "quay_application",
        Case(
            application,
            {"organization": "acme", "name": "automation"},
            {"description": "Another"},
            {"description"},
        ),
    ),
    "organization": (
        "quay_organization",
        Case(organization, {"name": "acme"}, {"email": "billing@example.com"}, {"email"}),
    ),
    "team": ("quay_team", Case(team, READERS, {"description": "Another"}, {"description"})),
    "members of a team": ("quay_team", Case(team, READERS, {"members": ["bob"]}, {"members"})),
    "synchronized team": (
        "quay_team_sync",
        Case(synced_team, {"organization": "acme", "team": "readers", "group_dn": DEVS}, {}, set()),
    ),
    "user": ("quay_user", Case(user, {"name": "carol"}, {"email": "carol@example.net"}, {"email"})),
    "robot": (
        "quay_robot_token",
        Case(robot, {"name": "acme+ci"}, {"federation": []}, {"federation"}),
    ),
}
every_case = pytest.mark.parametrize(("module", "case"), CASES.values(), ids=CASES)


@pytest.fixture(autouse=True)
def enable_features(harness: Harness) -> None:
    harness.quay.config.update(FEATURE_REPO_MIRROR=True, FEATURE_SPARSE_INDEX=True, FEATURE_TEAM_SYNCING=True)


def log_in_for(harness: Harness, module: str) -> None:
    if module in ("quay_user", "quay_team_sync"):
        harness.login = harness.accounts.root.by_password
    if module == "quay_team_sync":
        harness.quay.config.update(AUTHENTICATION_TYPE="LDAP", STANDIN_GROUPS={DEVS: ["carol"]})


@every_case
def test_nothing_changes_if_only_the_object_is_named(harness: Harness, module: str, case: Case) -> None:
    log_in_for(harness, module)
    found = case.prepare(harness)
    before = flatten(found)
    for check in (True, False):
        result = harness.run(module, case.identity, check=check)
        assert not result.failed, result.message
        assert (result.changed, result.diff) == (False, None)
        assert harness.writes == []
    assert flatten(found) == before


@every_case
def test_only_the_given_option_changes(harness: Harness, module: str, case: Case) -> None:
    log_in_for(harness, module)
    found = case.prepare(harness)
    before = flatten(found)
    runs = harness.four_runs(module, {**case.identity, **case.change})
    assert runs.first.changed == bool(case.change)
    after = flatten(found)
    assert {name for name in after if after[name] != before.get(name)} == case.changed_fields


def flatten(record: Any) -> dict[str, Any]:
    """Return the fields of a record of the stand-in. The fields of a repository's mirror are on the same level."""
    fields = asdict(record)
    mirror = fields.pop("mirror", None) or {}
    ignored = ("last_accessed", "password_digest")
    merged = {**fields, **{f"mirror.{name}": value for name, value in mirror.items()}}
    return {name: value for name, value in merged.items() if name not in ignored}


def test_every_module_that_manages_an_object_is_covered() -> None:
    """Token modules without a fixed object, readers, file modules and those of the role have no object to keep."""
    others = {"quay_api", "quay_api_token", "quay_federated_token", "quay_referrers_token", "quay_repository_build"}
    others |= {"quay_app_token", "quay_assigned_token", "quay_client_secret"}
    others |= {"quay_robot_lease", "quay_robot_lease_sweep"}
    others |= {"quay_container_auth", "quay_first_user", "quay_token_file"}
    others |= {"quay_rotation", "quay_host_delivery", "quay_host_inspection"}
    writers = {module for module in collection.MODULES if not module.endswith("_info")}
    assert {module for module, _case in CASES.values()} == writers - others
