# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconciliation of an object: one comparison, at most one write, and a read that verifies it."""

from __future__ import annotations

from typing import Any, Mapping, cast

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import QuayError, Unconfirmed
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, ReadOnlyRegistry
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._resources.reconcile import (
    ABSENT,
    PRESENT,
    Comparison,
    reconcile,
)

DEFAULTS = {"description": "", "role": "member"}


class FakeServer:
    def __init__(self, read_only: bool) -> None:
        self._read_only = read_only

    def refuse_if_read_only(self, method: str, path: str) -> None:
        if self._read_only:
            raise ReadOnlyRegistry(503, method, path, "")


class FakeContext:
    def __init__(self, check_mode: bool, read_only: bool) -> None:
        self.check_mode = check_mode
        self.server = FakeServer(read_only)


class Team:
    """A resource in memory. Its writes can fail, with or without effect."""

    what = "the team acme/dev"
    path = "organization/acme/team/dev"

    def __init__(
        self, existing: Mapping[str, Any] | None, failure: QuayError | None = None, applies: bool = True
    ) -> None:
        self.existing = existing
        self.failure = failure
        self.applies = applies
        self.writes: list[tuple[str, Mapping[str, Any]]] = []

    def read(self) -> Mapping[str, Any] | None:
        return self.existing

    def create(self, desired: Mapping[str, Any]) -> None:
        self._write("create", desired, desired)

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._write("update", changes, {**present, **changes})

    def delete(self) -> None:
        self._write("delete", {}, None)

    def _write(self, verb: str, fields: Mapping[str, Any], existing: Mapping[str, Any] | None) -> None:
        self.writes.append((verb, fields))
        if self.applies:
            self.existing = existing
        if self.failure:
            raise self.failure


def reconciled(
    team: Team, state: str = PRESENT, *, check_mode: bool = False, read_only: bool = False, **declared: Any
) -> Comparison:
    return reconcile(cast(ModuleContext, FakeContext(check_mode, read_only)), team, state, declared, DEFAULTS)


def failure(status: int) -> ApiError:
    return ApiError(status, "PUT", "organization/acme/team/dev", "")


CASES: dict[str, tuple[Mapping[str, Any] | None, str, dict[str, Any], list[Any], Mapping[str, Any] | None]] = {
    "created with defaults": (
        None,
        PRESENT,
        {"role": "admin"},
        [("create", {"description": "", "role": "admin"})],
        {"description": "", "role": "admin"},
    ),
    "only changed fields are sent": (
        {"description": "old", "role": "member"},
        PRESENT,
        {"description": "old", "role": "admin"},
        [("update", {"role": "admin"})],
        {"description": "old", "role": "admin"},
    ),
    "undeclared fields keep their values": (
        {"description": "old", "role": "admin"},
        PRESENT,
        {"role": "admin"},
        [],
        {"description": "old", "role": "admin"},
    ),
    "deleted": ({"role": "admin"}, ABSENT, {}, [("delete", {})], None),
    "already absent": (None, ABSENT, {}, [], None),
}


@pytest.mark.parametrize(("existing", "state", "declared", "writes", "after"), CASES.values(), ids=list(CASES))
def test_check_mode_predicts_the_write(
    existing: Mapping[str, Any] | None,
    state: str,
    declared: dict[str, Any],
    writes: list[Any],
    after: Mapping[str, Any] | None,
) -> None:
    team = Team(existing)
    predicted = reconciled(team, state, check_mode=True, **declared)
    assert team.writes == []
    assert reconciled(team, state, **declared) == predicted == Comparison(existing, after)
    assert (team.writes, team.existing) == (writes, after)
    assert predicted.changed is bool(writes)
    assert predicted.created is (existing is None and after is not None)
    again = reconciled(team, state, **declared)
    assert (again.changed, team.writes) == (False, writes)


def test_result_of_a_comparison() -> None:
    result = Comparison(None, {"role": "admin"}).result({"name": "dev"})
    assert (result.changed, result.values) == (True, {"name": "dev"})
    assert (result.before, result.after) == ({}, {"role": "admin"})


def test_write_with_an_unknown_outcome_is_verified_and_not_repeated() -> None:
    team = Team(None, failure(500))
    assert reconciled(team, role="admin").created
    assert len(team.writes) == 1


def test_failed_write_without_effect_raises_its_error() -> None:
    team = Team(None, failure(500), applies=False)
    with pytest.raises(ApiError, match="Quay answered 500"):
        reconciled(team, role="admin")
    assert len(team.writes) == 1


def test_refused_write_raises_its_error() -> None:
    with pytest.raises(ApiError, match="Quay answered 400"):
        reconciled(Team(None, failure(400)), role="admin")


@pytest.mark.parametrize(
    ("existing", "state", "difference"),
    [(None, PRESENT, "absent"), ({"role": "member"}, PRESENT, "role"), ({}, ABSENT, "present")],
)
def test_success_without_effect_is_an_error(existing: Mapping[str, Any] | None, state: str, difference: str) -> None:
    declared: dict[str, Any] = {} if state == ABSENT else {"role": "admin"}
    with pytest.raises(Unconfirmed, match=rf"the team acme/dev is not as written \({difference}\)"):
        reconciled(Team(existing, applies=False), state, **declared)


def test_read_only_registry_is_found_before_the_write() -> None:
    team = Team(None)
    for check_mode in (True, False):
        with pytest.raises(ReadOnlyRegistry):
            reconciled(team, check_mode=check_mode, read_only=True, role="admin")
    assert team.writes == []
    assert not reconciled(Team({"role": "admin"}), read_only=True, role="admin").changed
