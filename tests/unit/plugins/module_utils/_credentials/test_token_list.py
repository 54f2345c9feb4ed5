# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of credentials of a token module, with a kind of token that does nothing by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, BadLogin, StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.token_list import (
    Entry,
    TokenKind,
    ensure_one_or_many,
    same_claims,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext, Result
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

LOGIN = "LOGIN" * 8


class Kind:
    """Records what is called. ``outcomes``: what happens to a credential, by its name."""

    def __init__(self, outcomes: dict[str, Any] | None = None) -> None:
        self.ensured: list[dict[str, Any]] = []
        self.looked: list[list[str]] = []
        self._outcomes = outcomes or {}

    def ensure(self, context: ModuleContext) -> Result:
        name = context.params["name"]
        self.ensured.append(context.params)
        outcome = self._outcomes.get(name)
        if isinstance(outcome, Exception):
            raise outcome
        changed = outcome == "changed"
        return Result(changed, {"token": f"secret of {name}"}, {"is": "old"}, {"is": "new" if changed else "old"})

    def check(self, context: ModuleContext) -> None:
        if context.params["name"] == "wrong":
            raise BadInput("name: it is wrong")

    def conflicts(self, _context: ModuleContext, entries: Any) -> Any:
        return same_claims(entries, lambda entry: [f"the name {entry.name}"])

    def look(self, _context: ModuleContext, entries: Any) -> None:
        self.looked.append([entry.name for entry in entries])

    def token_kind(self, **options: Any) -> TokenKind:
        return TokenKind(self.ensure, self.check, self.conflicts, **options)


def entry(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "deliver": None, "token_path": None, "current_token": None, **options}


def context_of(*entries: dict[str, Any], token: str = "login", parallel: int = 1) -> ModuleContext:
    listed = {"credentials": list(entries), "parallel": parallel, "quay_host": ORIGIN, "rotate": "of the task"}
    return module_context(FakeQuay(), auth=BearerAuth(token), params=listed)


def test_one_credential_is_passed_on() -> None:
    kind = Kind()
    context = module_context(FakeQuay(), params={"name": "a", "credentials": None, "parallel": 0})
    assert ensure_one_or_many(kind.token_kind(), context).values == {"token": "secret of a"}


def test_results_in_the_order_of_the_entries() -> None:
    kind = Kind({"b": "changed"})
    result = ensure_one_or_many(kind.token_kind(), context_of(entry("b"), entry("a"), parallel=2))
    rows = [{"token": f"secret of {name}", "changed": name == "b"} for name in "ba"]
    assert (result.changed, result.values, result.failure) == (True, {"results": rows}, "")
    headers = {"before_header": "b", "after_header": "b"}
    assert result.diffs == [{"before": {"is": "old"}, "after": {"is": "new"}, **headers}]


def test_entry_has_the_options_of_the_run_and_its_own() -> None:
    kind = Kind()
    ensure_one_or_many(kind.token_kind(), context_of(entry("a", rotate="of the entry")))
    assert kind.ensured == [{**entry("a"), "quay_host": ORIGIN, "rotate": "of the entry"}]


def test_failures_are_returned_with_the_other_results() -> None:
    kind = Kind({"b": StoreError("it is full"), "c": ValueError("SECRET"), "d": "changed"})
    result = ensure_one_or_many(kind.token_kind(), context_of(*map(entry, "abcd")))
    rows = result.values["results"]
    assert [row.get("token") for row in rows] == ["secret of a", None, None, "secret of d"]
    assert rows[1] == {"name": "b", "changed": False, "failed": True, "msg": "it is full"}
    assert result.changed
    assert result.failure.startswith("2 of 4 credentials failed, and results has all of them. credential 2 (b): it is")
    assert "credential 3 (c): Internal error: ValueError" in result.failure
    assert "SECRET" not in str(result.failure) + str(rows[2])


def test_refused_login_stops_the_others() -> None:
    kind = Kind({"b": BadLogin("no such user")})
    result = ensure_one_or_many(kind.token_kind(), context_of(*map(entry, "abc")))
    assert [params["name"] for params in kind.ensured] == ["a", "b"]
    assert [row.get("msg", "")[:12] for row in result.values["results"]] == ["", "no such user", "not tried, b"]


