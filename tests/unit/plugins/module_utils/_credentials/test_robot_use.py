# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that have switched robots off: refused before a token is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.robot_use import refuse_disallowed_robot
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, ok, refused
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import verification, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

SWITCHED_OFF = ok({"config": {"ROBOTS_DISALLOW": True}})
DISALLOWED = "This Quay does not allow robot accounts (ROBOTS_DISALLOW in its configuration), so"


@pytest.mark.parametrize("config", [{}, {"config": {"ROBOTS_DISALLOW": False}}, {"config": {}}])
def test_robots_are_allowed(quay: FakeQuay, config: dict[str, Any]) -> None:
    quay.answers(ok(config))
    refuse_disallowed_robot(module_context(quay), "acme+ci", "present")
    assert quay.calls == [("GET", "/config")]


def test_exempted_robot(quay: FakeQuay) -> None:
    """Its present token still works."""
    quay.answers(SWITCHED_OFF, verified())
    refuse_disallowed_robot(module_context(quay), "acme+ci", "present")
    assert quay.requests[1:] == [verification("acme+ci", "present")]


def test_disallowed_robot(quay: FakeQuay) -> None:
    quay.answers(SWITCHED_OFF, refused())
    with pytest.raises(BadInput) as caught:
        refuse_disallowed_robot(module_context(quay), "acme+ci", "present")
    assert str(caught.value) == (
        f"{DISALLOWED} it would not accept a new token of acme+ci. The present token was not replaced. Ask the "
        "administrator of Quay to add acme+ci to ROBOTS_WHITELIST, or use another kind of credential"
    )


def test_disallowed_robot_that_does_not_exist(quay: FakeQuay) -> None:
    quay.answers(SWITCHED_OFF)
    with pytest.raises(BadInput) as caught:
        refuse_disallowed_robot(module_context(quay), "acme+ci", None)
    assert str(caught.value) == (f"{DISALLOWED} the robot acme+ci cannot be created. Use another kind of credential")
