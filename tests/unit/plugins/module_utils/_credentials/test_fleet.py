# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One credential on many hosts: what is combined, who is missing, and what became of it."""

from __future__ import annotations

from typing import Any, Mapping

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.fleet import (
    Play,
    combined_credentials,
    delivered_names,
    final_results,
    names_in_plans,
    planned_deliveries,
    task_runs,
    to_confirm,
    with_earlier,
    wrote_own_files,
)

PATH = "/etc/ci/quay.json"
IDENTITY = "robot acme+ci of quay.example.com"
FILE = {"kind": "file", "path": PATH, "format": "json"}
EMPTY: dict[str, Any] = {
    "place": PATH,
    "part": "",
    "error": None,
    "warnings": [],
    "fingerprint": None,
    "username": None,
}
UNREACHABLE = {"unreachable": True, "msg": "Failed to connect"}


def store(entry: int = 0, *, hosts: list[str] | None = None, **inspected: Any) -> dict[str, Any]:
    """A file of the host itself, as quay_host_inspection returns it."""
    found = {**EMPTY, **inspected}
    options = {**FILE, "path": found["place"]}
    return {
        "entry": entry,
        "options": options,
        "on_rotator": False,
        "former": False,
        "hosts": hosts,
        "inspected": found,
    }


def on_rotator(entry: int = 0, path: str = "/etc/ci/primary") -> dict[str, Any]:
    """A file of the rotator."""
    options = {"kind": "file", "path": path}
    return {"entry": entry, "options": options, "on_rotator": True, "former": False, "hosts": ["r"], "inspected": None}


def plan(*stores: dict[str, Any], name: str = "acme+ci", identity: str = IDENTITY, **options: Any) -> dict[str, Any]:
    """What quay_host_inspection returns for a host with one credential."""
    declared = {"name": name, "kind": "robot", "deliver": [item["options"] for item in stores], **options}
    credential = {**declared, "position": 0, "identity": identity, "stores": list(stores or [store()])}
    return {"credentials": [credential], "force": [], "compromised": []}


def play(plans: Mapping[str, Any], **more: Any) -> Play:
    """A play of one batch with the hosts of these plans, of which none failed."""
    hosts = list(more.get("hosts", plans))
    alive = [host for host, item in plans.items() if not item.get("unreachable")]
    given = {"rotator": "r", "hosts": hosts, "running": hosts, "batch": hosts, "alive": alive, "plans": plans}
    return Play(**{**given, **more})


def only(given: Play) -> dict[str, Any]:
    (credential,) = combined_credentials(given)
    return credential


def hosts_of(credential: Mapping[str, Any]) -> list[str]:
    return [consumer["host"] for consumer in credential["consumers"]]


def delivery(host_error: str | None = None, *, entry: int = 0, **more: Any) -> dict[str, Any]:
    """What quay_host_delivery returns for one credential."""
    item = {**EMPTY, "credential": "acme+ci", "entry": entry, "changed": not host_error, "error": host_error, **more}
    return {"deliveries": [item]}


def test_deliveries_of_all_hosts_add_up() -> None:
    plans = {
        "a": plan(store(fingerprint="a1"), on_rotator(1), max_age="90d"),
        "b": plan(store(place="/srv/b"), on_rotator(1), on_rotator(2, "/etc/ci/second"), max_age="90d"),
    }
    assert combined_credentials(play(plans)) == [
        {
            "name": "acme+ci",
            "kind": "robot",
            "max_age": "90d",
            "identity": IDENTITY,
            "deliver": [{"kind": "file", "path": "/etc/ci/primary"}, {"kind": "file", "path": "/etc/ci/second"}],
            "consumers": [
                {**EMPTY, "fingerprint": "a1", "host": "a", "entry": 0, "options": FILE},
                {**EMPTY, "place": "/srv/b", "host": "b", "entry": 0, "options": {**FILE, "path": "/srv/b"}},
            ],
            "former": [],
            "former_consumers": [],
            "missing": [],
            "out_of_reach": [],
        }
    ]


def test_different_credentials_of_hosts_are_all_returned() -> None:
    found = combined_credentials(play({"a": plan(), "b": plan(name="acme+build", identity="robot acme+build")}))
    assert [(item["name"], hosts_of(item)) for item in found] == [("acme+ci", ["a"]), ("acme+build", ["b"])]


