# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A batch of hosts that are credentials: what they declare, and what the role refuses."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.plugin_utils.credential_batch import (
    CredentialBatch,
    credential_batch,
    is_credential,
)


class HostVars(Dict[str, Any]):
    """As Ansible's own, without templates."""

    def raw_get(self, host: str) -> dict[str, Any]:
        return dict(self[host])


CREDENTIAL = {"rotation_hosts_are_credentials": True, "quay_credential_names": ["acme+a", "acme+b", "acme+c"]}


def batch_of(runs_once: bool = True, arguments: Any = None, **hosts: dict[str, Any]) -> CredentialBatch | None:
    """The batch of these hosts, of which the first one runs the task."""
    first = next(iter(hosts))
    variables = {**hosts[first], "hostvars": HostVars(hosts), "ansible_play_batch": list(hosts)}
    return credential_batch(variables, arguments or {}, runs_once=runs_once)


def host(name: str | None, **variables: Any) -> dict[str, Any]:
    return {**CREDENTIAL, **({"quay_credential": {"name": name}} if name else {}), **variables}


@pytest.mark.parametrize(("value", "is_one"), [(True, True), ("yes", True), (False, False), ("", False), (None, False)])
def test_marker(value: Any, is_one: bool) -> None:
    assert is_credential({"rotation_hosts_are_credentials": value}) is is_one
    assert not is_credential({})


def test_machines_are_no_batch_of_credentials() -> None:
    assert batch_of(runs_once=False, n1={}, n2={}) is None


def test_declarations_of_the_hosts() -> None:
    login = {"quay_username": "u", "quay_password": "hidden"}
    found = batch_of(a=host("acme+a"), x=host(None), b=host("acme+b", quay_credential_login=login))
    assert found is not None
    assert found.credentials == [{"name": "acme+a"}, {"name": "acme+b", **login}]
    assert (found.undeclared, found.with_login) == (["x"], ["b"])
    assert "hidden" not in repr(found)
    assert found.names_in(["acme+a", "acme+c", "typo"], "rotation_force") == ["acme+a", "typo"]


def test_machines_among_the_hosts() -> None:
    with pytest.raises(BadInput, match="others are machines: n1. Use one play for the credentials"):
        batch_of(a=host("acme+a"), n1={})


def test_credential_in_a_play_that_begins_with_a_machine() -> None:
    """The first host decides whether the tasks run once."""
    with pytest.raises(BadInput, match="this host is a credential of an inventory, and other hosts of this play are"):
        batch_of(runs_once=False, a=host("acme+a"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"credentials": [{"name": "acme+a"}]}, "Every slice would rotate all of rotation_credentials"),
        ({"undeclared": ["/etc"]}, "rotation_report_undeclared is set"),
    ],
)
def test_variables_for_machines(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        batch_of(arguments=arguments, a=host("acme+a"))
