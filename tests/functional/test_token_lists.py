# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token modules with a list of credentials: one login, a result for each, and none at the cost of another."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from functional.accounts import ALL_SCOPES
from functional.harness import Harness, assert_refused
from functional.module_runner import Result
from standin.tokens import fingerprint

ROBOT, API, REFERRERS = "quay_robot_token", "quay_api_token", "quay_referrers_token"
ROBOTS = "/api/v1/organization/acme/robots"
CONFIG, VERIFY = "GET /config", "GET /v2/auth"
NAMES = [f"acme+list{number}" for number in range(5)]


@pytest.fixture
def family() -> str:
    return "3.18"


def store(harness: Harness, name: str) -> Path:
    return harness.folder / f"{name}.json"


def robot(harness: Harness, name: str, **options: Any) -> dict[str, Any]:
    return {
        "name": name,
        "deliver": [{"kind": "file", "path": str(store(harness, name)), "format": "json"}],
        "max_age": "1d",
        **options,
    }


@pytest.fixture(autouse=True)
def hidden_results(harness: Harness) -> None:
    """As tasks that return tokens need it."""
    harness.no_log = True


def robots(harness: Harness, names: list[str] = NAMES, **options: Any) -> dict[str, Any]:
    return {"credentials": [robot(harness, name, **options) for name in names]}


def held(harness: Harness, name: str) -> str:
    return fingerprint(json.loads(store(harness, name).read_text())["token"])


def assert_delivered(harness: Harness, names: list[str] = NAMES) -> None:
    assert {name: held(harness, name) for name in names} == {name: harness.robot_fingerprint(name) for name in names}


def tokens(result: Result) -> dict[str, str]:
    """The fingerprints of the returned secrets by name."""
    return {row["name"]: fingerprint(row["token"]) for row in result["results"] if row.get("token")}


# --- robots


def test_robots_of_one_namespace_are_read_once(either_login: Harness) -> None:
    harness = either_login
    runs = harness.four_runs(ROBOT, robots(harness))
    list_once = [*harness.sign_in, f"GET {ROBOTS}"]
    created = [request for name in NAMES for request in (f"PUT {ROBOTS}/{name[5:]}", VERIFY)]
    # The deletions of robots are looked up once for all of them, too.
    deletions = "GET /api/v1/organization/acme/aggregatelogs"
    assert sorted(runs.requests[0]) == sorted([*list_once, CONFIG, deletions])
    assert sorted(runs.requests[1]) == sorted([*list_once, CONFIG, deletions, *created])
    assert runs.requests[2:] == [list_once, list_once]
    assert_delivered(harness)
    assert [row["name"] for row in runs.first["results"]] == NAMES
    assert [(row["reason"], row["changed"]) for row in runs.first["results"]] == [("missing", True)] * len(NAMES)
    assert [(row["reason"], row["changed"]) for row in runs.second["results"]] == [("not_due", False)] * len(NAMES)
    assert [diff["before_header"] for diff in runs.first.diff] == NAMES
    assert runs.first.diff[0]["after"]["deliver"] == {str(store(harness, NAMES[0])): "new"}


def test_due_robots_cost_two_requests_each(harness: Harness) -> None:
    harness.run(ROBOT, robots(harness))
    harness.advance(days=2)
    run = harness.run(ROBOT, robots(harness))
    regenerated = [request for name in NAMES for request in (f"POST {ROBOTS}/{name[5:]}/regenerate", VERIFY)]
    assert sorted(harness.requests) == sorted([f"GET {ROBOTS}", CONFIG, *regenerated])
    assert {row["reason"] for row in run["results"]} == {"too_old"}
    assert_delivered(harness)


def test_each_has_the_result_of_a_single_credential(harness: Harness) -> None:
    """Without a store the tokens are returned, each with its name."""
    alone = harness.run(ROBOT, {"name": "acme+ci", "max_age": "900d"})
    run = harness.run(ROBOT, {"credentials": [{"name": "acme+ci", "max_age": "900d"}, {"name": NAMES[0]}]})
    assert run["results"][0] == {**alone.returned, "changed": False}
    assert tokens(run) == {name: harness.robot_fingerprint(name) for name in ("acme+ci", NAMES[0])}
    assert run.changed
    assert [diff["after_header"] for diff in run.diff] == [NAMES[0]]


