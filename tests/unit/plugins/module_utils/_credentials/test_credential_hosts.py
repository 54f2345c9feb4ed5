# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials as hosts of an inventory: names, variables, groups, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.credential_hosts import (
    CredentialHost,
    digest_of,
    entries_of_file,
    host_names,
    hosts_of_inventory,
    is_selected,
    machine_stores,
    names_for_batch,
    public_listing,
    public_status,
    read_for_inventory,
    refusal_of_machine_stores,
    undeclared,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.placement import Placement

QUAY = "https://quay.example.com"
STATUS = {"due": False, "reason": "not_due", "message": "age 3 days", "error": None}


def vault(path: str = "ci") -> dict[str, Any]:
    return {"kind": "hashi_vault", "vault_url": "https://vault.example.com", "path": path}


def robot(name: str = "acme+ci", **options: Any) -> dict[str, Any]:
    return {"name": name, "kind": "robot", "deliver": [vault(name)], **options}


def api(name: str = "nightly", **options: Any) -> dict[str, Any]:
    return {"name": name, "kind": "api", "client_id": "ABC", "deliver": [vault(name)], **options}


def referrers(**options: Any) -> dict[str, Any]:
    return {"name": "scan", "kind": "referrers", "repositories": ["acme/app"], "deliver": [vault("scan")], **options}


def hosts(
    entries: list[dict[str, Any]], statuses: Any = None, listed: Any = (), rotator: str = "localhost"
) -> dict[str, CredentialHost]:
    declared = read_for_inventory(entries, QUAY, rotator)
    by_name = {entry["name"]: entry for entry in entries}
    return {host.name: host for host in hosts_of_inventory(declared, by_name, statuses, listed, rotator)}


@pytest.mark.parametrize("content", [[robot()], {"rotation_credentials": [robot()], "other": 1}])
def test_file_has_the_list_or_the_variable(content: Any) -> None:
    assert entries_of_file(content, "c.yml") == [robot()]


@pytest.mark.parametrize("content", [None, "text", {"credentials": []}, {"rotation_credentials": {}}])
def test_file_without_a_list(content: Any) -> None:
    with pytest.raises(BadInput, match=r"credentials_file: c\.yml must be a list of credentials, or a mapping with"):
        entries_of_file(content, "c.yml")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([robot(), robot()], "credentials 1 and 2 have the same name, acme+ci"),
        ([robot(), api(deliver=[vault("acme+ci")])], "both write"),
        ([robot(max_aeg="1d")], "max_aeg is not an option. Did you mean max_age?"),
        ([robot(description="{{ lookup('env', 'X') }}")], "credential 1 (acme+ci): description contains a template"),
        ([robot(metadata={"a": ["{% if x %}"]})], "metadata contains a template"),
        ([robot(description=object())], "description contains an encrypted value"),
        (
            [robot("acme+duo", strategy="paired"), robot("acme+duo_b")],
            "credential 2 (acme+duo_b) and credential 1 (acme+duo) both use the robot account acme+duo_b",
        ),
        (
            [robot("acme+duo", strategy="paired", pair=["one", "two"]), robot("acme+two")],
            "both use the robot account acme+two",
        ),
        ([robot("acme+duo", strategy="paired", pair=["one"])], "credential 1 (acme+duo): pair must name at least two"),
        ([referrers(quay_username="acme+ci", quay_password="hidden")], "quay_password is a secret, and an inventory"),
        ([robot(deliver=[{**vault(), "vault_token": "hidden"}])], "vault_token is a secret"),
    ],
)
def test_invalid_declarations(entries: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_for_inventory(entries, QUAY, "localhost")
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_two_credentials_of_one_namespace_are_no_conflict() -> None:
    declared = read_for_inventory([robot("acme+duo", strategy="paired"), robot("acme+duo_c"), robot()], QUAY, "x")
    assert [item.name for item in declared] == ["acme+duo", "acme+duo_c", "acme+ci"]


def test_names_are_safe_unique_and_independent_of_the_order() -> None:
    names = ["acme+ci", "a b", "a_b", "due", "x[1:3]", "A_B", "-dash", "localhost", "n" * 300]
    found = dict(zip(names, host_names(names)))
    assert found["acme+ci"] == "acme+ci"
    assert len({name.lower() for name in found.values()}) == len(names)
    assert found["a b"].startswith("a_b-")
    assert found["due"].startswith("due-")
    assert found["localhost"].startswith("localhost-")
    assert found["x[1:3]"].startswith("x_1_3_-")
    assert found["-dash"].startswith("dash-")
    assert len(found["n" * 300]) < 120
    assert dict(zip(reversed(names), host_names(list(reversed(names))))) == found


def test_declared_host() -> None:
    entry = robot(metadata={"since": date(2026, 1, 2)})
    found = hosts([entry], {"acme+ci": {**STATUS, "due": True, "reason": "too_old"}})["acme+ci"]
    assert found.variables == {
        "quay_credential": {**entry, "metadata": {"since": "2026-01-02"}},
        "quay_name": "acme+ci",
        "quay_kind": "robot",
        "quay_organization": "acme",
        "quay_status": {**STATUS, "due": True, "reason": "too_old"},
    }
    assert found.groups == ["declared", "kind_robot", "organization_acme", "reason_too_old", "due"]


@pytest.mark.parametrize(
    ("status", "groups"),
    [
        (None, []),
        (STATUS, ["reason_not_due"]),
        ({**STATUS, "due": False, "reason": None, "error": "403"}, ["reason_unknown", "due"]),
    ],
)
def test_groups_of_the_status(status: Any, groups: list[str]) -> None:
    found = hosts([api()], None if status is None else {"nightly": status})["nightly"]
    assert found.groups == ["declared", "kind_api", *groups]


def test_organizations() -> None:
    entries = [robot("ci"), api(organization="my-org"), referrers(), referrers(name="two", repositories=["a/x", "b/y"])]
    entries[3]["deliver"] = [vault("two")]
    found = hosts(entries)
    assert [host.variables["quay_organization"] for host in found.values()] == [None, "my-org", "acme", None]
    assert "organization_my_org" in found["nightly"].groups


def test_listed_hosts() -> None:
    listed = [
        public_listing({"kind": "robot", "name": "acme+old", "organization": None, "token": "hidden"}),
        public_listing({"kind": "api", "name": "", "organization": "acme", "uuid": "0123456789"}),
    ]
    found = hosts([], {}, listed)
    assert list(found) == ["acme+old", "token-01234567"]
    assert found["acme+old"].groups == ["undeclared", "kind_robot", "organization_acme"]
    assert "quay_credential" not in found["acme+old"].variables
    assert "hidden" not in str(found)


def test_what_declarations_may_have_issued_is_declared() -> None:
    entries = [
        robot("acme+duo", strategy="paired"),
        api(),
        api("other", client_id=None, organization="acme", application="x"),
    ]
    declared = read_for_inventory(entries, QUAY, "localhost")
    known = [
        {"kind": "robot", "name": "acme+duo"},
        {"kind": "robot", "name": "acme+duo_b"},
        {"kind": "api", "name": "nightly", "client_id": "ABC", "organization": "acme"},
        {"kind": "api", "name": "other", "client_id": "DEF", "organization": "acme"},
    ]
    others = [
        {"kind": "robot", "name": "acme+duo2"},
        {"kind": "api", "name": "nightly", "client_id": "DEF", "organization": "acme"},
        {"kind": "api", "name": "other", "client_id": "DEF", "organization": "rival"},
    ]
    assert undeclared([*known, *others], declared) == others


def test_texts_of_quay_are_no_templates() -> None:
    values = {"message": "{{{% 1 }}", "error": "{# x #}", "due": True, "token": "hidden"}
    found = public_status(values)
    assert found["message"] == "{ { {% 1 }}".replace("{%", "{ %")
    assert found["error"] == "{ # x #}"
    assert (found["due"], "token" in found) == (True, False)
    assert public_listing({"scopes": ["{{ x }}"]})["scopes"] == ["{ { x }}"]


def test_patterns_of_names() -> None:
    names = ["acme+ci", "acme+test-1", "rival+ci"]
    assert [name for name in names if is_selected(name, [], [])] == names
    assert [name for name in names if is_selected(name, ["acme+*"], ["*test*"])] == ["acme+ci"]


def test_digest_depends_on_the_question_alone() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})


