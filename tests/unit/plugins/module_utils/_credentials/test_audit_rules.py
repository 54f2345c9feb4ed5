# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of an audit at their limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audit_rules import (
    POLICY_OPTIONS,
    RULE_NAMES,
    AuditPolicy,
    findings_of,
    needed_details,
    policy_from_options,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.audited import (
    API,
    APP,
    CLIENT_SECRET,
    ROBOT,
    Audited,
    RepositoryRole,
    TeamRole,
)

NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)
DEFAULTS = {name: option["default"] for name, option in POLICY_OPTIONS.items()}


def policy(**options: Any) -> AuditPolicy:
    return policy_from_options({**DEFAULTS, **options})


def credential(kind: str = ROBOT, age: int | None = 1, **fields: Any) -> Audited:
    created = None if age is None else NOW - age * DAY
    used: dict[str, Any] = {"last_accessed": NOW - timedelta(hours=1), "created_at": created, "age_source": "quay"}
    return Audited(kind, "acme+ci", "acme", "acme", **{**used, **fields})


def broken(item: Audited, **options: Any) -> dict[str, str]:
    found = findings_of(item, RULE_NAMES, policy(**options), NOW)
    return {finding["rule"]: finding["message"] for finding in found}


@pytest.mark.parametrize(("age", "rules"), [(89, []), (90, []), (91, ["too_old"]), (None, [])])
def test_age(age: int | None, rules: Any) -> None:
    assert list(broken(credential(age=age))) == rules


def test_age_of_an_account() -> None:
    assert broken(credential(age=91))["too_old"] == "91 days old, limit 90 days"
    account = broken(credential(age=91, age_source="creation"))["too_old"]
    assert account == "up to 91 days old, limit 90 days (Quay shows the age of the robot, not of its token)"


@pytest.mark.parametrize(("age", "rules"), [(30, []), (31, ["never_used"])])
def test_never_used(age: int, rules: Any) -> None:
    assert list(broken(credential(age=age, last_accessed=None))) == rules
    assert broken(credential(age=age, last_accessed=None, use_known=False)) == {}


@pytest.mark.parametrize(("days", "rules"), [(90, []), (91, ["unused"])])
def test_unused(days: int, rules: Any) -> None:
    assert list(broken(credential(age=1, last_accessed=NOW - days * DAY))) == rules
    assert broken(credential(last_accessed=NOW - days * DAY, use_known=False)) == {}


@pytest.mark.parametrize(
    ("kind", "lifetime", "rules"),
    [
        (API, timedelta(seconds=315576000), ["no_expiry"]),
        (API, 3600 * DAY, ["long_lifetime"]),
        (API, 366 * DAY, ["long_lifetime"]),
        (API, 365 * DAY, []),
        (APP, 366 * DAY, ["long_lifetime"]),
        (ROBOT, None, []),
        (CLIENT_SECRET, None, []),
        (APP, None, ["no_expiry"]),
        # Of the login's own tokens, Quay shows no dates.
        (API, None, []),
    ],
)
def test_lifetime(kind: str, lifetime: timedelta | None, rules: Any) -> None:
    expires = None if lifetime is None else NOW - DAY + lifetime
    assert list(broken(credential(kind, expires_at=expires))) == rules


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (14 * DAY, None),
        (13 * DAY, "expires in 13 days"),
        (0 * DAY, "expired 0 seconds ago"),
        (-2 * DAY, "expired 2 days ago"),
    ],
)
def test_expiring(left: timedelta, message: str | None) -> None:
    item = credential(API, expires_at=NOW + left)
    assert broken(item).get("expiring") == message
    lease = replace(item, is_lease=True)
    assert broken(lease).get("expiring") == (message if left <= timedelta(0) else None)


def test_admin_robot() -> None:
    teams = (TeamRole("owners", "admin"), TeamRole("readers", "member"))
    repositories = (
        RepositoryRole("acme/a", "admin"),
        RepositoryRole("acme/b", "write"),
        RepositoryRole("acme/c", None),
    )
    item = credential(teams=teams, repositories=repositories)
    assert broken(item) == {"admin_robot": "administers the organization acme (team owners), repository acme/a"}
    assert broken(replace(item, teams=(), repositories=repositories[1:])) == {}


def test_unknown_is_no_finding() -> None:
    assert broken(credential(teams=None, repositories=None, federation=None, mirrors=None, declared=None)) == {}
    assert broken(credential(owner_enabled=None)) == {}


def test_federation_and_mirrors() -> None:
    assert list(broken(credential(federation=()))) == ["no_federation"]
    assert list(broken(credential(federation=(), mirrors=("acme/app",)))) == ["hard_to_replace"]
    assert broken(credential(API, federation=())) == {}


@pytest.mark.parametrize("option", ["max_age", "unused_for", "never_used_after", "max_lifetime", "expires_within"])
def test_zero_turns_a_rule_off(option: str) -> None:
    item = credential(API, age=400, last_accessed=None, expires_at=NOW + DAY)
    unused = replace(item, last_accessed=NOW - 200 * DAY)
    rule = {
        "max_age": "too_old",
        "unused_for": "unused",
        "never_used_after": "never_used",
        "max_lifetime": "long_lifetime",
        "expires_within": "expiring",
    }[option]
    one = unused if option == "unused_for" else item
    assert rule in broken(one)
    assert rule not in broken(one, **{option: "0"})


def test_bad_duration() -> None:
    with pytest.raises(BadInput, match="unused_for needs a unit"):
        policy(unused_for="30")


def test_needed_details() -> None:
    assert needed_details(RULE_NAMES) == {"mirrors", "federation"}
    assert needed_details(["too_old"]) == set()
