# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of a module: its warnings, and the values that Ansible must mask."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import (
    LocalContext,
    ModuleContext,
    Result,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, ok


def test_warnings() -> None:
    """Each warning appears once, in the order of its first appearance."""
    warnings = ["first"]
    context = LocalContext({}, False, warnings)
    for sentence in ("second", "first", "third", "second"):
        context.warn(sentence)
    assert warnings == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("address", "found", "hidden"),
    [
        ("https://registry.example.com/library/base", False, set()),
        ("registry.example.com/library/base", False, set()),
        ("", False, set()),
        ("https://ann:x@registry.example.com", True, {"ann:x"}),
        ("https://ann:pa@ss@registry.example.com", True, {"ann:pa@ss"}),
        ("ann:longs3cret@registry.example.com", True, {"ann:longs3cret"}),
        ("ann:hunter2@registry.example.com/x", True, {"ann:hunter2"}),
        ("https://:x@registry.example.com", True, {":x"}),
        ("https://ghp_0123@registry.example.com", True, {"ghp_0123"}),
        ("https://ghp_012@registry.example.com", True, set()),
        ("https://ann@registry.example.com", True, set()),
    ],
)
def test_login_in_a_url(address: str, found: bool, hidden: set[str]) -> None:
    """A short text alone is a user name. Masking it would mask it inside of other words, too."""
    context = LocalContext({}, False, [])
    assert context.hide_login_in(address) is found
    assert context.hidden == hidden


def test_login_in_a_url_is_refused() -> None:
    context = LocalContext({}, False, [])
    context.refuse_login_in("archive_url", "https://files.example.com/app.tar.gz", "every reader sees it")
    with pytest.raises(BadInput) as caught:
        context.refuse_login_in("archive_url", "https://ann:s3cret@files.example.com/app", "every reader sees it")
    assert str(caught.value) == "archive_url must not hold a user name or password: every reader sees it"
    assert context.hidden == {"ann:s3cret"}


def test_context_of_a_module_that_talks_to_quay(quay: FakeQuay) -> None:
    """Constructing it sends nothing."""
    client = quay.client()
    context = ModuleContext({"name": "x"}, True, [], client)
    assert (context.params, context.check_mode, context.client) == ({"name": "x"}, True, client)
    assert quay.requests == []
    quay.answers(ok({"features": {"TEAM_SYNCING": True}}))
    assert context.server.feature("TEAM_SYNCING") is True


def test_result_without_a_diff() -> None:
    result = Result(changed=False, values={"a": 1})
    assert (result.before, result.after) == ({}, {})


def test_secrets_of_the_run_are_masked_in_a_text() -> None:
    """A shorter value is an option of a login such as a version, and may be a part of a name."""
    context = LocalContext({}, False, [])
    context.hidden = {"s3cret-t0ken", "2", "secret"}
    assert context.masked("robot acme+ci2: s3cret-t0ken at secret was refused") == (
        "robot acme+ci2: ******** at secret was refused"
    )
