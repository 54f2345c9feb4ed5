# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins know of the play: its hosts, what was registered on them, and whom patterns match."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.fleet import Play
from ansible_collections.tokensmith.quay.plugins.plugin_utils.play import (
    earlier_batches,
    hosts_by_pattern,
    play_of,
)

GROUPS = {
    "all": ["a", "b", "c", "d"],
    "ungrouped": ["d"],
    "build": ["a", "b"],
    "retired": ["b"],
    "eu": ["c"],
}


def declared(*patterns: Any, **options: Any) -> list[dict[str, Any]]:
    """A credential with a store for each pattern."""
    stores = [{"kind": "file", "path": "/etc/ci", "hosts": pattern} for pattern in patterns]
    return [{"name": "acme+ci", "kind": "robot", "deliver": stores, **options}]


def matches(given: Any) -> dict[str, list[str]]:
    return hosts_by_pattern(given, DataLoader(), GROUPS)


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("build", ["a", "b"]),
        ("c", ["c"]),
        ("a,c", ["a", "c"]),
        ("build:eu", ["a", "b", "c"]),
        ("build:!retired", ["a"]),
        ("build:&retired", ["b"]),
        ("*", ["a", "b", "c", "d"]),
        ("~^[ad]$", ["a", "d"]),
        ("build[0]", ["a"]),
    ],
)
def test_pattern(pattern: str, hosts: list[str]) -> None:
    found = matches(declared(pattern))
    assert {name: sorted(found[name]) for name in found} == {pattern: hosts}


@pytest.mark.filterwarnings("ignore")
def test_pattern_that_matches_nothing() -> None:
    assert matches(declared("nobody")) == {"nobody": []}


def test_patterns_of_all_stores() -> None:
    given = [*declared("build", None, " eu ", ""), *declared("c", "build")]
    assert matches(given) == {"build": ["a", "b"], "eu": ["c"], "c": ["c"]}


def test_texts_of_json() -> None:
    assert matches(json.dumps(declared("eu"))) == {"eu": ["c"]}
    assert matches([{**declared()[0], "deliver": json.dumps([{"hosts": "eu"}])}]) == {"eu": ["c"]}


@pytest.mark.parametrize(
    "given",
    [None, "", "no JSON", "{", 7, [], [7], [{"deliver": "eu"}], [{"deliver": [7]}], declared(7), {"deliver": []}],
)
def test_invalid_declarations_have_no_patterns(given: Any) -> None:
    """The module says what is wrong with them."""
    assert matches(given) == {}


def variables(**registered: dict[str, Any]) -> dict[str, Any]:
    hosts = ["a", "b", "c"]
    return {
        "ansible_play_hosts_all": hosts,
        "ansible_play_batch": ["b", "c"],
        "ansible_current_hosts": ["b"],
        "ansible_failed_hosts": [],
        "groups": GROUPS,
        "hostvars": {host: registered.get(host, {}) for host in hosts},
    }


def play_with(arguments: dict[str, Any], task_vars: dict[str, Any] | None = None, pattern: Any = "a:b:c") -> Play:
    return play_of(task_vars or variables(), {"rotator": "r", **arguments}, pattern, DataLoader(), "this play")


def test_play() -> None:
    plan: dict[str, Any] = {"credentials": [], "play": "this play"}
    delivery: dict[str, Any] = {"deliveries": []}
    task_vars = variables(
        a={"__rotation_plan": plan, "__rotation_delivery": delivery}, b={"__rotation_plan": plan, "other": 1}
    )
    play = play_with({"ignore_hosts": ["old"], "expected_hosts": "3"}, task_vars)
    assert (play.rotator, play.hosts, play.batch, play.alive) == ("r", ["a", "b", "c"], ["b", "c"], ["a", "b"])
    assert play.plans == {"a": plan, "b": plan}
    assert play.deliveries == {"a": delivery}
    assert (play.ignored, play.expected) == (["old"], 3)


