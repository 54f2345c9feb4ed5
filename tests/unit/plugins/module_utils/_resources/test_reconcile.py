# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play declares: compared once, written once, believed when it is read back."""

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


class FakeCall:
    def __init__(self, check_mode: bool, read_only: bool) -> None:
        self.check_mode = check_mode
        self.server = FakeServer(read_only)


class Team:
    """A keeper over a plain mapping, that can do nothing, or fail before or after the deed."""

    what = "the team acme/dev"
    path = "organization/acme/team/dev"

    def __init__(self, has: Mapping[str, Any] | None, failure: QuayError | None = None, acts: bool = True) -> None:
        self.has = has
        self.failure = failure
        self.acts = acts
        self.writes: list[tuple[str, Mapping[str, Any]]] = []

    def read(self) -> Mapping[str, Any] | None:
        return self.has

    def create(self, wanted: Mapping[str, Any]) -> None:
        self._write("create", wanted, wanted)

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        self._write("update", changes, {**present, **changes})

    def delete(self) -> None:
        self._write("delete", {}, None)

    def _write(self, verb: str, said: Mapping[str, Any], has: Mapping[str, Any] | None) -> None:
        self.writes.append((verb, said))
        if self.acts:
            self.has = has
        if self.failure:
            raise self.failure


def kept(
    team: Team, state: str = PRESENT, *, check_mode: bool = False, read_only: bool = False, **declared: Any
) -> Comparison:
    return reconcile(cast(ModuleContext, FakeCall(check_mode, read_only)), team, state, declared, DEFAULTS)


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
    "only what differs is sent": (
        {"description": "old", "role": "member"},
        PRESENT,
        {"description": "old", "role": "admin"},
        [("update", {"role": "admin"})],
        {"description": "old", "role": "admin"},
    ),
    "what is not declared keeps its value": (
        {"description": "old", "role": "admin"},
        PRESENT,
        {"role": "admin"},
        [],
        {"description": "old", "role": "admin"},
    ),
    "deleted": ({"role": "admin"}, ABSENT, {}, [("delete", {})], None),
    "absent already": (None, ABSENT, {}, [], None),
}


@pytest.mark.parametrize(("has", "state", "declared", "writes", "after"), CASES.values(), ids=list(CASES))
def test_check_mode_foretells_the_one_write(
    has: Mapping[str, Any] | None,
    state: str,
    declared: dict[str, Any],
    writes: list[Any],
    after: Mapping[str, Any] | None,
) -> None:
    team = Team(has)
    foretold = kept(team, state, check_mode=True, **declared)
    assert team.writes == []
    assert kept(team, state, **declared) == foretold == Comparison(has, after)
    assert (team.writes, team.has) == (writes, after)
    assert foretold.changed is bool(writes)
    assert foretold.created is (has is None and after is not None)
    again = kept(team, state, **declared)
    assert (again.changed, team.writes) == (False, writes)


def test_the_outcome_shows_both_sides() -> None:
    outcome = Comparison(None, {"role": "admin"}).result({"name": "dev"})
    assert (outcome.changed, outcome.values) == (True, {"name": "dev"})
    assert (outcome.before, outcome.after) == ({}, {"role": "admin"})


def test_an_unclear_answer_is_looked_after_and_not_repeated() -> None:
    team = Team(None, failure(500))
    assert kept(team, role="admin").created
    assert len(team.writes) == 1


def test_an_unclear_answer_to_nothing_done_fails() -> None:
    team = Team(None, failure(500), acts=False)
    with pytest.raises(ApiError, match="Quay answered 500"):
        kept(team, role="admin")
    assert len(team.writes) == 1


def test_a_clear_refusal_fails_at_once() -> None:
    with pytest.raises(ApiError, match="Quay answered 400"):
        kept(Team(None, failure(400)), role="admin")


@pytest.mark.parametrize(
    ("has", "state", "named"),
    [(None, PRESENT, "absent"), ({"role": "member"}, PRESENT, "role"), ({}, ABSENT, "present")],
)
def test_success_without_effect_is_not_believed(has: Mapping[str, Any] | None, state: str, named: str) -> None:
    declared: dict[str, Any] = {} if state == ABSENT else {"role": "admin"}
    with pytest.raises(Unconfirmed, match=rf"the team acme/dev is not as written \({named}\)"):
        kept(Team(has, acts=False), state, **declared)


def test_a_read_only_registry_is_recognised_before_the_write() -> None:
    team = Team(None)
    for check_mode in (True, False):
        with pytest.raises(ReadOnlyRegistry):
            kept(team, check_mode=check_mode, read_only=True, role="admin")
    assert team.writes == []
    assert not kept(Team({"role": "admin"}), read_only=True, role="admin").changed