def test_other_namespaces_and_pairs_are_read_for_themselves(harness: Harness) -> None:
    paired = robot(harness, "acme+pair", strategy="paired")
    own = {"name": "alice+own"}
    run = harness.run(ROBOT, {"credentials": [*robots(harness, NAMES[:2])["credentials"], paired, own]})
    assert [row["username"] for row in run["results"]] == [*NAMES[:2], "acme+pair_a", "alice+own"]
    assert fingerprint(run["results"][3]["token"]) == harness.robot_fingerprint("alice+own")
    assert held(harness, "acme+pair") == harness.robot_fingerprint("acme+pair_a")


def test_usage_logs_are_read_once_for_all_robots(harness: Harness) -> None:
    entries = [{"name": name, "max_age": "1d", "rotate": "never"} for name in NAMES]
    harness.run(ROBOT, {"credentials": entries})
    harness.advance(days=2)
    harness.run(ROBOT, entries[0])
    for_one = [request for request in harness.requests if "logs" in request]
    run = harness.run(ROBOT, {"credentials": entries})
    assert [request for request in harness.requests if "logs" in request] == for_one != []
    assert {(row["reason"], row["age_source"]) for row in run["results"]} == {("too_old", "creation")}


def test_robots_with_metadata_are_read_one_by_one(harness: Harness) -> None:
    """The list of robots has no metadata, so it would seem to differ."""
    described = robots(harness, NAMES[:2], metadata={"team": "blue"})
    harness.run(ROBOT, described)
    run = harness.run(ROBOT, described)
    assert sorted(harness.requests) == [f"GET {ROBOTS}/{name[5:]}" for name in NAMES[:2]]
    assert run.warnings == []


def test_robots_are_read_one_by_one_if_the_list_fails(harness: Harness) -> None:
    harness.run(ROBOT, robots(harness))
    harness.quay.faults.add("status", status=500, method="GET", path="robots$")
    run = harness.run(ROBOT, robots(harness))
    assert not run.failed, run.message
    assert sorted(harness.requests) == [f"GET {ROBOTS}", *(f"GET {ROBOTS}/{name[5:]}" for name in NAMES)]


def test_unknown_organization_fails_alone(harness: Harness) -> None:
    unknown = [{"name": f"nowhere+{name}"} for name in ("one", "two")]
    run = harness.run(ROBOT, {"credentials": [*unknown, *({"name": name} for name in NAMES[:2])]})
    assert [bool(row.get("failed")) for row in run["results"]] == [True, True, False, False]
    assert "2 of 4 credentials failed" in run.message
    assert list(tokens(run)) == NAMES[:2]


def test_robots_of_the_user_are_read_once(harness: Harness) -> None:
    """The name of the signed-in user is known with a password. With a token, Quay refuses the organization first."""
    harness.login = harness.accounts.alice.by_password
    own = [{"name": "alice+one"}, {"name": "alice+two"}]
    harness.run(ROBOT, {"credentials": own})
    run = harness.run(ROBOT, {"credentials": own})
    assert harness.requests == [*harness.sign_in, "GET /api/v1/user/robots"]
    assert tokens(run) == {name: harness.robot_fingerprint(name) for name in ("alice+one", "alice+two")}


def test_secret_that_another_run_replaced_meanwhile_is_read_again(harness: Harness) -> None:
    """The list of robots was read before the stores were locked."""
    names = NAMES[:2]
    harness.run(ROBOT, robots(harness, names))
    path = store(harness, NAMES[1])

    def replace() -> None:
        robot = harness.robot(NAMES[1])
        robot.token = robot.token[::-1]
        path.write_text(path.read_text().replace(robot.token[::-1], robot.token))

    harness.hooks.append((re.compile("robots$"), replace))
    run = harness.run(ROBOT, robots(harness, names))
    assert harness.requests == [f"GET {ROBOTS}", f"GET {ROBOTS}/{NAMES[1][5:]}"]
    assert not run.failed, run.message
    assert_delivered(harness, names)


def test_robots_are_deleted(harness: Harness) -> None:
    harness.run(ROBOT, robots(harness))
    runs = harness.four_runs(ROBOT, robots(harness, state="absent"))
    assert [row["deleted"] for row in runs.first["results"]] == [[name] for name in NAMES]
    assert not [name for name in NAMES if store(harness, name).exists() or name in harness.quay.state.robots]