@pytest.mark.parametrize(
    ("entries", "problems"),
    [
        ([entry("wrong"), entry("b")], ["credential 1 (wrong): name: it is wrong"]),
        (
            [entry("wrong"), entry("b", deliver=[{"kind": "file"}])],
            ["credential 1 (wrong): name", "credential 2 (b): path is missing"],
        ),
        ([entry("b", current_token="a b")], ["credential 1 (b): current_token holds white space"]),
        ([entry("b"), entry("b"), entry("b")], ["credential 1 (b) and credential 2 (b) and credential 3 (b) both use"]),
        (
            [entry("a", token_path="/etc/t"), entry("b", deliver=[{"kind": "file", "path": "/etc/t"}])],
            ["credential 1 (a) and credential 2 (b) both write /etc/t"],
        ),
        (
            [entry("a", deliver=[{"kind": "file", "path": "/etc/t"}] * 2)],
            ["credential 1 (a): deliver names /etc/t twice"],
        ),
    ],
)
def test_problems_before_anything_is_done(entries: list[dict[str, Any]], problems: list[str]) -> None:
    kind = Kind()
    with pytest.raises(BadInput, match="credentials is not valid, and nothing was done: ") as raised:
        ensure_one_or_many(kind.token_kind(look=kind.look), context_of(*entries))
    for problem in problems:
        assert problem in str(raised.value)
    assert (kind.ensured, kind.looked) == ([], [])


def test_parallel_must_be_positive() -> None:
    with pytest.raises(BadInput, match="parallel must be 1 or more"):
        ensure_one_or_many(Kind().token_kind(), context_of(entry("a"), parallel=0))


def written(path: Path, secret: str) -> str:
    path.write_text(secret + "\n")
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize("may_be_login", [True, False])
def test_token_of_the_login_comes_last(tmp_path: Path, may_be_login: bool) -> None:
    kind = Kind()
    held = entry("a", token_path=written(tmp_path / "a", LOGIN))
    ensure_one_or_many(kind.token_kind(may_be_login=may_be_login), context_of(held, *map(entry, "bc"), token=LOGIN))
    assert [params["name"] for params in kind.ensured] == (list("bca") if may_be_login else list("abc"))


def test_given_token_of_the_login_comes_last() -> None:
    kind = Kind()
    own = entry("a", current_token=LOGIN)
    ensure_one_or_many(kind.token_kind(may_be_login=True), context_of(own, entry("b"), token=LOGIN))
    assert [params["name"] for params in kind.ensured] == ["b", "a"]


def test_many_are_looked_at_together(tmp_path: Path) -> None:
    """What a store holds is known then. One that cannot be read is left to its credential."""
    seen: list[Any] = []

    def look(_context: ModuleContext, entries: Any) -> None:
        seen.extend(None if item.stored is None else [held.secret for held in item.stored] for item in entries)

    unreadable = tmp_path / "missing" / "b"
    kind = Kind()
    held = entry("a", token_path=written(tmp_path / "a", LOGIN))
    entries = [held, entry("b", token_path=str(unreadable)), entry("c")]
    ensure_one_or_many(kind.token_kind(look=look), context_of(*entries))
    assert seen == [[LOGIN], None, []]
    ensure_one_or_many(kind.token_kind(look=kind.look), context_of(entry("a")))
    assert kind.looked == []


def test_secrets_are_not_in_the_text_of_an_entry() -> None:
    made = Entry("credential 1 (a)", "a", {"current_token": "SECRET"}, result=Result(False, {"token": "NEW"}))
    assert "SECRET" not in repr(made)
    assert "NEW" not in repr(made)


CLAIMS: dict[str, Callable[[Entry], list[str]]] = {
    "one": lambda entry: [entry.name],
    "several": lambda entry: [entry.name, f"{entry.name}_a"],
}


@pytest.mark.parametrize("claims", CLAIMS)
def test_claims_are_reported_once(claims: str) -> None:
    entries = [Entry(f"credential {number}", name, {}) for number, name in enumerate("aba", 1)]
    (problem,) = same_claims(entries, CLAIMS[claims])
    assert problem == "credential 1 and credential 3 both use a. Name each credential once"
