# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token module, then a module that delivers what it returned: check mode predicts both tasks."""

from __future__ import annotations

from typing import Any

import pytest

from functional.harness import Harness, assert_predicted
from functional.module_runner import Result
from standin import tokens

DELIVERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "token": ("quay_token_file", {"format": "token"}),
    "json": ("quay_token_file", {"format": "json"}),
    "env": ("quay_token_file", {"format": "env"}),
    "auth file": ("quay_container_auth", {"registry": "quay.example.com"}),
}
every_delivery = pytest.mark.parametrize(("module", "options"), DELIVERIES.values(), ids=DELIVERIES)


class Chain:
    """The two tasks of a play. The second one gets what the first one returned."""

    def __init__(self, harness: Harness, module: str, options: dict[str, Any]) -> None:
        self.harness = harness
        self.module = module
        self.options = {"path": str(harness.folder / "place"), **options}

    def play(self, *, check: bool = False, delivery: dict[str, Any] | None = None, **robot: Any) -> list[Result]:
        run = self.harness.check if check else self.harness.run
        issued = run("quay_robot_token", {"name": "acme+ci", **robot})
        keys = ("token", "fingerprint", "username", "name", "created_at")
        returned = {key: issued.content[key] for key in keys}
        return [issued, run(self.module, {**self.options, **returned, **(delivery or {})})]

    def assert_predicted(self, **options: Any) -> list[Result]:
        """Play in check mode, then really. Returns the real results."""
        predicted = self.play(check=True, **options)
        real = self.play(**options)
        for before, after in zip(predicted, real, strict=True):
            assert_predicted(before, after)
        return real


@pytest.fixture
def family() -> str:
    return "3.18"


@every_delivery
def test_nothing_is_due(harness: Harness, module: str, options: dict[str, Any]) -> None:
    chain = Chain(harness, module, options)
    first = chain.assert_predicted()
    assert [result.changed for result in first] == [False, True]
    again = chain.assert_predicted()
    assert [(result.changed, result.diff) for result in again] == [(False, None), (False, None)]
    assert again[1]["fingerprint"] == harness.robot_fingerprint()


@every_delivery
def test_file_holds_a_former_secret(harness: Harness, module: str, options: dict[str, Any]) -> None:
    chain = Chain(harness, module, options)
    chain.play()
    harness.robot().token = tokens.robot_token()
    harness.known_secrets.add([harness.robot().token])
    delivered = chain.assert_predicted()[1]
    assert (delivered.changed, delivered["fingerprint"]) == (True, harness.robot_fingerprint())
    assert delivered.diff["before"]["token"] == "other"
    assert not chain.play(check=True)[1].changed


@every_delivery
def test_secret_is_due(harness: Harness, module: str, options: dict[str, Any]) -> None:
    """Check mode returns no fingerprint of a secret that would be issued."""
    chain = Chain(harness, module, options)
    chain.play()
    before = harness.robot_fingerprint()
    issued, delivered = chain.assert_predicted(rotate="always")
    assert (issued.changed, delivered.changed) == (True, True)
    assert before != delivered["fingerprint"] == harness.robot_fingerprint()


@every_delivery
def test_caller_holds_the_secret(harness: Harness, module: str, options: dict[str, Any]) -> None:
    """The real run returns no secret either. The stored one is enough to change the permissions of the file."""
    chain = Chain(harness, module, options)
    issued = chain.play()[0]
    held = {"current_token": issued["token"]}
    unchanged = chain.assert_predicted(**held)
    assert unchanged[0]["token"] is None
    assert [result.changed for result in unchanged] == [False, False]
    changed = chain.assert_predicted(delivery={"mode": "0640"}, **held)[1]
    assert (changed.changed, changed["fingerprint"]) == (True, harness.robot_fingerprint())
    assert (harness.folder / "place").stat().st_mode & 0o777 == 0o640
    assert [result.changed for result in chain.assert_predicted(delivery={"mode": "0640"})] == [False, False]


@every_delivery
def test_results_of_different_tasks(harness: Harness, module: str, options: dict[str, Any]) -> None:
    chain = Chain(harness, module, options)
    chain.play()
    files = harness.files()
    for check in (True, False):
        other = {"token": harness.robot().token, "fingerprint": "9f86d081884c"}
        refused = harness.run(module, {**chain.options, "username": "acme+ci", **other}, check=check)
        assert "fingerprint does not belong to token" in refused.message
        assert harness.files() == files
