# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of credentials in the argument spec of a module, and what is wrong with a given one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._module.many_options import (
    label_of,
    name_of,
    problems_of_many,
    secrets_of,
    with_many,
)

OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "scopes": {"type": "list", "elements": "str", "choices": ["read", "write"], "aliases": ["rights"]},
    "held": {"type": "str", "no_log": True},
    "path": {"type": "path"},
    "deliver": {
        "type": "list",
        "elements": "dict",
        "options": {"kind": {"type": "str", "required": True}, "secret": {"type": "str", "no_log": True}},
    },
}
CONSTRAINTS: dict[str, Any] = {"mutually_exclusive": [("held", "path")]}
SPEC, OF_ALL = with_many(OPTIONS, CONSTRAINTS)


def problems(*entries: Any, **given: Any) -> list[str]:
    return problems_of_many({"credentials": list(entries), **given}, SPEC, {"old": "Use name"})


def test_spec_of_one_or_many() -> None:
    assert SPEC["credentials"]["options"] == OPTIONS
    assert SPEC["credentials"]["mutually_exclusive"] == [("held", "path")]
    assert {name for name in SPEC if SPEC[name].get("required")} == set()
    assert OF_ALL == {"mutually_exclusive": [("held", "path")], "required_one_of": [("name", "credentials")]}
    # The options of one credential are not changed.
    assert OPTIONS["name"]["required"]


def test_alternatives_include_the_list() -> None:
    _spec, constraints = with_many({"a": {}, "b": {}}, {"required_one_of": [("a", "b")]})
    assert constraints["required_one_of"] == [("a", "b", "credentials")]


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ({"name": "acme+ci"}, "credential 3 (acme+ci)"),
        ({"repositories": ["acme/app", "acme/base"]}, "credential 3 (acme/app acme/base)"),
        ({"application": "automation", "name": None}, "credential 3 (automation)"),
        ({"client_id": "X"}, "credential 3 (X)"),
        ({}, "credential 3"),
        ("text", "credential 3"),
    ],
)
def test_labels(entry: Any, label: str) -> None:
    assert label_of(3, entry) == label
    assert f"({name_of(entry)})" in label or name_of(entry) == ""


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "credential 2: missing required arguments: name"),
        ({"name": "b", "scopes": ["all"]}, "credential 2 (b): value of scopes must be one or more of: read, write."),
        ({"name": "b", "rights": ["all"]}, "credential 2 (b): value of scopes must be one or more of: read, write."),
        ({"name": "b", "held": "x", "path": "/x"}, "credential 2 (b): parameters are mutually exclusive: held|path"),
        ({"name": "b", "deliver": [{}]}, "credential 2 (b): missing required arguments: kind found in deliver"),
        ({"name": "b", "nmae": "c"}, "credential 2 (b): unsupported options: nmae. Supported parameters include: "),
        ({"name": "b", "old": "c"}, "credential 2 (b): There is no option old. Use name"),
        ("b", "credential 2: it must be a mapping of options"),
        (None, "credential 2: it must be a mapping of options"),
    ],
)
def test_problem_names_its_entry(entry: Any, problem: str) -> None:
    (found,) = problems({"name": "a"}, entry)
    assert found.startswith(problem)


def test_every_problem_is_reported() -> None:
    assert len(problems({}, {"name": "a"}, {"name": "b", "scopes": ["x"]})) == 2


def test_valid_list() -> None:
    assert problems({"name": "a", "rights": ["read"]}, {"name": "b"}) == []
    assert problems(name=None) == []
    assert problems_of_many({"name": "a"}, SPEC, {}) == []
    # AnsibleModule converts it, or reports what is wrong with it.
    assert problems_of_many({"credentials": "name=a"}, SPEC, {}) == []


@pytest.mark.parametrize("given", [{"name": "a"}, {"rights": ["read"]}, {"deliver": []}])
def test_options_of_one_credential_beside_a_list(given: dict[str, Any]) -> None:
    (found,) = problems({"name": "a"}, **given)
    assert found.startswith(f"{next(iter(given))} cannot be given together with credentials")


def test_secrets_of_all_entries() -> None:
    entries = [{"name": "a", "held": "one"}, "text", {"deliver": [{"secret": "two"}, {"kind": "x"}]}]
    assert list(secrets_of({"credentials": entries, "held": "three"}, SPEC)) == ["three", "one", "two"]
