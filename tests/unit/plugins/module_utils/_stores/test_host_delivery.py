# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The delivery to the stores of one machine: checked again, locked, written once, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import fingerprint
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import LocalContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores import host_delivery
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.host_delivery import (
    DELIVERY_OPTIONS,
    deliver_to_host,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.host_store import HandedOver, HostStore
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import (
    DELIVERY,
    FINGERPRINT,
    OTHER_SECRET,
    SECRET,
    delivery_of,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.files import files_in, is_locked, names_in

HOST = "https://quay.example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty directory."""
    created = tmp_path / "stores"
    created.mkdir()
    return created


def given(store: HostStore) -> dict[str, Any]:
    """What was handed over, as AnsibleModule returns it: every option is there."""
    assert store.handed_over is not None
    defaults = {name: option.get("default") for name, option in DELIVERY_OPTIONS.items()}
    return {**defaults, "declared": "nightly", "entry": 0, **store.handed_over.to_data()}


def present(path: Path, delivery: Any = DELIVERY, **options: Any) -> dict[str, Any]:
    """The options of a delivery to a file."""
    plain = {"kind": "file", "path": str(path), "format": "json", **options}
    store = HostStore({"host": "a", "place": str(path), "part": "", "entry": 0, "options": plain})
    store.handed_over = HandedOver("a", plain, delivery)
    return given(store)


def absent(path: Path, held: str | None = FINGERPRINT, **options: Any) -> dict[str, Any]:
    """The options of a removal from a file."""
    plain = {"kind": "file", "path": str(path), "format": "json", **options}
    store = HostStore({"host": "a", "place": str(path), "part": "", "entry": 0, "options": plain})
    store.handed_over = HandedOver("a", plain, None, held)
    return given(store)


def deliver(*deliveries: dict[str, Any], check_mode: bool = False, warnings: list[str] | None = None) -> dict[str, Any]:
    context = LocalContext(
        {"quay_host": HOST, "deliveries": list(deliveries)}, check_mode, [] if warnings is None else warnings
    )
    result = deliver_to_host(context)
    assert SECRET not in json.dumps(result.values)
    return {"changed": result.changed, **result.values}


def write(path: Path, secret: str = SECRET) -> None:
    store = store_from_options({"kind": "file", "path": str(path), "format": "json"}, HOST)
    with store.prepare():
        store.write(delivery_of(secret))


def test_secret_is_written_and_read_back(folder: Path) -> None:
    path = folder / "ci"
    result = deliver(present(path))
    assert result["changed"] is True
    (item,) = result["deliveries"]
    assert (item["credential"], item["entry"], item["changed"], item["error"]) == ("nightly", 0, True, None)
    assert (item["place"], item["fingerprint"], item["username"]) == (str(path), FINGERPRINT, "$oauthtoken")
    content = json.loads(path.read_text())
    assert content == {
        "token": SECRET,
        "name": "nightly",
        "username": "$oauthtoken",
        "registry": "quay.example.com",
        "api_url": "https://quay.example.com/api/v1",
        "fingerprint": FINGERPRINT,
        "created_at": "2026-01-31T12:00:00Z",
        "expires_at": "2026-04-30T12:00:00Z",
        "uuid": "6e3a1d0c",
        "superseded": "a1,b2",
    }


def test_second_delivery_changes_nothing(folder: Path) -> None:
    for options in ({}, {"format": "env"}, {"format": "token"}):
        path = folder / "-".join(["ci", *options.values()])
        deliver(present(path, **options))
        before = files_in(folder)
        result = deliver(present(path, **options))
        assert (result["changed"], result["deliveries"][0]["changed"]) == (False, False)
        assert result["deliveries"][0]["fingerprint"] == FINGERPRINT
        assert files_in(folder) == before


def test_record_is_updated_although_the_secret_is_present(folder: Path) -> None:
    write(folder / "ci")
    assert deliver(present(folder / "ci"))["changed"] is True
    assert json.loads((folder / "ci").read_text())["uuid"] == "6e3a1d0c"


def test_check_mode_predicts_and_writes_nothing(folder: Path) -> None:
    path = folder / "ci"
    result = deliver(present(path), check_mode=True)
    assert (result["changed"], result["deliveries"][0]["changed"], names_in(folder)) == (True, True, [])
    write(path)
    before = files_in(folder)
    assert deliver(absent(path), check_mode=True)["changed"] is True
    assert files_in(folder) == before


def test_store_that_fails_does_not_stop_the_others(folder: Path) -> None:
    broken = present(folder / "missing" / "ci")
    result = deliver(broken, {**present(folder / "ci"), "declared": "other", "entry": 2})
    failed, written = result["deliveries"]
    assert failed["error"]
    assert (failed["place"], failed["changed"]) == (str(folder / "missing" / "ci"), False)
    assert (written["credential"], written["entry"], written["error"]) == ("other", 2, None)
    assert (result["changed"], names_in(folder)) == (True, ["ci"])


def test_store_is_checked_again(folder: Path) -> None:
    """Somebody may have used the file since it was inspected."""
    path = folder / "ci"
    path.write_text("to do")
    result = deliver(present(path))
    assert (result["changed"], path.read_text()) == (False, "to do")
    assert "force" in result["deliveries"][0]["error"]


def test_options_without_effect_are_an_error_of_their_store(folder: Path) -> None:
    container_auth = {**present(folder / "auth.json"), "kind": "container_auth", "format": "json"}
    result = deliver(container_auth)
    assert "format has no effect" in result["deliveries"][0]["error"]


def test_delivery_without_a_secret(folder: Path) -> None:
    result = deliver({**present(folder / "ci"), "token": None})
    assert result["deliveries"][0]["error"] == "token is missing: there is nothing to deliver"
    assert names_in(folder) == []


def test_file_is_locked_while_it_is_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "ci"
    locked: list[bool] = []
    original = host_delivery._write

    def note(*arguments: Any) -> bool:
        locked.append(is_locked(path))
        return original(*arguments)

    monkeypatch.setattr(host_delivery, "_write", note)
    deliver(present(path))
    deliver(present(path), check_mode=True)
    assert locked == [True, False]
    assert names_in(folder) == ["ci"]


def test_secret_is_removed(folder: Path) -> None:
    path = folder / "ci"
    write(path)
    result = deliver(absent(path))
    assert (result["changed"], names_in(folder)) == (True, [])
    assert (result["deliveries"][0]["fingerprint"], result["deliveries"][0]["error"]) == (None, None)
    assert deliver(absent(path))["changed"] is False


@pytest.mark.parametrize("held", [FINGERPRINT, None])
def test_what_came_since_the_inspection_is_not_removed(held: str | None, folder: Path) -> None:
    path = folder / "ci"
    warnings: list[str] = []
    write(path, OTHER_SECRET)
    result = deliver(absent(path, held), warnings=warnings)
    assert (result["changed"], result["deliveries"][0]["fingerprint"]) == (False, fingerprint(OTHER_SECRET))
    assert json.loads(path.read_text())["token"] == OTHER_SECRET
    assert len(warnings) == 1
    assert str(path) in warnings[0]


def test_defect_in_one_store_does_not_stop_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_for_broken(options: Any, quay_host: str) -> Any:
        if options["path"].endswith("broken"):
            raise ValueError(SECRET)
        return store_from_options(options, quay_host)

    monkeypatch.setattr(host_delivery, "store_from_options", fail_for_broken)
    failed, written = deliver(present(folder / "broken"), present(folder / "ci"))["deliveries"]
    assert failed["error"].startswith("Internal error: ValueError in fail_for_broken")
    assert SECRET not in failed["error"]
    assert (written["error"], written["fingerprint"]) == (None, FINGERPRINT)
