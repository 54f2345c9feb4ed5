# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests of the names of leases, and of what the metadata of a robot say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.lease import (
    LeaseNames,
    lease_of,
    new_lease,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot, RobotName

ISSUED = datetime(2026, 1, 31, 0, 0, 0, tzinfo=timezone.utc)
EXPIRES = ISSUED + timedelta(hours=12)
REST = "20260131t120000z-k7m2xq9wd4hb"
NAME = RobotName("acme", f"ci-{REST}")


@pytest.mark.parametrize(
    ("prefix", "start"),
    [
        ("acme+ci", "acme+ci-"),
        ("acme+ci-", "acme+ci-"),
        ("acme+ci_", "acme+ci_"),
        ("acme+a.b", "acme+a.b-"),
        ("c", "c-"),
    ],
)
def test_new_name(prefix: str, start: str) -> None:
    names = LeaseNames.parse(prefix)
    name = names.new(EXPIRES)
    assert str(name).startswith(f"{start}20260131t120000z-")
    # It is a name that Quay accepts.
    assert RobotName.parse(str(name)) == name
    assert names.of(str(name)) == name
    assert names.expiry(name.short) == EXPIRES


def test_new_names_differ() -> None:
    names = LeaseNames.parse("acme+ci")
    assert len({names.new(EXPIRES) for _attempt in range(100)}) == 100


@pytest.mark.parametrize(
    "text", ["acme+", "", "+ci", "acme+Ci", "acme+ci--", "acme+-ci", "a/b+ci", "acme+" + "x" * 221]
)
def test_invalid_prefix(text: str) -> None:
    with pytest.raises(BadInput, match="name_prefix: .* is not valid"):
        LeaseNames.parse(text)


def test_longest_prefix() -> None:
    name = LeaseNames.parse("acme+" + "x" * 220).new(EXPIRES)
    assert len(str(name)) == 255


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "acme+ci",
        f"rival+ci-{REST}",
        f"acme+ci-nightly-{REST}",
        f"acme+c-{REST}",
        f"acme+ci_{REST}",
        f"acme+ci-{REST}2",
        f"acme+ci-{REST[:-1]}",
        "acme+ci-20260131t120000z-k7m2xq9wd4h1",  # a digit that is not used
        "acme+ci-20261331t120000z-k7m2xq9wd4hb",
        "acme+ci-20260131t250000z-k7m2xq9wd4hb",
    ],
)
def test_names_of_others(name: str | None) -> None:
    assert LeaseNames.parse("acme+ci").of(name) is None


def test_name_in_the_own_namespace() -> None:
    """The prefix may not say whose namespace it is."""
    assert LeaseNames.parse("ci").of(f"alice+ci-{REST}") == RobotName(None, f"ci-{REST}")


def robot(metadata: Any, **changes: Any) -> Robot:
    made = Robot(str(NAME), ISSUED, None, "", "secret", metadata)
    return replace(made, **changes)


def test_lease_is_read_as_it_was_written() -> None:
    lease = new_lease(NAME, ISSUED, EXPIRES, "build farm")
    assert lease.metadata() == {
        "tokensmith.quay": {
            "kind": "lease",
            "name": NAME.short,
            "id": lease.lease_id,
            "issued_at": "2026-01-31T00:00:00Z",
            "expires_at": "2026-01-31T12:00:00Z",
            "owner": "build farm",
        }
    }
    state = lease_of(robot(lease.metadata()))
    assert (state.lease, state.problem, state.is_ours) == (lease, "", True)


def test_each_lease_has_an_id_of_its_own() -> None:
    assert new_lease(NAME, ISSUED, EXPIRES, "").lease_id != new_lease(NAME, ISSUED, EXPIRES, "").lease_id


@pytest.mark.parametrize("metadata", [None, {}, {"team": "blue"}, [], "text"])
def test_no_lease(metadata: Any) -> None:
    state = lease_of(robot(metadata))
    assert not state.is_ours
    assert state.problem.startswith("was not issued as a lease")


@pytest.mark.parametrize(
    "changes",
    [{"kind": "other"}, {"name": None}, {"id": 1}, {"owner": None}, {"issued_at": "x"}, {"expires_at": 0}],
)
def test_unreadable_lease(changes: dict[str, Any]) -> None:
    marker = {**new_lease(NAME, ISSUED, EXPIRES, "").metadata()["tokensmith.quay"], **changes}
    assert lease_of(robot({"tokensmith.quay": marker})).problem == "has metadata of a lease that cannot be read"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "acme+other"}, "has the metadata of another robot"),
        ({"created_at": ISSUED + timedelta(minutes=10, seconds=1)}, "was created at 2026-01-31T00:10:01Z, but"),
        ({"created_at": ISSUED - timedelta(minutes=10, seconds=1)}, "was created at 2026-01-30T23:49:59Z, but"),
        ({"created_at": None}, "was created at an unknown time, but its lease"),
    ],
)
def test_contradictions_of_the_robot(changes: dict[str, Any], words: str) -> None:
    state = lease_of(robot(new_lease(NAME, ISSUED, EXPIRES, "").metadata(), **changes))
    assert not state.is_ours
    assert state.problem.startswith(words)


@pytest.mark.parametrize(
    ("issued_at", "expires_at"), [(ISSUED, EXPIRES + timedelta(seconds=1)), (EXPIRES, EXPIRES), (ISSUED, ISSUED)]
)
def test_expiry_that_the_name_does_not_have(issued_at: datetime, expires_at: datetime) -> None:
    lease = new_lease(NAME, issued_at, expires_at, "")
    assert "which its name does not" in lease_of(robot(lease.metadata(), created_at=issued_at)).problem


@pytest.mark.parametrize("minutes", [-10, 10])
def test_tolerance_for_the_clocks_of_servers(minutes: int) -> None:
    created_at = ISSUED + timedelta(minutes=minutes)
    assert lease_of(robot(new_lease(NAME, ISSUED, EXPIRES, "").metadata(), created_at=created_at)).is_ours