def test_one_robot_under_two_names_is_refused() -> None:
    """Each of them would invalidate the secret of the other."""
    pair = plan(name="acme+duo", strategy="paired", pair=["ci", "cd"], identity="robot acme+duo of quay.example.com")
    with pytest.raises(BadInput) as error:
        combined_credentials(play({"a": plan(), "b": pair}))
    assert str(error.value) == "acme+duo on b and acme+ci on a both use the robot account acme+ci. Declare it once"
    other = {**pair["credentials"][0], "identity": "robot acme+duo of other.example.com"}
    assert len(combined_credentials(play({"a": plan(), "b": {"credentials": [other]}}))) == 2


@pytest.mark.parametrize(
    ("other", "different"),
    [
        ({"max_age": "30d"}, "max_age"),
        ({"max_age": "90d", "strategy": "paired"}, "strategy"),
        ({}, "max_age"),
        ({"max_age": "90d", "identity": "robot acme+ci of other.example.com"}, "quay_host"),
        ({"max_age": "30d", "state": "absent"}, "max_age, state"),
    ],
)
def test_contradictions_are_refused(other: dict[str, Any], different: str) -> None:
    with pytest.raises(BadInput) as error:
        combined_credentials(play({"a": plan(max_age="90d"), "b": plan(**other)}))
    assert str(error.value) == (
        f"acme+ci is declared differently on a and b ({different}). Declare it once, for example in group_vars/all, or "
        "give the two different names"
    )


def test_position_of_a_declaration_may_be_different() -> None:
    second = plan()
    second["credentials"][0]["position"] = 4
    assert hosts_of(only(play({"a": plan(), "b": second}))) == ["a", "b"]


def test_invalid_declarations_of_any_host_are_refused() -> None:
    plans = {"a": plan(), "b": {"failed": True, "msg": "maxage is not an option"}, "c": UNREACHABLE}
    with pytest.raises(BadInput, match="^b: maxage is not an option$"):
        combined_credentials(play(plans))
    # An unreachable host declares nothing.
    assert hosts_of(only(play({"a": plan(), "c": {**UNREACHABLE, "failed": True}}))) == ["a"]


def test_each_missing_host_has_its_reason() -> None:
    hosts = ["a", "down", "gone", "later", "broken", "limited"]
    named = [*hosts, "elsewhere", "r"]
    batch, running = ["a", "down", "gone", "broken"], hosts[:-1]
    plans = {"a": plan(store(hosts=named)), "down": UNREACHABLE, "broken": plan(store(hosts=named))}
    options: dict[str, Any] = {"hosts": hosts, "batch": batch, "running": running, "alive": ["a", "later"]}
    reasons = [
        "broken (failed)",
        "down (unreachable)",
        "elsewhere (not part of this run)",
        "gone (unreachable or failed before)",
        "later (in a later batch)",
        "limited (not part of this run)",
    ]
    assert only(play(plans, **options))["missing"] == reasons
    # Without a pattern, every host of the play has the store.
    everywhere = {**plans, "a": plan()}
    assert only(play(everywhere, **options))["missing"] == [item for item in reasons if "elsewhere" not in item]


def test_rotator_is_never_missing() -> None:
    assert only(play({"a": plan(), "r": UNREACHABLE}))["missing"] == []


def test_hosts_without_a_store_of_the_credential_are_not_missing() -> None:
    assert only(play({"a": plan(store(hosts=["a"])), "b": UNREACHABLE}))["missing"] == []
    assert only(play({"a": plan(on_rotator()), "b": plan(on_rotator())}))["missing"] == []


def test_ignored_hosts_are_not_missing() -> None:
    given = play({"a": plan(store(hosts=["a", "old", "gone"]))}, ignored=["old"])
    assert only(given)["missing"] == ["gone (not part of this run)"]


@pytest.mark.parametrize(("expected", "missing"), [(None, []), (1, []), (2, []), (5, ["3 more of 5 expected hosts"])])
def test_expected_hosts(expected: int | None, missing: list[str]) -> None:
    assert only(play({"a": plan(), "b": plan()}, expected=expected))["missing"] == missing