def test_results_of_an_earlier_play_do_not_count() -> None:
    former = {"__rotation_plan": {"play": "an earlier play"}, "__rotation_delivery": {"deliveries": []}}
    plan = {"play": "this play"}
    task_vars = variables(a={**former, "__rotation_has_pending_handlers": True}, b={**former, "__rotation_plan": plan})
    play = play_with({}, task_vars)
    assert (play.plans, play.deliveries, play.pending) == ({"b": plan}, {"b": {"deliveries": []}}, [])


def test_hosts_whose_handlers_failed() -> None:
    plan = {"__rotation_plan": {"play": "this play"}}
    pending = {name: {**plan, "__rotation_has_pending_handlers": value} for name, value in (("a", True), ("b", False))}
    assert play_with({}, variables(**pending)).pending == ["a"]


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("b", ["a", "b", "c"]),
        ("all", ["a", "b", "c", "d"]),
        (["a", "d"], ["a", "b", "c", "d"]),
    ],
)
def test_hosts_outside_of_the_limit_are_hosts_of_the_play(pattern: Any, hosts: list[str]) -> None:
    play = play_with({}, pattern=pattern)
    assert (play.hosts, play.running) == (hosts, ["a", "b", "c"])


@pytest.mark.parametrize(
    "empty", [{}, {"ignore_hosts": None, "expected_hosts": None}, {"ignore_hosts": "", "expected_hosts": ""}]
)
def test_options_that_are_not_set(empty: dict[str, Any]) -> None:
    play = play_with(empty)
    assert (play.ignored, play.expected, play.plans, play.deliveries) == ([], None, {}, {})


@pytest.mark.parametrize("given", [["old", "older"], "old,older", " old\nolder\n"])
def test_ignored_hosts_are_a_list_or_a_text(given: Any) -> None:
    """The command line and AWX hand over a text."""
    assert play_with({"ignore_hosts": given}).ignored == ["old", "older"]


@pytest.mark.parametrize("given", ["many", 1.5])
def test_expected_hosts_that_are_no_number(given: Any) -> None:
    with pytest.raises(BadInput, match="rotation_expected_hosts must be a whole number"):
        play_with({"expected_hosts": given})


PLAN_OF_CREDENTIALS = {"play": "this play", "hosts_are_credentials": True, "credentials": []}


def test_one_host_stands_for_a_batch_of_credentials() -> None:
    """The others are neither consumers nor missing, those of earlier batches included."""
    registered = {"__rotation_plan": PLAN_OF_CREDENTIALS}
    task_vars = {**variables(a=registered, b=registered, c=registered), **registered, "inventory_hostname": "b"}
    play = play_with({}, task_vars)
    assert (play.hosts, play.batch, play.seen, play.earlier) == (["b"], ["b"], ["b"], [])
    assert (play.plans, play.deliveries) == ({"b": PLAN_OF_CREDENTIALS}, {})
    with pytest.raises(BadInput, match="rotation_expected_hosts counts machines"):
        play_with({"expected_hosts": 3}, task_vars)


def test_credentials_of_an_earlier_play_do_not_make_this_one_a_play_of_credentials() -> None:
    registered = {"__rotation_plan": {**PLAN_OF_CREDENTIALS, "play": "an earlier play"}}
    task_vars = {**variables(b=registered), **registered, "inventory_hostname": "b"}
    assert play_with({}, task_vars).hosts == ["a", "b", "c"]


def test_earlier_batches_of_credentials() -> None:
    """The report of the last one includes the others. Those of an earlier play do not count."""
    rows = [{"name": name} for name in "xyz"]
    plan = {"__rotation_plan": PLAN_OF_CREDENTIALS}
    of_hosts = {"a": {**plan, "rotation_report": rows[:1]}, "b": {**plan, "rotation_report": rows[:2]}}
    task_vars = {**variables(**of_hosts), "ansible_play_batch": ["c"]}
    hostvars = mock.Mock(raw_get=task_vars["hostvars"].get)
    task_vars = {**task_vars, "hostvars": hostvars}
    assert earlier_batches(task_vars, "this play") == (["a", "b"], rows[:2])
    assert earlier_batches(task_vars, "another play") == ([], [])
    assert earlier_batches({**task_vars, "ansible_play_batch": ["b", "c"]}, "this play") == (["a"], rows[:1])