PATTERNS = {"localhost": ["localhost"], "build": ["n1"], "both": ["n1", "localhost"], "nobody": []}


@pytest.mark.parametrize(
    ("store", "is_on_machine"),
    [
        (vault(), False),
        ({"kind": "file", "path": "/etc/ci"}, True),
        ({"kind": "file", "path": "/etc/ci", "hosts": "localhost"}, False),
        ({"kind": "file", "path": "/etc/ci", "hosts": " localhost "}, False),
        ({"kind": "file", "path": "/etc/ci", "hosts": "build"}, True),
        ({"kind": "container_auth", "path": "/etc/ci", "hosts": "both"}, True),
        # The validation refuses these.
        ({"kind": "file", "path": "/etc/ci", "hosts": "nobody"}, False),
        ({"kind": "nonsense"}, False),
        ("nonsense", False),
    ],
)
def test_stores_of_machines(store: Any, is_on_machine: bool) -> None:
    placement = Placement("localhost", "localhost", PATTERNS)
    assert bool(list(machine_stores(robot(deliver=[store]), placement))) is is_on_machine


def test_refusal_names_each_store_of_a_machine() -> None:
    placement = Placement("bastion", "bastion", {"bastion": ["bastion"]})
    file = {"kind": "file", "path": "/etc/ci"}
    entries = [robot(deliver=[vault(), file]), api(deliver=[file]), robot("acme+other")]
    text = refusal_of_machine_stores(entries, placement)
    assert text is not None
    assert text.startswith("acme+ci: entry 2 of deliver (file /etc/ci); nightly: entry 1 of deliver (file /etc/ci): ")
    assert text.endswith("add hosts: bastion")
    assert refusal_of_machine_stores([robot()], placement) is None


def test_group_of_stores_of_machines() -> None:
    file = {"kind": "file", "path": "/etc/ci", "hosts": "bastion"}
    assert "machine_stores" in hosts([robot(deliver=[file])])["acme+ci"].groups
    assert "machine_stores" not in hosts([robot(deliver=[file])], rotator="bastion")["acme+ci"].groups


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, []),
        ("", []),
        (["a", "b", "typo"], ["a", "typo"]),
        ("a,b", ["a"]),
        # The name of an API token may contain a comma.
        ("c,d", ["c,d"]),
        ("e,f", []),
    ],
)
def test_names_of_this_batch(given: Any, names: list[str]) -> None:
    assert names_for_batch(given, "rotation_force", ["a", "c,d"], ["a", "b", "c,d", "e,f"]) == names