def test_later_batch_sees_what_the_earlier_one_was_given() -> None:
    plans = {"a": plan(store(fingerprint="former")), "b": plan(store(fingerprint="former"))}
    given = play(plans, batch=["b"], alive=["a", "b"], deliveries={"a": delivery(fingerprint="present")})
    found = only(given)
    assert [(item["host"], item["fingerprint"]) for item in found["consumers"]] == [("a", "present"), ("b", "former")]
    assert (found["missing"], found["out_of_reach"]) == ([], ["a (in an earlier batch)"])
    assert (given.seen, given.earlier) == (["a", "b"], ["a"])


def test_host_of_an_earlier_batch_without_a_delivery_is_out_of_reach() -> None:
    found = only(play({"a": plan(), "b": plan()}, batch=["b"], alive=["a", "b"]))
    assert (hosts_of(found), found["out_of_reach"]) == (["a", "b"], ["a (in an earlier batch)"])


@pytest.mark.parametrize("failed", [delivery("disk full"), UNREACHABLE, {"failed": True, "msg": "no Python"}])
def test_failed_delivery_of_an_earlier_batch_is_missing(failed: dict[str, Any]) -> None:
    found = only(play({"a": plan(), "b": plan()}, batch=["b"], alive=["a", "b"], deliveries={"a": failed}))
    assert (hosts_of(found), found["missing"], found["out_of_reach"]) == (["b"], ["a (delivery failed)"], [])


def test_host_that_failed_meanwhile_is_missing() -> None:
    plans = {"a": plan(), "b": plan()}
    assert only(play(plans, alive=["b"]))["missing"] == ["a (failed)"]
    assert only(play(plans, alive=["b"], batch=["b"]))["missing"] == ["a (failed)"]


def test_host_whose_handler_failed_is_missing() -> None:
    """Its daemon may still use the former secret."""
    plans = {"a": plan(), "b": plan()}
    given = play(plans, deliveries={"a": delivery(), "b": delivery()}, pending=["b"])
    assert to_confirm(given, combined_credentials(play(plans)), [RESULT]) == []
    # In a later batch, too.
    later = play({**plans, "c": plan()}, batch=["c"], alive=["a", "b", "c"], deliveries=given.deliveries, pending=["b"])
    assert (hosts_of(only(later)), only(later)["missing"]) == (["a", "c"], ["b (failed)"])


def test_names_to_force_come_from_all_hosts_that_were_seen() -> None:
    plans = {
        "a": {**plan(), "force": ["x", "y"]},
        "b": {**plan(), "force": ["y", "z"]},
        "c": {**plan(), "force": ["failed"]},
    }
    assert names_in_plans(play(plans, alive=["a", "b"]), "force") == ["x", "y", "z"]
    assert names_in_plans(play(plans), "compromised") == []


RESULT = {
    "name": "acme+ci",
    "kind": "robot",
    "changed": True,
    "minted": True,
    "delivered": [f"a:{PATH}", f"b:{PATH}"],
    "removed": [],
    "retired": [],
    "ended": None,
    "superseded": ["old"],
    "error": None,
}


def fleet(**deliveries: Any) -> tuple[Play, list[dict[str, Any]]]:
    """Two hosts with one credential after the delivery."""
    given = play({"a": plan(), "b": plan()}, deliveries=deliveries)
    return given, combined_credentials(play({"a": plan(), "b": plan()}))


def test_planned_deliveries_are_counted_for_each_host() -> None:
    plans = {"a": plan(store(), store(1, place="/srv/a")), "b": plan(), "c": plan()}
    credentials = combined_credentials(play(plans))
    result = {**RESULT, "delivered": [f"a:{PATH}", "a:/srv/a"], "removed": [f"b:{PATH}"]}
    assert planned_deliveries([result], credentials) == {"a": 2, "b": 1}
    assert delivered_names([result], credentials, "r") == {"a": ["acme+ci"], "b": ["acme+ci"]}
    assert planned_deliveries([{**RESULT, "delivered": []}], credentials) == {}


def test_files_of_the_rotator_notify_its_handlers() -> None:
    credentials = combined_credentials(play({"a": plan(store(), on_rotator(1))}))
    written = {**RESULT, "delivered": [f"a:{PATH}", "/etc/ci/primary"]}
    assert delivered_names([written], credentials, "r") == {"a": ["acme+ci"], "r": ["acme+ci"]}
    assert wrote_own_files([written], credentials) is True
    assert wrote_own_files([{**RESULT, "delivered": [f"a:{PATH}"]}], credentials) is False
    assert wrote_own_files([{**RESULT, "delivered": [], "removed": ["/etc/ci/primary"]}], credentials) is True