def test_failure_of_one_does_not_stop_the_others(harness: Harness) -> None:
    """The tokens of the others are returned, or they would be lost."""
    harness.run(ROBOT, {"credentials": [{"name": name} for name in NAMES]})
    harness.quay.faults.add("status", status=500, method="POST", path="list1/regenerate")
    harness.quay.faults.add("status", status=403, method="POST", path="list3/regenerate")
    former = {name: harness.robot_fingerprint(name) for name in NAMES}
    run = harness.run(ROBOT, {"credentials": [{"name": name, "rotate": "always"} for name in NAMES]})
    assert run.failed
    assert run.changed
    assert [bool(row.get("failed")) for row in run["results"]] == [False, True, False, True, False]
    assert "2 of 5 credentials failed" in run.message
    for number in (1, 3):
        assert f"credential {number + 1} ({NAMES[number]}): {run['results'][number]['msg']}" in run.message
        assert run["results"][number]["name"] == NAMES[number]
        assert harness.robot_fingerprint(NAMES[number]) == former[NAMES[number]]
    issued = [NAMES[number] for number in (0, 2, 4)]
    assert tokens(run) == {name: harness.robot_fingerprint(name) for name in issued}
    assert not set(tokens(run).values()) & set(former.values())
    assert [diff["after_header"] for diff in run.diff] == issued


def test_credentials_that_share_a_file_do_not_lose_each_other(harness: Harness) -> None:
    path = harness.folder / "auth.json"

    def shared(name: str) -> dict[str, Any]:
        registry = f"{name[5:]}.example.com"
        return {"name": name, "deliver": [{"kind": "container_auth", "path": str(path), "registry": registry}]}

    arguments = {"credentials": [*map(shared, NAMES), robot(harness, "acme+other")], "parallel": 6}
    harness.four_runs(ROBOT, arguments)
    assert sorted(json.loads(path.read_text())["auths"]) == [f"{name[5:]}.example.com" for name in NAMES]
    assert_delivered(harness, ["acme+other"])


def test_refused_login_is_tried_once(harness: Harness) -> None:
    """Each further attempt may lock the account."""
    harness.login = {**harness.accounts.alice.by_password, "quay_password": "not-this-one"}
    tokens = [{"repositories": [f"acme/{name}"]} for name in ("app", "base", "other")]
    run = harness.run(REFERRERS, {"credentials": tokens, "parallel": 1})
    assert run.failed
    assert [row["msg"].startswith("not tried") for row in run["results"]] == [False, True, True]
    assert harness.requests.count(VERIFY) == 1


def test_empty_list_does_nothing(harness: Harness) -> None:
    for module in (ROBOT, API, REFERRERS):
        run = harness.run(module, {"credentials": []})
        assert (run.changed, run["results"], harness.requests) == (False, [], [])


# --- refusals


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"name": "acme+one"}, {}], ["credential 2: missing required arguments: name"]),
        ([{"name": "acme+one"}, {"name": ""}], ["credential 2: missing required arguments: name"]),
        ([{"name": "acme+one", "rotate": "soon"}], ["credential 1 (acme+one): value of rotate must be one of"]),
        ([{"name": "acme+one", "strict": True}], ["credential 1 (acme+one): unsupported options: strict"]),
        ([{"name": "acme+one", "permissions": [{"repository": "acme/app"}]}], ["credential 1 (acme+one): ", "role"]),
        ([{"name": "acme+one"}, "acme+two"], ["credential 2: it must be a mapping"]),
        ([{"name": "acme+one", "append": True}], ["credential 1 (acme+one): There is no option append. Use "]),
        (
            [{"name": "acme+one", "current_token": "held-by-the-play", "token_path": "/tmp/x"}],
            ["credential 1 (acme+one): parameters are mutually exclusive: current_token|token_path|deliver"],
        ),
        (
            [{"name": "acme+one", "rotate": "soon"}, {"name": "Acme one"}, {}],
            ["credential 1 (acme+one): value of rotate", "credential 3: missing"],
        ),
        (
            [{"name": "acme+one", "max_age": "soon"}, {"name": "Acme one"}],
            ["credential 1 (acme+one): max_age", "credential 2 (Acme one): name: 'Acme one' is not a valid robot"],
        ),
        (
            [{"name": "acme+one", "strategy": "paired"}],
            ["credential 1 (acme+one): strategy: paired needs deliver"],
        ),
        (
            [{"name": "acme+one", "deliver": [{"kind": "file"}]}],
            ["credential 1 (acme+one): path is missing"],
        ),
        (
            [{"name": "acme+one"}, {"name": "acme+two"}, {"name": "acme+one"}],
            ["credential 1 (acme+one) and credential 3 (acme+one) both use the robot acme+one"],
        ),
        (
            [{"name": "acme+one"}, {"name": "acme+two", "pair": ["one", "three"]}],
            ["credential 1 (acme+one) and credential 2 (acme+two) both use the robot acme+one"],
        ),
        (
            [{"name": "acme+one", "token_path": "/tmp/same"}, {"name": "acme+two", "token_path": "/tmp/same"}],
            ["credential 1 (acme+one) and credential 2 (acme+two) both write /tmp/same"],
        ),
    ],
)
def test_wrong_entries_are_named_before_anything_is_sent(
    harness: Harness, entries: list[Any], words: list[str]
) -> None:
    assert_refused(harness, ROBOT, {"credentials": entries}, *words)
    assert harness.requests == []


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        (ROBOT, {"name": "acme+ci"}, ["name cannot be given together with credentials"]),
        (ROBOT, {"rotate": "when_due", "max_age": "1d"}, ["rotate, max_age cannot be given together with credentials"]),
        (API, {"rights": ["all"]}, ["rights cannot be given together with credentials"]),
        (REFERRERS, {"repositories": ["acme/app"]}, ["repositories cannot be given together with credentials"]),
        (ROBOT, {"parallel": 0}, ["parallel must be 1 or more"]),
    ],
)
def test_options_of_one_credential_are_refused_beside_a_list(
    harness: Harness, module: str, options: dict[str, Any], words: list[str]
) -> None:
    entry = {ROBOT: {"name": "acme+one"}, API: {"client_id": "X"}, REFERRERS: {"repositories": ["acme/base"]}}[module]
    assert_refused(harness, module, {"credentials": [entry], **options}, *words)
    assert harness.requests == []


