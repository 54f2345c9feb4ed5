# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one host declares and holds: its stores with their fingerprints, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.host_inspection import inspect_host
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.token_file import FileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, FINGERPRINT, SECRET

OPTIONS: dict[str, Any] = {
    "quay_host": "https://quay.example.com",
    "credentials": [],
    "force": None,
    "compromised": None,
    "undeclared": None,
    "ephemeral": False,
    "rotator": "r",
    "inventory": None,
}
INVENTORY: dict[str, Any] = {"host": "a", "rotator": "r", "patterns": {"build": ["a", "b"], "all": ["a", "b", "r"]}}


def inspect(*credentials: dict[str, Any], inventory: Any = None, **options: Any) -> dict[str, Any]:
    given = {**OPTIONS, "credentials": list(credentials), "inventory": inventory or INVENTORY, **options}
    return dict(inspect_host(LocalContext(given, False, [])).values)


def stores(*credentials: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    (credential,) = inspect(*credentials, **options)["credentials"]
    return list(credential["stores"])


def robot(*stores: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"name": "acme+ci", "kind": "robot", "deliver": list(stores), **options}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a delivered secret."""
    store = FileStore(str(tmp_path / "ci.json"), file_format="json")
    with store.prepare():
        store.write(DELIVERY)
    return tmp_path / "ci.json"


FILE_IN_USE = {"kind": "file", "path": "/etc/ci/quay-in-use"}


def test_store_of_the_host(path: Path) -> None:
    file = {"kind": "file", "path": str(path), "format": "json"}
    (found,) = stores(robot(file))
    inspected = found.pop("inspected")
    assert found == {"entry": 0, "options": file, "on_rotator": False, "former": False, "hosts": None}
    assert inspected["place"] == str(path)
    assert inspected["fingerprint"] == FINGERPRINT
    assert inspected["username"] == "$oauthtoken"
    assert inspected["error"] is None
    assert inspected["record"]["superseded"] == "a1,b2"


def test_former_store_of_the_host(path: Path) -> None:
    """It is inspected as one to clear: what cannot be written may be cleared."""
    path.write_text("something else")
    (found,) = stores(robot({"kind": "file", "path": str(path), "state": "absent"}, FILE_IN_USE))[:1]
    assert (found["former"], found["inspected"]["error"], found["inspected"]["foreign"]) == (True, None, True)
    assert "state" not in found["options"]


def test_hosts_of_a_store_are_not_an_option_of_it(path: Path) -> None:
    file = {"kind": "file", "path": str(path)}
    (found,) = stores(robot({**file, "hosts": "build"}))
    assert (found["options"], found["hosts"]) == (file, ["a", "b"])


def test_stores_of_the_rotator_and_of_others_are_not_inspected(path: Path) -> None:
    file = {"kind": "file", "path": str(path), "format": "json"}
    other = {**INVENTORY, "host": "c"}
    (found,) = stores(robot({**file, "hosts": "build"}), inventory=other)
    assert (found["on_rotator"], found["hosts"], found["inspected"]) == (False, ["a", "b"], None)
    (found,) = stores(robot(file), inventory={**INVENTORY, "host": "r"})
    assert (found["on_rotator"], found["hosts"], found["inspected"]) == (True, None, None)
    (found,) = stores(robot({**file, "hosts": "all"}))
    assert (found["on_rotator"], found["hosts"], found["inspected"]["fingerprint"]) == (True, ["a", "b"], FINGERPRINT)


def test_entries_are_those_of_the_declaration(path: Path) -> None:
    given = [{"kind": "file", "path": f"{path}.{number}"} for number in range(3)]
    given[1]["hosts"] = "elsewhere"
    patterns = {"patterns": {"elsewhere": ["b"]}}
    found = stores(robot(*given), inventory={**INVENTORY, **patterns})
    assert [(item["entry"], item["inspected"] is None) for item in found] == [(0, False), (1, True), (2, False)]


def test_store_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    found = stores(
        robot(
            {"kind": "file", "path": str(tmp_path / "missing" / "ci")}, {"kind": "file", "path": str(tmp_path / "ci")}
        )
    )
    assert "missing" in found[0]["inspected"]["error"]
    assert found[1]["inspected"]["error"] is None


def test_what_others_keep_is_no_reason_against_a_removal(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("to do: buy milk\n")
    file = {"kind": "file", "path": str(path)}
    (present,) = stores(robot(file))
    (absent,) = stores(robot(file, state="absent"))
    assert "buy milk" not in json.dumps([present, absent])
    assert (present["inspected"]["foreign"], absent["inspected"]["foreign"]) == (True, True)
    assert present["inspected"]["error"]
    assert absent["inspected"]["error"] is None


def test_nothing_returned_is_a_secret(path: Path) -> None:
    scan: dict[str, Any] = {"name": "scan", "kind": "referrers", "repositories": ["acme/app"]}
    scan.update(quay_username="acme+scan")
    scan = {**scan, "quay_password": "swordfish", "deliver": [{"kind": "file", "path": f"{path}.scan"}]}
    found = json.dumps(inspect(robot({"kind": "file", "path": str(path), "format": "json"}), scan))
    assert SECRET not in found
    assert "swordfish" not in found
    assert '"quay_username": "acme+scan"' in found


def test_invalid_declarations_are_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="hosts: no host of the inventory matches 'nowhere'"):
        stores(
            robot({"kind": "file", "path": str(path), "hosts": "nowhere"}),
            inventory={**INVENTORY, "patterns": {"nowhere": []}},
        )
    twice = [{"kind": "file", "path": str(path), "hosts": pattern} for pattern in ("build", "all")]
    with pytest.raises(BadInput, match="both write"):
        stores(robot(*twice))


def test_stores_of_different_hosts_may_have_one_path(path: Path) -> None:
    patterns = {"patterns": {"a": ["a"], "b": ["b"]}}
    twice = [{"kind": "file", "path": str(path), "hosts": pattern} for pattern in ("a", "b")]
    found = stores(robot(*twice), inventory={**INVENTORY, **patterns})
    assert [item["inspected"] is not None for item in found] == [True, False]


def test_names_to_force() -> None:
    declared = robot({"kind": "file", "path": "/etc/ci/quay"})
    found = inspect(declared, force="acme+ci", compromised=["acme+ci"])
    assert (found["force"], found["compromised"]) == (["acme+ci"], ["acme+ci"])


def test_file_of_a_rotator_whose_files_are_lost() -> None:
    """A play over other hosts has a primary store on the rotator, which can be the container of a job."""
    primary = {"kind": "file", "path": "/etc/ci/primary.json", "format": "json", "hosts": "r"}
    inventory = {**INVENTORY, "patterns": {"r": ["r"]}}
    assert stores(robot(primary), inventory=inventory)[0]["on_rotator"]
    with pytest.raises(BadInput, match=r"/etc/ci/primary\.json is a file in the container of this AWX job"):
        stores(robot(primary), inventory={**inventory, "ephemeral_rotator": True})