def test_delivery_to_all_hosts_is_confirmed() -> None:
    given, credentials = fleet(a=delivery(fingerprint="new"), b=delivery(fingerprint="new"))
    (found,) = to_confirm(given, credentials, [RESULT])
    assert [consumer["fingerprint"] for consumer in found["consumers"]] == ["new", "new"]
    assert {key: found[key] for key in ("name", "kind", "missing")} == {**PLAIN, "missing": []}


PLAIN = {"name": "acme+ci", "kind": "robot"}


@pytest.mark.parametrize("failed", [delivery("disk full"), UNREACHABLE, {"failed": True, "msg": "no Python"}])
def test_failed_delivery_is_not_confirmed(failed: dict[str, Any]) -> None:
    given, credentials = fleet(a=delivery(), b=failed)
    assert to_confirm(given, credentials, [RESULT]) == []


def test_nothing_to_confirm() -> None:
    given, credentials = fleet(a=delivery(), b=delivery())
    for result in ({**RESULT, "error": "refused"}, {**RESULT, "delivered": []}):
        assert to_confirm(given, credentials, [result]) == []
    unfit: list[dict[str, Any]] = [{"state": "absent"}, {"missing": ["c (unreachable)"]}, {"consumers": []}]
    for changes in unfit:
        assert to_confirm(given, [{**credentials[0], **changes}], [RESULT]) == []
    # A host that failed after its delivery, for example in a handler.
    late = play({"a": plan(), "b": plan()}, deliveries=given.deliveries, alive=["a"])
    assert to_confirm(late, credentials, [RESULT]) == []


def final(given: Play, credentials: list[dict[str, Any]], result: dict[str, Any], **more: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"confirmed": {}, "compromised": [], **more}
    (row,) = final_results(given, credentials, [result], options["confirmed"], options["compromised"])
    return row


def test_final_result_of_a_confirmed_credential() -> None:
    given, credentials = fleet(a=delivery(), b=delivery())
    confirmed = {"acme+ci": {"changed": True, "retired": ["old"], "superseded": [], "ended": True, "error": None}}
    row = final(given, credentials, {**RESULT, "changed": False}, confirmed=confirmed, compromised=["acme+ci"])
    assert row == {
        **RESULT,
        "retired": ["old"],
        "superseded": [],
        "ended": True,
        "failed_hosts": {},
    }


def test_final_result_names_the_hosts_on_which_the_delivery_failed() -> None:
    given, credentials = fleet(a=delivery("disk full"), b=UNREACHABLE)
    row = final(given, credentials, RESULT)
    assert row["failed_hosts"] == {"a": "disk full", "b": "Failed to connect"}
    assert row["error"] == "a: disk full; b: Failed to connect"
    assert (row["delivered"], row["changed"], row["minted"]) == ([], True, True)


def test_failure_of_a_store_that_was_not_to_be_written_is_no_failure() -> None:
    given, credentials = fleet(a=delivery("disk full"), b=delivery())
    row = final(given, credentials, {**RESULT, "delivered": [f"b:{PATH}"]})
    assert (row["failed_hosts"], row["error"], row["delivered"]) == ({}, None, [f"b:{PATH}"])


def test_final_result_names_the_hosts_that_keep_what_is_removed() -> None:
    given, credentials = fleet(a=delivery(), b=delivery())
    removal = [{**credentials[0], "missing": ["c (unreachable)"], "state": "absent"}]
    result = {**RESULT, "delivered": [], "removed": [f"a:{PATH}"]}
    assert final(given, removal, result)["waiting_for"] == ["c (unreachable)"]
    assert "waiting_for" not in final(given, removal, {**result, "changed": False})


def test_final_result_has_the_error_of_the_rotation_and_of_the_confirmation() -> None:
    given, credentials = fleet(a=delivery(), b=delivery())
    row = final(
        given, credentials, {**RESULT, "error": "refused"}, confirmed={"acme+ci": {"error": "it changed again"}}
    )
    assert row["error"] == "refused; it changed again"
    assert row["superseded"] == ["old"]


