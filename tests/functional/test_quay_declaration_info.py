# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_declaration_info: validates declared credentials as the role does, without a request."""

from __future__ import annotations

from typing import Any

from functional.harness import Harness, assert_refused

MODULE = "quay_declaration_info"


def declared(harness: Harness, **options: Any) -> dict[str, Any]:
    deliver = [{"kind": "file", "path": str(harness.folder / "ci.json"), "format": "json"}]
    return {"name": "acme+ci", "kind": "robot", "deliver": deliver, **options}


def test_valid_declarations(harness: Harness) -> None:
    entry = declared(harness, max_age="90d", copy_rights="no", pair="")
    arguments = {"credentials": [entry], "force": "acme+ci", "undeclared": str(harness.folder)}
    runs = harness.four_runs(MODULE, arguments)
    (found,) = runs.first["credentials"]
    assert found == {
        **declared(harness, max_age="90d", copy_rights=False),
        "position": 0,
        "identity": f"robot acme+ci of 127.0.0.1:{harness.quay.port}",
    }
    assert (runs.first["force"], runs.first["undeclared"]) == (["acme+ci"], [])
    assert runs.requests == [[], [], [], []]


def test_delivery_of_an_earlier_run_is_found(harness: Harness) -> None:
    made = harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(harness.token_path)})
    result = harness.run(MODULE, {"credentials": [declared(harness)], "undeclared": [str(harness.folder)]})
    (found,) = result["undeclared"]
    assert found == {
        "path": str(harness.token_path),
        "registry": None,
        "name": None,
        "username": "acme+ci",
        "fingerprint": made["fingerprint"],
        "created_at": made["created_at"],
    }


def test_invalid_declarations(harness: Harness) -> None:
    harness.known_secrets.add(["swordfish"])
    wrong = [declared(harness, maxage="1d"), {"name": "scan", "kind": "referrers", "quay_password": "swordfish"}]
    assert_refused(
        harness,
        MODULE,
        {"credentials": wrong},
        "credential 1 (acme+ci): maxage is not an option. Did you mean max_age?",
        "credential 2 (scan): quay_username and quay_password go together; one of them is missing",
        "credential 2 (scan): deliver needs at least one store",
    )
    assert harness.requests == []


def test_address_of_quay_is_needed_unless_nothing_is_declared(harness: Harness) -> None:
    missing = {"quay_host": None, "credentials": [declared(harness)]}
    assert_refused(harness, MODULE, missing, "quay_host is missing: set it, or QUAY_HOST in the environment")
    assert harness.run(MODULE, {"quay_host": None, "credentials": []})["credentials"] == []
