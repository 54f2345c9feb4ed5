# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_lease: short-lived robots."""

from __future__ import annotations

import re
from typing import Any

from functional.harness import Harness, assert_predicted

MODULE = "quay_robot_lease"
ROBOTS = "/api/v1/organization/acme/robots"
NAME = re.compile(r"acme\+ci-(\d{8}t\d{6}z)-[a-z0-9]{12}")
VERIFY = "GET /v2/auth"


def leases(harness: Harness) -> list[str]:
    """The names of all robots that may be leases."""
    return sorted(name for name in harness.quay.state.robots if NAME.fullmatch(name))


def arguments(harness: Harness, **more: Any) -> dict[str, Any]:
    return {"name_prefix": "acme+ci", "lifetime": "12h", "token_path": str(harness.token_path), **more}


def shown(requests: list[str]) -> list[str]:
    """The requests, with NAME for the names of leases."""
    return [re.sub(r"/ci-\d{8}t\d{6}z-[a-z0-9]{12}", "/NAME", request) for request in requests]


def test_lease_is_issued_and_kept(either_login: Harness) -> None:
    harness = either_login
    predicted = harness.check(MODULE, arguments(harness, description="pulls", owner="build farm"))
    print(harness.requests)
    first = harness.run(MODULE, arguments(harness, description="pulls", owner="build farm"))
    print(shown(harness.requests))
    assert not first.failed, first.message
    print(first.content, first.diff)
    assert_predicted(predicted, first)
    again = harness.check(MODULE, arguments(harness, description="pulls", owner="build farm"))
    print(shown(harness.requests))
    print(again.content, again.diff)
    second = harness.run(MODULE, arguments(harness, description="pulls", owner="build farm"))
    print(harness.robot(leases(harness)[0]))
    print((harness.token_record()))
    assert 0
