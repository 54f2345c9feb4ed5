# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases of robots on the stand-in, for the tests of quay_robot_lease and quay_robot_lease_sweep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from functional.harness import FourRuns, Harness, assert_predicted
from functional.module_runner import Result

MODULE = "quay_robot_lease"
ROBOTS = "/api/v1/organization/acme/robots"
NAME = re.compile(r"(?:acme|alice)\+ci-(\d{8}t\d{6}z)-[a-z2-9]{12}")
CONFIG, NEW, VERIFY = "GET /config", f"GET {ROBOTS}/NAME", "GET /v2/auth"
CREATE, DELETE = f"PUT {ROBOTS}/NAME", f"DELETE {ROBOTS}/NAME"


def shown(requests: list[str]) -> list[str]:
    """The requests, with NAME for the names of leases."""
    return [re.sub(r"/ci-\d{8}t\d{6}z-[a-z2-9]{12}", "/NAME", request) for request in requests]


@dataclass
class Leases:
    """The leases of the prefix acme+ci on the stand-in."""

    harness: Harness

    def arguments(self, **more: Any) -> dict[str, Any]:
        stored = {} if more.keys() & {"deliver", "current_token"} else {"token_path": str(self.harness.token_path)}
        return {"name_prefix": "acme+ci", "lifetime": "12h", **stored, **more}

    def run(self, **more: Any) -> Result:
        """A run, after check mode predicted it."""
        predicted = self.harness.check(MODULE, self.arguments(**more))
        result = self.harness.run(MODULE, self.arguments(**more))
        assert_predicted(predicted, result, ["username"])
        return result

    def four_runs(self, **more: Any) -> FourRuns:
        return self.harness.four_runs(MODULE, self.arguments(**more), unknown=["username"])

    @property
    def names(self) -> list[str]:
        return sorted(name for name in self.harness.quay.state.robots if NAME.fullmatch(name))

    @property
    def name(self) -> str:
        (name,) = self.names
        return name

    def secret(self, name: str | None = None) -> str:
        return self.harness.robot(name or self.name).token

    def without_login(self, requests: list[str]) -> list[str]:
        """The requests without those of the login, with NAME for the names of leases."""
        return shown([request for request in requests if request not in self.harness.sign_in])

    @property
    def requests(self) -> list[str]:
        """The requests of the last run."""
        return self.without_login(self.harness.requests)


def issue(leases: Leases, **more: Any) -> str:
    """Issue a lease, and return the name of its robot."""
    result = leases.harness.run(MODULE, leases.arguments(**more))
    assert not result.failed, result.message
    return str(result["username"])