@pytest.mark.parametrize(
    ("module", "missing"), [(ROBOT, "name"), (API, "client_id, application"), (REFERRERS, "repositories")]
)
def test_one_credential_or_many_are_required(harness: Harness, module: str, missing: str) -> None:
    assert_refused(harness, module, {}, f"one of the following is required: {missing}, credentials")
    assert harness.requests == []


def test_secrets_of_wrong_entries_stay_hidden(harness: Harness) -> None:
    """AnsibleModule itself finds the secrets of no entry if one is not a mapping."""
    secret, login = "s3cret-of-an-entry", "s3cret-of-a-store"
    harness.known_secrets.add([secret, login])
    vault = {"kind": "hashi_vault", "path": "x", "vault_token": login}
    entries = [{"name": "acme+one", "current_token": secret}, {"name": "acme+two", "deliver": [vault]}, "text"]
    result = harness.run(ROBOT, {"credentials": entries})
    assert "credential 3: it must be a mapping" in result.message
    assert secret not in result.output
    assert login not in result.output


# --- API tokens


def api(harness: Harness, name: str, **options: Any) -> dict[str, Any]:
    return {"organization": "acme", "client_id": harness.accounts.automation, "name": name, **options}


@pytest.mark.parametrize("family", ["3.18", "3.17"])
def test_api_tokens_are_issued_with_one_login(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    entries = [api(harness, name, token_path=str(harness.folder / name)) for name in ("one", "two", "three")]
    runs = harness.four_runs(API, {"credentials": entries})
    for requests in runs.requests:
        assert requests.count("POST /api/v1/signin") <= 1
        assert requests.count(CONFIG) <= 1
        assert requests.count("GET /api/v1/organization/zz/applications/zz/tokens") == 1
    assert [row["name"] for row in runs.first["results"]] == ["one", "two", "three"]
    held = [fingerprint((harness.folder / name).read_text().strip()) for name in ("one", "two", "three")]
    assert [row["fingerprint"] for row in runs.first["results"]] == held
    assert len({row["uuid"] for row in runs.first["results"]}) == 3
    assert [row["reason"] for row in runs.second["results"]] == ["not_due"] * 3


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_login_of_the_run_is_replaced_last(harness: Harness, order: list[int]) -> None:
    """The token with which the run signs in is revoked when nothing needs it any more."""
    login = harness.accounts.alice.token(harness.accounts.automation, ALL_SCOPES)
    harness.known_secrets.add([login])
    harness.login = {"quay_token": login}
    harness.token_path.write_text(login + "\n")
    harness.token_path.chmod(0o600)
    own = api(harness, "login", token_path=str(harness.token_path), scopes=ALL_SCOPES.split(), rotate="always")
    entries = [own, api(harness, "one"), api(harness, "two")]
    run = harness.run(API, {"credentials": [entries[number] for number in order], "parallel": 1})
    assert not run.failed, run.message
    assert [row["name"] for row in run["results"]] == [entries[number]["name"] for number in order]
    assert all(row["minted"] for row in run["results"])
    assert harness.stored_fingerprint() == run["results"][order.index(0)]["fingerprint"] != fingerprint(login)
    # What its request revoked is the last of all.
    assert harness.writes[-1].startswith("DELETE ")


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"name": "one"}, {"name": "one"}, "have the same name, so each would revoke the token of the other"),
        ({"name": "one"}, {"name": "two", "owns_application": True}, "owns_application means"),
        (
            {"name": "one", "client_id": None, "application": "automation"},
            {"name": "one"},
            "name both by client_id, or both by organization and application",
        ),
        ({"name": "one", "lifetime": "1d", "renew_before": "2d"}, {"name": "two"}, "renew_before (2d) must be shorter"),
        ({"name": "one", "lifetime": "4000d"}, {"name": "two"}, "credential 1 (one): lifetime must be between"),
        ({"name": "one", "application": "automation"}, {"name": "two"}, "credential 1 (one): parameters are mutually"),
        ({"name": "one", "client_id": None}, {"name": "two"}, "credential 1 (one): one of the following is required"),
        ({"scopes": ["all", "some"]}, {"name": "two"}, "credential 1 (one): value of scopes must be one or more of"),
    ],
)
def test_api_tokens_that_would_harm_each_other_are_refused(
    harness: Harness, first: dict[str, Any], second: dict[str, Any], words: str
) -> None:
    entries = [
        {key: value for key, value in {**api(harness, "one"), **options}.items() if value is not None}
        for options in (first, second)
    ]
    assert_refused(harness, API, {"credentials": entries}, words)
    assert harness.requests == []


