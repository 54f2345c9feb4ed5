# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of quay_rotation: one run of the module for all hosts of a batch, and the secrets sealed for each host."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display

from ansible_collections.tokensmith.quay.plugins.action.quay_rotation import ActionModule
from ansible_collections.tokensmith.quay.plugins.module_utils._module.packing import pack_result, unpack_arguments
from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import compacted, expanded
from ansible_collections.tokensmith.quay.plugins.plugin_utils.sealing import unseal
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, SECRET

FILE = {"kind": "file", "path": "/etc/ci/quay"}
ROW = {"name": "acme+ci", "kind": "robot", "minted": True, "changed": True, "error": None, "reason": "forced"}
ROW.update(message="forced", action="mint", waiting_for=[], fingerprint="9f86d081884c", exists=True, due=True)
ROW.update(delivered=["a:/etc/ci/quay", "b:/etc/ci/quay"], removed=[])


def plan(**options: Any) -> dict[str, Any]:
    """What quay_host_inspection returns."""
    inspected: dict[str, Any] = {
        "place": "/etc/ci/quay",
        "part": "",
        "error": None,
        "warnings": [],
        "fingerprint": None,
    }
    store = {"entry": 0, "options": FILE, "on_rotator": False, "former": False, "hosts": None, "inspected": inspected}
    credential = {"name": "acme+ci", "kind": "robot", "identity": "acme+ci", "stores": [store], **options}
    return {"credentials": [credential], "force": ["acme+ci"], "compromised": [], "play": "p"}


