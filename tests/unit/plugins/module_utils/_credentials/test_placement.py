# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the stores of a credential are: on a host, on the rotator, or on both."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.placement import (
    EVERYWHERE,
    Placement,
    store_itself,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import kinds
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import StoreKind

PATTERNS = {"build": ["a", "b"], "all": ["a", "b", "r"], "r": ["r"], "nobody": []}
FILE: dict[str, Any] = {"kind": "file", "path": "/etc/ci/quay"}
REMOTE: dict[str, Any] = {"kind": "remote"}


@pytest.fixture(autouse=True)
def remote_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of store that is reached from the rotator only."""

    def build(_options: Any, _quay_host: str) -> Any:
        raise AssertionError("nothing needs the store itself")

    monkeypatch.setitem(kinds.ROLE_KINDS, "remote", StoreKind(build, {}, (), on_rotator=True))


def on(host: str | None, rotator: str = "r") -> Placement:
    return Placement(host, rotator, PATTERNS)


def file(pattern: str | None = None) -> dict[str, Any]:
    return {**FILE, "hosts": pattern} if pattern else FILE


# The host for which declarations are read, the pattern of the store; whether it concerns the host, whether it is on the
# rotator, whether it is on the host, and the hosts that must have it.
CASES = [
    ("a", None, True, False, True, None),
    ("a", "build", True, False, True, ["a", "b"]),
    ("c", "build", False, False, False, ["a", "b"]),
    ("a", "all", True, True, True, ["a", "b"]),
    ("a", "r", False, True, False, []),
    ("a", "nobody", False, False, False, []),
    ("a", "unknown", False, False, False, []),
    ("r", None, True, True, False, None),
    ("r", "build", False, False, False, ["a", "b"]),
    ("r", "all", True, True, False, ["a", "b"]),
]


@pytest.mark.parametrize(("host", "pattern", "concerns", "on_rotator", "on_host", "expected"), CASES)
def test_file(
    host: str, pattern: str | None, concerns: bool, on_rotator: bool, on_host: bool, expected: list[str] | None
) -> None:
    placement, store = on(host), file(pattern)
    assert placement.concerns(store) is concerns
    assert placement.is_on_rotator(store) is on_rotator
    assert placement.is_on_host(store) is on_host
    assert placement.expected_hosts(store) == expected


@pytest.mark.parametrize("host", ["a", "r"])
def test_store_that_the_rotator_reaches(host: str) -> None:
    placement = on(host)
    found = [check(REMOTE) for check in (placement.concerns, placement.is_on_rotator, placement.is_on_host)]
    assert found == [True, True, False]
    assert placement.expected_hosts(REMOTE) == []


def test_without_a_host_everything_concerns() -> None:
    for store in (FILE, file("nobody"), REMOTE):
        assert EVERYWHERE.concerns(store) is True


def test_hosts_of_a_pattern() -> None:
    assert on("a").hosts_of("build") == ["a", "b"]
    assert on("a").hosts_of("nobody") == []
    assert on("a").hosts_of("unknown") is None


def test_options_store_itself() -> None:
    given = {**FILE, "hosts": "build"}
    assert store_itself(given) == store_itself(FILE) == FILE
    assert given["hosts"] == "build"
