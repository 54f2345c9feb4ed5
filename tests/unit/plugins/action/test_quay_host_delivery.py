# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of quay_host_delivery: each host gets what is for it, and is not connected to without need."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.tokensmith.quay.plugins.action.quay_host_delivery import ActionModule
from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import seal
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, SECRET


def run_of(**more: Any) -> dict[str, Any]:
    """What quay_rotation returned for the hosts a and b."""
    deliveries = {
        "a": [{"declared": "x", "entry": 0, "token": SECRET}],
        "b": [{"declared": "y", "entry": 0, "token": OTHER_SECRET}],
    }
    return {
        "planned": {"a": 1, "b": 1},
        "names": {"a": ["x", "x"], "b": ["y"], "r": ["x"]},
        "sealed": {host: seal(items) for host, items in deliveries.items()},
        "wrote_files": False,
        **more,
    }


class Delivery:
    """Runs the action on a host. ``executed``: the options with which it ran the module there."""

    def __init__(self, done: dict[str, Any] | None = None) -> None:
        self.executed: list[dict[str, Any]] = []
        self.unreachable = False
        self._done = {"changed": True, "deliveries": [{"error": None}]} if done is None else done

    def on(self, host: str, run: Any, *, check_mode: bool = False, **registered: Any) -> dict[str, Any]:
        arguments = {"run": run, "rotator": "r", "quay_host": "https://quay.example.com"}
        task = mock.Mock(args=arguments, check_mode=check_mode, async_val=0, diff=False)
        task.get_play.return_value._uuid = "p"
        action = ActionModule(
            task, mock.Mock(), mock.Mock(check_mode=check_mode), mock.Mock(), mock.Mock(), mock.Mock()
        )

        def execute(*, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            assert module_name == "tokensmith.quay.quay_host_delivery"
            assert task_vars["inventory_hostname"] == host
            self.executed.append(module_args)
            if self.unreachable:
                raise AnsibleConnectionFailure("Failed to connect")
            return dict(self._done)

        with mock.patch.object(action, "_execute_module", execute):
            return action.run(task_vars={"inventory_hostname": host, **registered})


@pytest.mark.parametrize(("host", "secret"), [("a", SECRET), ("b", OTHER_SECRET)])
def test_host_gets_only_its_own_secrets(host: str, secret: str) -> None:
    delivery = Delivery()
    result = delivery.on(host, run_of())
    (arguments,) = delivery.executed
    assert [item["token"] for item in arguments.pop("deliveries")] == [secret]
    assert arguments == {"quay_host": "https://quay.example.com"}
    assert (result["changed"], result["deliveries"]) == (True, [{"error": None}])
    assert result["credentials"] == (["x"] if host == "a" else ["y"])
    assert secret not in repr(result)


def test_host_without_a_delivery_is_not_connected_to() -> None:
    delivery = Delivery()
    assert delivery.on("c", run_of())["changed"] is False
    assert delivery.on("c", {})["credentials"] == []
    assert delivery.executed == []


def test_check_mode_predicts_without_a_connection() -> None:
    delivery = Delivery()
    result = delivery.on("a", run_of(sealed={}), check_mode=True)
    assert (result["changed"], result["credentials"], result["deliveries"]) == (True, ["x"], [])
    assert delivery.on("c", run_of(sealed={}), check_mode=True)["changed"] is False
    assert delivery.executed == []


def test_store_that_was_not_written_changed_nothing() -> None:
    assert Delivery({"changed": False, "deliveries": []}).on("a", run_of())["changed"] is False


def test_files_of_the_rotator_notify_its_handlers() -> None:
    delivery = Delivery({"changed": False, "deliveries": []})
    wrote = run_of(wrote_files=True)
    assert [delivery.on(host, wrote)["changed"] for host in ("r", "c", "a")] == [True, False, False]
    assert delivery.on("r", wrote)["credentials"] == ["x"]
    assert delivery.on("r", run_of())["changed"] is False


X = {"credential": "x", "entry": 0, "error": None}
EARLIER = {"credential": "earlier", "entry": 1, "error": None}


def test_run_by_the_name_of_its_variable() -> None:
    delivery = Delivery()
    assert delivery.on("a", "__rotation_run", __rotation_run=run_of())["credentials"] == ["x"]


def test_deliveries_of_all_rounds() -> None:
    """What is delivered again counts no longer as it was delivered before."""
    former = {"play": "p", "deliveries": [{**X, "error": "disk full"}, EARLIER]}
    result = Delivery({"changed": True, "deliveries": [X]}).on("a", run_of(), __rotation_delivery=former)
    assert result["deliveries"] == [EARLIER, X]
    result = Delivery().on("c", run_of(), __rotation_delivery=former)
    assert result["deliveries"] == former["deliveries"]


def test_delivery_of_another_play_does_not_count() -> None:
    former = {"play": "other", "deliveries": [EARLIER], "lost": "Failed to connect"}
    result = Delivery({"changed": True, "deliveries": [X]}).on("a", run_of(), __rotation_delivery=former)
    assert (result["deliveries"], "lost" in result) == ([X], False)


def test_lost_host_is_not_connected_to_again() -> None:
    delivery = Delivery()
    delivery.unreachable = True
    former = {"play": "p", "deliveries": [X, EARLIER]}
    lost = delivery.on("a", run_of(), __rotation_delivery=former)
    assert (lost["unreachable"], lost["msg"], lost["deliveries"]) == (True, "Failed to connect", [EARLIER])
    again = delivery.on("a", run_of(), __rotation_delivery=lost)
    assert (again["lost"], again["changed"], again["credentials"]) == ("Failed to connect", False, [])
    assert again["deliveries"] == [EARLIER]
    assert len(delivery.executed) == 1
    assert "unreachable" not in again


def test_credential_stands_for_the_rotator() -> None:
    """Its handlers are those for the files of the rotator. It has no files of its own."""
    delivery = Delivery()
    result = delivery.on("acme+ci", run_of(wrote_files=True), rotation_hosts_are_credentials=True)
    assert (result["changed"], result["credentials"], delivery.executed) == (True, ["x"], [])
    assert delivery.on("acme+ci", run_of(wrote_files=True))["changed"] is False
