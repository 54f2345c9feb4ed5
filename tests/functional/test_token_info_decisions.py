# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_token_info decides like the token modules: the role plans with the one and acts with the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract import collection
from functional import test_quay_api_token as api
from functional import test_quay_api_token_by_browser as api_by_browser
from functional import test_quay_referrers_token as referrers
from functional import test_quay_robot_token as robots
from functional.harness import Harness

Arguments = dict[str, Any]
Case = tuple[str, str, Callable[[Harness], Arguments]]


def expires_soon(harness: Harness) -> Arguments:
    """With the default of renew_before, a token that is valid for ten more days is due."""
    api_tokens = api.ApiTokens(harness)
    api_tokens.create_in_file(lifetime_s=10 * 86400)
    return api_tokens.file_arguments()


def expires_within_minutes(harness: Harness) -> Arguments:
    """With the default of renew_before, a registry token that is valid for four more minutes is due."""
    harness.advance(minutes=-56)
    harness.run("quay_referrers_token", referrers.file_arguments(harness))
    harness.advance(minutes=56)
    return referrers.file_arguments(harness)


def cases() -> dict[str, Case]:
    """Collect every reason of every kind from the tests of the modules."""
    found: dict[str, Case] = {}
    for reason, arrange in robots.REASONS.items():
        found[f"robot {reason}"] = ("robot", "3.18", arrange)
    for reason, arrange in referrers.REASONS.items():
        found[f"referrers {reason}"] = ("referrers", "3.18", arrange)
    for reason, arrange_api in api.REASONS.items():
        found[f"api {reason}"] = ("api", "3.18", lambda harness, arrange=arrange_api: arrange(api.ApiTokens(harness)))  # type: ignore[misc]
    for reason, arrange_old in api_by_browser.REASONS.items():
        found[f"old api {reason}"] = (
            "api",
            "3.17",
            lambda harness, arrange=arrange_old: arrange(api_by_browser.ApiTokens(harness)),  # type: ignore[misc]
        )
    found["api expires soon"] = ("api", "3.18", expires_soon)
    found["referrers expires soon"] = ("referrers", "3.18", expires_within_minutes)
    return found


CASES = cases()
MODULES = {"api": "quay_api_token", "referrers": "quay_referrers_token", "robot": "quay_robot_token"}


@pytest.fixture
def family(request: pytest.FixtureRequest) -> str:
    return CASES[request.node.callspec.params["case"]][1]


@pytest.mark.parametrize("case", CASES)
def test_decision_is_that_of_the_module(harness: Harness, case: str) -> None:
    kind, family, arrange = CASES[case]
    if family == "3.17":
        harness.login = harness.accounts.alice.by_password
    arguments = arrange(harness)
    (found,) = harness.run("quay_token_info", {"credentials": [credential_of(kind, arguments)]})["credentials"]
    predicted = harness.run(MODULES[kind], arguments, check=True)
    assert found["error"] is None
    assert found["reason"] == predicted["reason"]
    assert (found["action"] == "mint") == predicted["minted"]
    assert (found["action"] != "nothing") == bool(predicted["delivered"] or predicted["minted"] or predicted["retired"])
    assert found["superseded"] == [uuid for uuid in predicted["superseded"] if uuid != found["uuid"]]


def credential_of(kind: str, arguments: Arguments) -> Arguments:
    """Convert arguments of a token module to a credential of quay_token_info."""
    options = collection.spec_of("quay_token_info").options["credentials"]["options"]
    credential = {name: value for name, value in arguments.items() if name in options}
    if "token_path" in arguments:
        credential["deliver"] = [{"kind": "file", "path": arguments["token_path"]}]
    return {"kind": kind, "name": "scan", **credential}