# --- registry tokens


def test_registry_tokens_cost_one_request_each(harness: Harness) -> None:
    entries = [{"repositories": ["acme/app"]}, {"repositories": ["acme/base"], "actions": ["pull", "push"]}]
    run = harness.run(REFERRERS, {"credentials": entries})
    assert sorted(harness.requests) == sorted([CONFIG, VERIFY, VERIFY])
    assert [row["access"] for row in run["results"]] == [{"acme/app": ["pull"]}, {"acme/base": ["pull", "push"]}]
    assert [row["fingerprint"] for row in run["results"]] == list(tokens(run).values())
    assert (run.changed, run.diff) == (False, None)


def test_registry_token_that_is_not_granted_fails_alone(harness: Harness) -> None:
    entries = [{"repositories": ["rival/app"]}, {"repositories": ["acme/app"]}]
    run = harness.run(REFERRERS, {"credentials": entries})
    assert "1 of 2 credentials failed" in run.message
    assert "credential 1 (rival/app): Quay issued a token without" in run.message
    assert list(tokens(run)) == ["acme/app"]


def test_equal_registry_tokens_are_refused(harness: Harness) -> None:
    entries = [{"repositories": ["acme/app", "acme/base"]}, {"repositories": ["acme/base", "acme/app"]}]
    words = "credential 1 (acme/app acme/base) and credential 2 (acme/base acme/app) both use the actions pull on"
    assert_refused(harness, REFERRERS, {"credentials": entries}, words)
    entries = [{"repositories": ["acme/app"]}, {"repositories": ["acme"]}]
    assert_refused(harness, REFERRERS, {"credentials": entries}, "credential 2 (acme): repositories: 'acme' is not")
    assert harness.requests == []


def test_tokens_are_not_returned_by_a_task_that_would_print_them(harness: Harness) -> None:
    """Ansible prints the complete result of a task that fails."""
    harness.no_log = False
    entries = [{"name": NAMES[0]}, robot(harness, NAMES[1]), {"name": NAMES[2], "state": "absent"}]
    for check in (True, False):
        result = harness.run(ROBOT, {"credentials": entries}, check=check)
        assert result.failed
        assert f"credential 1 ({NAMES[0]}): the token would be returned" in result.message
        assert NAMES[1] not in result.message
        assert NAMES[2] not in result.message
        assert harness.requests == []
    harness.run(ROBOT, {"credentials": entries[1:]})
    assert_delivered(harness, NAMES[1:2])