class Rotation:
    """Runs the action for a batch. ``executed``: the options with which it ran the module."""

    def __init__(self, batch: str = "ab", **registered: Any) -> None:
        self.executed: list[dict[str, Any]] = []
        self.printed: list[str] = []
        self.shown = True  # whether the connection may show the output of the module
        hosts = ["a", "b"]
        self._task_vars = {
            "ansible_play_hosts_all": hosts,
            "ansible_play_batch": list(batch),
            "ansible_play_hosts": hosts,
            "groups": {"all": hosts},
            "hostvars": {host: {"__rotation_plan": plan(), **registered.get(host, {})} for host in hosts},
        }

    def register(self, **results: Any) -> None:
        """What tasks of the role registered on the host that runs the action."""
        self._task_vars.update(results)

    def run(self, done: dict[str, Any], *, check_mode: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"rotator": "r", "missing_hosts": "wait", "ignore_hosts": [], "expected_hosts": "", **arguments}
        task = mock.Mock(args=given, check_mode=check_mode, async_val=0, diff=True)
        task.get_play.return_value.hosts = "all"
        task.get_play.return_value._uuid = "p"
        templar = mock.Mock()
        templar.template = lambda value: value
        play_context = mock.Mock(check_mode=check_mode, no_log=False)
        action = ActionModule(task, mock.Mock(), play_context, DataLoader(), templar, mock.Mock())

        def execute(*, module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
            assert module_name == "tokensmith.quay.quay_rotation"
            self.executed.append(unpack_arguments(module_args, ["credentials"]))
            self.shown = not play_context.no_log
            return dict(done) if "module_stdout" in done else pack_result(done)

        with mock.patch.object(action, "_execute_module", execute), mock.patch.object(
            Display, "display", lambda _display, line: self.printed.append(line)
        ):
            return action.run(task_vars=self._task_vars)


DELIVERED: dict[str, Any] = {
    "changed": True,
    "results": [ROW],
    "worked_on": ["acme+ci"],
    "remaining": [],
    "changes": [{"before": {}, "after": {"token": "new"}}],
    "deliveries": [
        {"host": "a", "declared": "acme+ci", "entry": 0, "token": SECRET},
        {"host": "b", "declared": "acme+ci", "entry": 0, "token": OTHER_SECRET},
    ],
}


def test_secrets_are_sealed_for_each_host() -> None:
    result = Rotation().run(DELIVERED)
    sealed = {host: unseal(text) for host, text in result["sealed"].items()}
    assert {host: [item["token"] for item in items] for host, items in sealed.items()} == {
        "a": [SECRET],
        "b": [OTHER_SECRET],
    }
    assert not any("host" in item for items in sealed.values() for item in items)
    for secret in (SECRET, OTHER_SECRET):
        assert secret not in repr(result)
    assert not any(key in result for key in ("deliveries", "packed"))
    assert (result["planned"], result["names"]) == ({"a": 1, "b": 1}, {"a": ["acme+ci"], "b": ["acme+ci"]})
    assert (result["results"], result["diff"]) == ([ROW], DELIVERED["changes"])


def test_connection_does_not_show_the_output_of_the_module() -> None:
    """That of SSH shows it with -vvv, and it holds what is packed for the hosts."""
    rotation = Rotation()
    rotation.run(DELIVERED)
    assert rotation.shown is False


def test_module_runs_once_with_the_credentials_of_all_hosts() -> None:
    rotation = Rotation()
    rotation.run(DELIVERED, logins={"scan": {}}, store_logins={})
    (arguments,) = rotation.executed
    (credential,) = arguments.pop("credentials")
    assert [consumer["host"] for consumer in credential["consumers"]] == ["a", "b"]
    assert arguments == {
        "phase": "rotate",
        "force": ["acme+ci"],
        "compromised": [],
        "forced_before": False,
        "minted_before": [],
        "missing_hosts": "wait",
        "logins": {"scan": {}},
        "store_logins": {},
        "login_needs": {"scopes": {"org:admin": {"names": ["acme+ci"], "count": 1}}, "further": [], "complete": True},
        "login_successors": [],
    }


SUCCESSOR = {"fingerprint": "9f86d081884c", "token": SECRET}


def test_new_token_of_the_login_is_sealed_for_the_next_tasks() -> None:
    """For the confirmation, for the next batch of credentials, and for the next batch of hosts."""
    rotation, _former = confirmable()
    first = Rotation().run({**DELIVERED, "login_successor": SUCCESSOR})
    assert SECRET not in repr(first)
    assert [unseal(text) for text in first["sealed_login"]] == [SUCCESSOR]
    rotation.run({"changed": False, "results": [ROW]}, run=first)
    assert rotation.executed[-1]["login_successors"] == [SUCCESSOR]
    rotation.register(__rotation_run=first)
    rotation.run(DELIVERED)
    assert rotation.executed[-1]["login_successors"] == [SUCCESSOR]
    later = Rotation(batch="b", a={"__rotation_run": first, "__rotation_run_final": first})
    again = later.run(DELIVERED)
    assert later.executed[-1]["login_successors"] == [SUCCESSOR]
    assert again["sealed_login"] == first["sealed_login"]


def test_what_the_login_is_needed_for() -> None:
    rotation = Rotation()
    rotation.run(DELIVERED, login_scopes="repo:create, user:read")
    assert rotation.executed[0]["login_needs"]["further"] == ["repo:create", "user:read"]
    assert "login_scopes" not in rotation.executed[0]
    refused = rotation.run(DELIVERED, login_scopes="repo:all")
    assert (refused["failed"], len(rotation.executed)) == (True, 1)
    assert refused["msg"].startswith("Nothing was sent. rotation_login_scopes must be ")


def test_needs_are_not_complete_while_a_host_was_not_seen() -> None:
    """It may declare other credentials. So may other slices of an inventory of credentials."""
    rotation = Rotation(batch="a", b={"__rotation_plan": {**plan(), "unreachable": True}})
    rotation.run(DELIVERED)
    assert rotation.executed[0]["login_needs"]["complete"] is False


def test_later_batch_knows_what_was_issued() -> None:
    rotation = Rotation(batch="b", a={"__rotation_run_final": {"results": [ROW]}})
    rotation.run(DELIVERED)
    assert (rotation.executed[0]["forced_before"], rotation.executed[0]["minted_before"]) == (True, ["acme+ci"])


@pytest.mark.parametrize(
    "lost",
    [{"__rotation_delivery": {"lost": "gone"}}, {"__rotation_plan": {"play": "p", "unreachable": True, "msg": "gone"}}],
    ids=["at the delivery", "before"],
)
def test_later_batch_knows_what_was_issued_for_hosts_that_were_lost(lost: dict[str, Any]) -> None:
    """A forced rotation is not repeated because nobody of the earlier batch is left."""
    rotation = Rotation(batch="b", a={"__rotation_run_final": {"results": [ROW]}, **lost})
    rotation.run(DELIVERED)
    assert (rotation.executed[0]["forced_before"], rotation.executed[0]["minted_before"]) == (True, ["acme+ci"])


def test_nothing_is_run_for_declarations_that_contradict_each_other() -> None:
    rotation = Rotation(b={"__rotation_plan": plan(max_age="90d")})
    result = rotation.run(DELIVERED)
    assert (result["failed"], rotation.executed) == (True, [])
    assert result["msg"].startswith("Nothing was sent. acme+ci is declared differently on a and b (max_age)")


def test_nothing_is_run_for_an_invalid_number_of_hosts() -> None:
    rotation = Rotation()
    result = rotation.run(DELIVERED, expected_hosts="many")
    assert (result["failed"], rotation.executed) == (True, [])
    assert result["msg"].startswith("Nothing was sent. rotation_expected_hosts must be a whole number")


def test_nothing_is_run_if_nothing_is_declared() -> None:
    nothing: dict[str, Any] = {"__rotation_plan": {"credentials": [], "force": [], "compromised": [], "play": "p"}}
    rotation = Rotation(a=nothing, b=nothing)
    result = rotation.run(DELIVERED)
    assert (result["changed"], result["results"], rotation.executed) == (False, [], [])


def test_failed_module() -> None:
    result = Rotation().run({"failed": True, "msg": "Quay does not accept the token"})
    assert (result["failed"], result["msg"]) == (True, "Quay does not accept the token")
    assert "sealed" not in result


def confirmable(**deliveries: dict[str, Any]) -> tuple[Rotation, dict[str, Any]]:
    """The second run of the action, after these deliveries."""
    first = Rotation().run(DELIVERED)
    item = {"place": "/etc/ci/quay", "credential": "acme+ci", "entry": 0, "error": None, "changed": True}
    delivered = {"deliveries": [item]}
    registered = {host: {"__rotation_delivery": deliveries.get(host, delivered)} for host in ("a", "b")}
    return Rotation("ab", **registered), first


def test_delivery_is_confirmed() -> None:
    rotation, first = confirmable()
    done = {"changed": True, "results": [{**ROW, "retired": ["old"], "superseded": []}], "deliveries": []}
    result = rotation.run(done, run=first)
    assert (rotation.executed[0]["phase"], result["changed"]) == ("confirm", True)
    (row,) = result["results"]
    assert (row["retired"], row["error"], row["failed_hosts"]) == (["old"], None, {})
    assert "deliveries" not in result


def test_failed_delivery_is_not_confirmed() -> None:
    rotation, first = confirmable(b={"unreachable": True, "msg": "Failed to connect"})
    result = rotation.run({}, run=first)
    assert (rotation.executed, result["changed"]) == ([], False)
    assert result["results"][0]["failed_hosts"] == {"b": "Failed to connect"}


def test_confirmation_that_fails_is_an_error_of_its_credentials() -> None:
    rotation, first = confirmable()
    result = rotation.run({"failed": True, "msg": "connection refused"}, run=first)
    assert not result.get("failed")
    assert result["results"][0]["error"] == "not confirmed: connection refused"


def test_check_mode_confirms_nothing() -> None:
    rotation, first = confirmable()
    result = rotation.run({}, run=first, check_mode=True)
    assert (rotation.executed, result["results"][0]["error"]) == ([], None)


def test_what_somebody_else_rotated_meanwhile_is_delivered_again() -> None:
    rotation, first = confirmable()
    repeated = {**ROW, "minted": False, "delivered": ["a:/etc/ci/quay"]}
    deliveries = [{"host": "a", "declared": "acme+ci", "entry": 0, "token": OTHER_SECRET}]
    second = rotation.run({"changed": True, "results": [repeated], "deliveries": deliveries}, run=first)
    assert [item["token"] for item in unseal(second["sealed"]["a"])] == [OTHER_SECRET]
    assert (second["repeated"], second["planned"], second["names"]) == (["acme+ci"], {"a": 1}, {"a": ["acme+ci"]})
    assert OTHER_SECRET not in repr(second)
    last = rotation.run({"changed": False, "results": [{**ROW, "delivered": []}]}, run=second)
    assert [arguments["phase"] for arguments in rotation.executed] == ["confirm", "last"]
    assert (last["sealed"], last["repeated"], last["results"][0]["error"]) == ({}, [], None)


def two_credentials() -> dict[str, Any]:
    """What a host declares: acme+ci and acme+second."""
    second = plan(name="acme+second", identity="acme+second")
    return {**second, "credentials": [*plan()["credentials"], *second["credentials"]]}


def row_of(name: str, **values: Any) -> dict[str, Any]:
    return {**ROW, "name": name, "delivered": [], **values}


def test_batches_of_credentials() -> None:
    """Each takes what the former ones left, and the last result has all of them."""
    both = {"__rotation_plan": two_credentials()}
    rotation = Rotation(a=both, b=both)
    first = {"changed": True, "results": [row_of("acme+ci")], "worked_on": ["acme+ci"], "remaining": ["acme+second"]}
    run = rotation.run(first, batch=1)
    assert (run["rounds"], run["remaining"], [item["name"] for item in run["credentials"]]) == (
        2,
        ["acme+second"],
        ["acme+ci"],
    )
    rotation.register(__rotation_run=run)
    final = rotation.run({}, run="__rotation_run")
    rotation.register(__rotation_run_final=final)
    last = {"changed": True, "results": [row_of("acme+second", error="boom")], "remaining": []}
    run = rotation.run({**last, "worked_on": ["acme+second"]}, batch=1, round=1)
    assert [item["name"] for item in rotation.executed[1]["credentials"]] == ["acme+second"]
    rotation.register(__rotation_run=run)
    final = rotation.run({}, run="__rotation_run", round=1)
    assert [(row["name"], row["error"]) for row in final["results"]] == [("acme+ci", None), ("acme+second", "boom")]
    assert final["declared"] == [{"name": name, "kind": "robot"} for name in ("acme+ci", "acme+second")]
    assert [line.partition(", about")[0] for line in rotation.printed] == [
        "1 of 2 credentials done",
        "2 of 2 credentials done, 1 failed",
    ]


def test_one_batch_needs_no_line() -> None:
    rotation, first = confirmable()
    rotation.run({"changed": True, "results": [ROW], "deliveries": []}, run=first)
    assert rotation.printed == []


def test_what_is_delivered_again_leaves_the_results_of_others() -> None:
    rotation, first = confirmable()
    run = {
        **first,
        "credentials": [*first["credentials"], {**first["credentials"][0], "name": "acme+second"}],
        "results": [ROW, row_of("acme+second", delivered=["a:/etc/ci/quay"])],
        "repeated": ["acme+ci"],
    }
    last = rotation.run({"changed": False, "results": [{**ROW, "delivered": []}]}, run=run)
    assert [item["name"] for item in rotation.executed[0]["credentials"]] == ["acme+ci"]
    rows = {row["name"]: row for row in last["results"]}
    assert rows["acme+second"] == row_of("acme+second", delivered=["a:/etc/ci/quay"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"parallel": "many"}, "rotation_parallel must be a whole number"),
        ({"parallel": 0}, "rotation_parallel must be 1 or more, not 0"),
        ({"batch": "-1"}, "rotation_batch must be 0 or more, not -1"),
    ],
)
def test_nothing_is_run_for_an_invalid_number(options: dict[str, Any], words: str) -> None:
    rotation = Rotation()
    result = rotation.run(DELIVERED, **options)
    assert (result["failed"], rotation.executed) == (True, [])
    assert result["msg"].startswith(f"Nothing was sent. {words}")