def leaked(result: dict[str, Any], missing: list[str] | None = None, **more: Any) -> str | None:
    """The error of a credential whose secret leaked."""
    given, credentials = fleet(a=delivery(), b=delivery())
    row = final(given, [{**credentials[0], "missing": missing or []}], result, compromised=["acme+ci"], **more)
    error: str | None = row["error"]
    return error


def test_leaked_secret_that_is_still_accepted() -> None:
    robot = RESULT
    again = "Run the play again when all hosts are reachable"
    assert leaked(robot) == f"its former secret is still accepted. {again}"
    missing = [f"{host} (unreachable)" for host in "cdefg"]
    assert leaked(robot, missing) == (
        "its former secret is still accepted: it waits for c (unreachable), d (unreachable), e (unreachable) and 2 "
        f"more. {again}"
    )
    assert leaked({**robot, "ended": True}) is None
    assert leaked({**robot, "minted": False}) is None
    assert leaked({**RESULT, "kind": "api"}) == f"its former secret is still accepted. {again}"
    # A former secret that cannot be revoked is not superseded.
    assert leaked({**RESULT, "kind": "referrers", "superseded": []}) is None
    confirmed = {"acme+ci": {"changed": True, "retired": ["old"], "superseded": [], "error": None}}
    assert leaked({**RESULT, "kind": "api"}, confirmed=confirmed) is None


def test_results_of_batches_are_combined() -> None:
    first = {**RESULT, "reason": "too_old", "message": "age 91 days", "window_seconds": 1.5, "action": "mint"}
    first.update(granted=["acme/app read"], deleted=[], fingerprint="new", error="a: disk full")
    second = {
        **RESULT,
        "minted": False,
        "changed": False,
        "reason": "undelivered",
        "message": "the present token is not",
    }
    second.update(
        window_seconds=None, action="deliver", delivered=[f"b:{PATH}"], retired=["old"], deleted=["acme+ci_a"]
    )
    second.update(fingerprint="new", ended=True, granted=None)
    assert with_earlier(second, first) == {
        **first,
        "delivered": [f"a:{PATH}", f"b:{PATH}"],
        "retired": ["old"],
        "deleted": ["acme+ci_a"],
        "ended": True,
    }
    assert with_earlier(second, None) == second


def test_earlier_batch_that_minted_nothing() -> None:
    first = {**RESULT, "minted": False, "changed": False, "reason": "not_due", "delivered": [], "ended": False}
    second = {**RESULT, "reason": "missing", "ended": None, "error": "b: disk full"}
    both = with_earlier(second, {**first, "error": "b: disk full"})
    assert (both["minted"], both["reason"], both["changed"]) == (True, "missing", True)
    assert (both["ended"], both["error"], both["delivered"]) == (False, "b: disk full", RESULT["delivered"])


TASKS = {"kind": "tasks", "tasks_file": "gitlab.yml"}


def by_tasks(**more: Any) -> dict[str, Any]:
    """A credential that the user's own tasks deliver, as it is combined from all hosts."""
    declared = {"name": "acme+ci", "kind": "robot", "deliver": [TASKS], "consumers": [], "missing": []}
    return {**declared, **more}


def test_outcome_of_each_task_file() -> None:
    tasks = [{"name": name, "place": "tasks gitlab.yml", "number": number} for number, name in enumerate("abc")]
    runs = task_runs(tasks, {"0": "", "1": "Set the variable"})
    assert [run.error for run in runs] == [
        None,
        "tasks gitlab.yml failed in the task 'Set the variable', so its consumers may hold the former secret. Run the "
        "play again: it repeats it",
        "tasks gitlab.yml did not run to its end, so its consumers may hold the former secret. Run the play again: it "
        "repeats it",
    ]


@pytest.mark.parametrize(
    ("credential", "result", "failed_task", "unchanged"),
    [
        ({}, {"delivered": ["tasks gitlab.yml"]}, "", False),
        # What was replaced earlier may be retired now that the tasks succeeded.
        ({}, {"delivered": [], "superseded": ["former"]}, "", True),
        ({}, {"delivered": [], "superseded": ["former"]}, "Set the variable", None),
        ({}, {"delivered": [], "superseded": []}, "", None),
        ({"missing": ["b (unreachable)"]}, {"delivered": ["tasks gitlab.yml"]}, "", None),
        ({"state": "absent"}, {"delivered": [], "superseded": ["former"]}, "", None),
        ({"deliver": []}, {"delivered": [], "superseded": ["former"]}, "", None),
    ],
)
def test_success_of_tasks_is_the_confirmation(
    credential: dict[str, Any], result: dict[str, Any], failed_task: str, unchanged: bool | None
) -> None:
    runs = task_runs([{"name": "acme+ci", "place": "tasks gitlab.yml", "number": 0}], {"0": failed_task})
    found = to_confirm(play({}), [by_tasks(**credential)], [result], runs)
    assert [item["unchanged"] for item in found] == ([] if unchanged is None else [unchanged])


def test_final_result_names_the_tasks_that_failed() -> None:
    result = {**RESULT, "delivered": ["tasks gitlab.yml", "/etc/ci/primary"]}
    tasks = [{"name": "acme+ci", "place": "tasks gitlab.yml", "number": 0}]
    (row,) = final_results(play({}), [by_tasks()], [result], {}, [], task_runs(tasks, {"0": "Set the variable"}))
    assert row["delivered"] == ["/etc/ci/primary"]
    assert "failed in the task 'Set the variable'" in row["error"]
    (row,) = final_results(play({}), [by_tasks()], [result], {}, [], task_runs(tasks, {"0": ""}))
    assert (row["delivered"], row["error"]) == (result["delivered"], None)


def test_stores_to_clear_are_kept_apart() -> None:
    """Nothing waits for a host because of them, and their place is removed or kept as planned."""
    old = {**store(1, hosts=["a", "c"], place="/etc/old", fingerprint="f0"), "former": True}
    mine = {**on_rotator(2, "/etc/former"), "former": True}
    credential = only(play({"a": plan(store(hosts=["a"]), old, mine)}))
    assert [item["path"] for item in credential["former"]] == ["/etc/former"]
    assert [(item["host"], item["place"]) for item in credential["former_consumers"]] == [("a", "/etc/old")]
    assert (credential["deliver"], hosts_of(credential), credential["missing"]) == ([], ["a"], [])
    result = {**RESULT, "minted": False, "delivered": [], "removed": ["a:/etc/old", "/etc/former"]}
    assert planned_deliveries([result], [credential]) == {"a": 1}
    assert delivered_names([result], [credential], "r") == {"a": ["acme+ci"], "r": ["acme+ci"]}
    failed = {"a": delivery("disk full", entry=1, place="/etc/old")}
    (row,) = final_results(play({"a": plan()}, deliveries=failed), [credential], [result], {}, [])
    assert (row["removed"], row["error"]) == (["/etc/former"], "a: disk full")


def test_host_that_was_lost_in_an_earlier_round_is_missing() -> None:
    lost: dict[str, Any] = {"a": {"lost": "Failed to connect", "deliveries": []}}
    given = play({"a": plan(store()), "b": plan(store())}, deliveries=lost)
    assert given.seen == ["b"]
    credential = only(given)
    assert (hosts_of(credential), credential["missing"]) == (["b"], ["a (unreachable)"])


def test_delivery_of_an_earlier_round_counts_although_the_host_was_lost_since() -> None:
    credential = only(play({"a": plan(store())}))
    before = {**delivery(fingerprint="new"), "lost": "Failed to connect"}
    (row,) = final_results(play({"a": plan()}, deliveries={"a": before}), [credential], [RESULT], {}, [])
    assert row["failed_hosts"] == {}
    other = {**credential, "name": "acme+other"}
    (row,) = final_results(play({"a": plan()}, deliveries={"a": before}), [other], [RESULT], {}, [])
    assert row["failed_hosts"] == {"a": "Failed to connect"}


def test_final_result_of_what_was_delivered_again() -> None:
    credential = only(play({"a": plan(store())}))
    again = {"delivered": [f"a:{PATH}"], "fingerprint": "newest", "changed": True, "retired": [], "superseded": []}
    result = {**RESULT, "message": "forced", "fingerprint": "new", "failed_hosts": {"b": "disk full"}}
    (row,) = final_results(play({"a": plan()}), [credential], [result], {"acme+ci": again}, [])
    assert (row["fingerprint"], row["delivered"]) == ("newest", RESULT["delivered"])
    assert row["message"] == "forced; rotated elsewhere during the delivery, and delivered again"
    assert row["failed_hosts"] == {"b": "disk full"}