@pytest.mark.parametrize(("given", "expected"), [("", 100), (None, 100), (0, 0), ("7", 7)])
def test_size_of_a_batch(given: Any, expected: int) -> None:
    rotation = Rotation()
    rotation.run(DELIVERED, batch=given)
    assert rotation.executed[0]["batch"] == expected


def test_report_after_a_repeated_delivery_has_what_was_not_due() -> None:
    """The second confirmation begins with the result of the first."""
    rotation, first = confirmable()
    idle = row_of("acme+idle", minted=False, changed=False, reason="not_due", action="nothing")
    first["declared"].append({"name": "acme+idle", "kind": "robot"})
    first["results"].append(idle)
    deliveries = [{"host": "a", "declared": "acme+ci", "entry": 0, "token": OTHER_SECRET}]
    repeated = {**ROW, "minted": False, "delivered": ["a:/etc/ci/quay"]}
    second = rotation.run({"changed": True, "results": [repeated], "deliveries": deliveries}, run=first)
    last = rotation.run({"changed": False, "results": [{**ROW, "delivered": []}]}, run=second)
    assert {row["name"]: row["error"] for row in last["rows"]} == {"acme+ci": None, "acme+idle": None}
    assert last["summary"]["not_due"] == 1


def test_rounds_with_compact_results() -> None:
    """Each call opens what the former ones returned, and the results are the same."""
    plain, compact = (rounds_of_two_credentials(compact=value) for value in (False, True))
    assert "compact" in compact
    assert not any(key in compact for key in ("results", "rows", "credentials", "declared", "remaining"))
    same = {key: value for key, value in expanded(compact).items() if key != "began"}
    assert same == {key: value for key, value in plain.items() if key != "began"}
    assert [row["name"] for row in same["rows"]] == ["acme+ci", "acme+second"]


def rounds_of_two_credentials(*, compact: bool) -> dict[str, Any]:
    """The last result of a run that takes two rounds."""
    declared = two_credentials()
    both = {"__rotation_plan": compacted(declared, ["credentials"]) if compact else declared}
    rotation = Rotation(a=both, b=both)
    final: dict[str, Any] = {}
    for number, name in enumerate(("acme+ci", "acme+second")):
        left = ["acme+second"] if number == 0 else []
        done = {"changed": True, "results": [row_of(name)], "worked_on": [name], "remaining": left}
        rotation.register(__rotation_run=rotation.run(done, round=number, compact=compact))
        final = rotation.run({}, run="__rotation_run", round=number, compact=compact)
        rotation.register(__rotation_run_final=final)
    return final
