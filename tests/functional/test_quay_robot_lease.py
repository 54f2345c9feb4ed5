# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_robot_lease: robots of a limited time, each with a name of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from functional.leases import CONFIG, CREATE, DELETE, NAME, NEW, ROBOTS, VERIFY, Leases, issue, shown
from functional.test_faults import FAULTS, add_fault, each_fault
from functional.test_retired_robots import set_mirror
from standin import tokens
from standin.tokens import fingerprint

MODULE = "quay_robot_lease"


@pytest.fixture
def leases(harness: Harness) -> Leases:
    return Leases(harness)


# --- one lease


def test_lease_is_issued_and_kept(either_login: Harness) -> None:
    harness, leases = either_login, Leases(either_login)
    runs = leases.four_runs(description="pulls", owner="build farm")
    assert [leases.without_login(requests) for requests in runs.requests] == [
        [CONFIG, NEW],
        [CONFIG, NEW, CREATE, VERIFY],
        [NEW],
        [NEW],
    ]
    robot = harness.robot(leases.name)
    lease = robot.metadata["tokensmith.quay"]
    assert lease.pop("id")
    assert lease == {
        "kind": "lease",
        "name": robot.name.partition("+")[2],
        "issued_at": runs.first["created_at"],
        "expires_at": runs.first["expires_at"],
        "owner": "build farm",
    }
    assert runs.first.changed
    assert runs.first.content | {"created_at": None, "expires_at": None} == {
        "name": "acme+ci",
        "username": robot.name,
        "registry": f"127.0.0.1:{harness.quay.port}",
        "api_url": f"{harness.quay.url}/api/v1",
        "description": "pulls",
        "owner": "build farm",
        "reason": "missing",
        "minted": True,
        "token": None,
        "fingerprint": fingerprint(robot.token),
        "age_source": "mint",
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "uuid": None,
        "superseded": [],
        "delivered": [str(harness.token_path)],
        "retired": [],
        "deleted": [],
        "removed": [],
    }
    assert harness.is_now(runs.first["created_at"])
    expires_at = datetime.strptime(runs.first["expires_at"], "%Y-%m-%dT%H:%M:%SZ")
    assert expires_at - datetime.strptime(runs.first["created_at"], "%Y-%m-%dT%H:%M:%SZ") == timedelta(hours=12)
    assert f"-{expires_at:%Y%m%dt%H%M%Sz}-" in robot.name
    assert runs.first.diff == {
        "before": {"name": "acme+ci", "token": "absent", **harness.deliver_diff("absent")},
        "after": {"name": "acme+ci", "token": "new", **harness.deliver_diff("new")},
    }
    assert harness.stored_fingerprint() == fingerprint(robot.token)
    assert harness.token_record()["username"] == robot.name
    assert (runs.predicted["username"], runs.predicted["token"]) == (None, None)
    assert (runs.second["reason"], runs.second["username"], runs.second["age_source"]) == (
        "not_due",
        robot.name,
        "quay",
    )
    assert runs.second["expires_at"] == runs.first["expires_at"]


def test_lease_that_is_due_is_replaced_and_its_robot_deleted(either_login: Harness) -> None:
    harness, leases = either_login, Leases(either_login)
    former = issue(leases)
    secret = leases.secret()
    harness.advance(hours=8, minutes=1)
    runs = leases.four_runs()
    assert [leases.without_login(requests) for requests in runs.requests] == [
        [NEW, CONFIG, NEW],
        [NEW, CONFIG, NEW, CREATE, VERIFY, DELETE],
        # The record names the former robot, which an interrupted run would have left.
        [NEW, NEW],
        [NEW, NEW],
    ]
    assert runs.first["reason"] == "expiring"
    assert leases.name != former
    assert harness.stored_fingerprint() == fingerprint(leases.secret()) != fingerprint(secret)
    assert (runs.first["retired"], runs.first["superseded"]) == ([former], [])
    assert runs.first.diff["before"]["superseded"] == [former]
    assert runs.first.diff["after"]["superseded"] == []
    assert harness.robot("acme+ci").token == harness.accounts.robot_token


def test_robot_that_an_interrupted_run_left_is_deleted(leases: Leases) -> None:
    """The run ended between the delivery and the deletion."""
    former = issue(leases)
    leases.harness.advance(hours=9)
    leases.harness.quay.faults.add("status", method="DELETE", status=503, times=None)
    assert leases.harness.run(MODULE, leases.arguments()).failed
    assert former in leases.names
    leases.harness.quay.faults.clear()
    repaired = leases.run()
    assert repaired["retired"] == [former]
    assert leases.name == repaired["username"] != former
    # Its own time is over then, so nothing is asked about it.
    leases.harness.advance(hours=4)
    leases.run()
    assert leases.requests == [NEW]


@pytest.mark.parametrize(("renew_before", "hours", "reason"), [("2h", 9, "not_due"), ("2h", 11, "expiring")])
def test_renew_before(leases: Leases, renew_before: str, hours: int, reason: str) -> None:
    issue(leases)
    leases.harness.advance(hours=hours)
    assert leases.run(renew_before=renew_before)["reason"] == reason


def test_expired_lease_is_replaced(leases: Leases) -> None:
    former = issue(leases)
    leases.harness.advance(hours=13)
    result = leases.run()
    assert (result["reason"], result["retired"]) == ("expired", [former])
    assert leases.name != former


def test_rotate_never_keeps_an_expired_lease(leases: Leases) -> None:
    former = issue(leases)
    leases.harness.advance(hours=13)
    result = leases.run(rotate="never")
    assert (result.changed, result["reason"], leases.name) == (False, "expired", former)


def test_without_a_store_every_run_issues_a_lease(leases: Leases) -> None:
    results = [leases.harness.run(MODULE, {"name_prefix": "acme+ci-", "lifetime": "1h"}) for _run in range(2)]
    assert sorted(str(result["username"]) for result in results) == leases.names
    assert [result.token for result in results] == [fingerprint(leases.secret(r["username"])) for r in results]
    assert [result["reason"] for result in results] == ["missing", "missing"]


def test_current_token_is_found_in_the_list(leases: Leases) -> None:
    name = issue(leases)
    secret = leases.secret()
    kept = leases.run(current_token=secret)
    assert leases.requests == [f"GET {ROBOTS}", NEW]
    assert (kept.changed, kept["token"], kept["username"], kept["reason"]) == (False, None, name, "not_due")
    leases.harness.advance(hours=10)
    replaced = leases.run(current_token=secret)
    assert leases.requests == [f"GET {ROBOTS}", NEW, CONFIG, NEW, CREATE, VERIFY, DELETE]
    assert replaced.token == fingerprint(leases.secret())
    assert replaced["retired"] == [name]


def test_lease_whose_robot_was_deleted_is_replaced(leases: Leases) -> None:
    del leases.harness.quay.state.robots[issue(leases)]
    result = leases.run()
    assert (result["reason"], result["retired"], result["username"]) == ("invalid", [], leases.name)


def test_stores_get_the_same_lease_again(leases: Leases) -> None:
    files = [leases.harness.folder / name for name in ("a.json", "b.json")]
    deliver = [{"kind": "file", "path": str(path), "format": "json"} for path in files]
    runs = leases.four_runs(deliver=deliver)
    assert shown(runs.requests[3]) == [NEW]
    files[1].unlink()
    result = leases.run(deliver=deliver)
    assert (result["reason"], result["delivered"], result["minted"]) == ("undelivered", [str(files[1])], False)
    for path in files:
        assert json.loads(path.read_text())["username"] == leases.name
        assert json.loads(path.read_text())["token"] == leases.secret()


def test_own_namespace(leases: Leases) -> None:
    """The token's user is not known at first, and Quay refuses the organization of that name."""
    name = issue(leases, name_prefix="alice+ci")
    assert NAME.fullmatch(name)
    assert name.startswith("alice+")
    assert leases.requests.count("PUT /api/v1/user/robots/NAME") == 1
    result = leases.run(name_prefix="alice+ci")
    assert (result.changed, result["username"]) == (False, name)


def test_roles_are_granted_before_the_delivery(leases: Leases) -> None:
    def roles(name: str) -> dict[str, str]:
        repositories = leases.harness.quay.state.repositories.values()
        return {found.name: found.user_roles[name] for found in repositories if name in found.user_roles}

    permissions = [{"repository": "acme/app", "role": "write"}]
    leases.harness.before_request("GET /v2/auth", lambda: seen.append(roles(leases.name)))
    seen: list[dict[str, str]] = []
    runs = leases.four_runs(permissions=permissions)
    assert seen == [{"app": "write"}]
    assert runs.first["granted"] == ["write on acme/app"]
    assert runs.first.diff["after"]["permissions"] == {"acme/app": "write"}
    assert shown(runs.requests[3]) == [NEW, f"{NEW}/permissions"]
    leases.harness.quay.state.repositories["acme", "app"].user_roles[leases.name] = "read"
    repaired = leases.run(permissions=permissions)
    assert (repaired["minted"], repaired["granted"]) == (False, ["write on acme/app"])
    assert roles(leases.name) == {"app": "write"}


# --- nothing is lost, nobody is harmed


@each_fault
def test_create_with_an_unclear_outcome(leases: Leases, fault: str) -> None:
    """What was created is used. Otherwise another name is tried; no request is sent twice."""
    add_fault(leases.harness, fault, "PUT", f"{ROBOTS}/ci-")
    name = issue(leases, retries=1)
    creates = [request for request in leases.harness.requests if request.startswith("PUT")]
    assert len(set(creates)) == len(creates) == (1 if FAULTS[fault][1] else 2)
    assert leases.names == [name]
    assert leases.harness.stored_fingerprint() == fingerprint(leases.secret())


def test_create_that_fails_each_time_is_tried_three_times(leases: Leases) -> None:
    leases.harness.quay.faults.add("status", method="PUT", path=f"{ROBOTS}/ci-", times=None)
    result = leases.harness.run(MODULE, leases.arguments())
    assert "Quay answered 500" in result.message
    assert leases.requests == [CONFIG, NEW, *[CREATE, NEW] * 3]
    assert leases.names == []


def test_robot_that_is_created_after_all_is_swept_when_it_expired(leases: Leases) -> None:
    """The run was killed before the delivery: nobody has the secret, and the next run issues another lease."""
    orphan = issue(leases)
    leases.harness.token_path.unlink()
    assert leases.run()["reason"] == "missing"
    assert len(leases.names) == 2
    leases.harness.advance(hours=6)
    assert leases.run(rotate="always")["retired"] != [orphan]
    leases.harness.advance(hours=6, seconds=5)
    swept = leases.harness.run("quay_robot_lease_sweep", {"name_prefix": "acme+ci"})
    assert swept["deleted"] == [orphan]
    assert leases.run()["reason"] == "not_due"


def test_robot_that_fails_its_verification_is_deleted(leases: Leases) -> None:
    former = issue(leases)
    stored = leases.harness.stored_fingerprint()
    refused = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "Could not find robot with username"}]})
    leases.harness.quay.faults.add("status", path="/v2/auth", status=401, body=refused)
    result = leases.harness.run(MODULE, leases.arguments(rotate="always"))
    assert "does not accept the secret of the new robot" in result.message
    assert leases.names == [former]
    assert leases.harness.stored_fingerprint() == stored


def test_robot_whose_role_cannot_be_granted_is_deleted(leases: Leases) -> None:
    leases.harness.quay.faults.add("status", method="PUT", path="/permissions/", times=None)
    result = leases.harness.run(MODULE, leases.arguments(permissions=[{"repository": "acme/app", "role": "read"}]))
    assert "Quay answered 500" in result.message
    assert leases.names == []
    assert not leases.harness.token_path.exists()


def test_robot_that_cannot_be_deleted_again_is_named(leases: Leases) -> None:
    leases.harness.quay.faults.add("status", path="/v2/auth", status=503, times=None)
    leases.harness.quay.faults.add("status", method="DELETE", status=503, times=None)
    result = leases.harness.run(MODULE, leases.arguments())
    assert result.failed
    (warning,) = result.warnings
    assert f"{leases.name} could not be deleted" in warning
    assert "quay_robot_lease_sweep deletes it after" in warning


def test_secret_of_another_lease_is_not_delivered_or_deleted(leases: Leases) -> None:
    """Whoever can edit the store names another robot of the same prefix in it."""
    path, other = leases.harness.folder / "a.json", leases.harness.folder / "b.json"
    deliver = [{"kind": "file", "path": str(path), "format": "json"}]
    issue(leases, deliver=deliver)
    victim = issue(leases, deliver=[{"kind": "file", "path": str(other), "format": "json"}])
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "username": victim}))
    result = leases.run(deliver=deliver)
    assert (result["reason"], result["retired"]) == ("invalid", [])
    assert json.loads(path.read_text())["token"] != leases.secret(victim)
    path.write_text(json.dumps({**json.loads(path.read_text()), "username": victim}))
    assert leases.run(deliver=deliver, state="absent")["deleted"] == []
    assert victim in leases.names


def test_regenerated_secret_is_replaced_by_another_lease(leases: Leases) -> None:
    former = issue(leases)
    leases.harness.robot(former).token = tokens.robot_token()
    result = leases.run()
    assert (result["reason"], result["retired"]) == ("invalid", [])
    assert former in leases.names


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "was not issued as a lease"),
        ({"tokensmith.quay": {"kind": "lease"}}, "has metadata of a lease that cannot be read"),
        ({"tokensmith.quay": "lease"}, "has metadata of a lease that cannot be read"),
    ],
)
def test_robot_without_a_valid_marker_is_kept(leases: Leases, metadata: dict[str, Any], words: str) -> None:
    former = issue(leases)
    leases.harness.robot(former).metadata = metadata
    result = leases.run()
    assert (result["reason"], result["retired"]) == ("invalid", [])
    assert f"{former} {words}" in result.warnings[0]
    assert former in leases.names


def test_former_robot_that_a_mirror_uses_is_kept_with_another_secret(leases: Leases) -> None:
    former = issue(leases)
    secret = leases.secret()
    set_mirror(leases.harness, former)
    leases.harness.advance(hours=10)
    result = leases.harness.run(MODULE, leases.arguments())
    assert not result.failed
    assert f"{former} is the user of a mirror, so it was not deleted" in result.warnings[0]
    assert leases.secret(former) != secret
    assert len(leases.names) == 2


def test_secret_of_a_permanent_robot_is_replaced_and_its_robot_kept(leases: Leases) -> None:
    harness = leases.harness
    harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(harness.token_path)})
    result = leases.run()
    assert result["reason"] == "invalid"
    assert harness.robot("acme+ci").token == harness.accounts.robot_token
    assert harness.stored_fingerprint() == fingerprint(leases.secret())


# --- absent


def test_absent_deletes_the_stored_lease(either_login: Harness) -> None:
    harness, leases = either_login, Leases(either_login)
    other = issue(leases, current_token=None)
    name = issue(leases)
    runs = leases.four_runs(state="absent", lifetime=None)
    assert leases.names == [other]
    assert not harness.token_path.exists()
    assert runs.first.content | {"registry": "", "api_url": ""} == {
        "name": "acme+ci",
        "username": name,
        "registry": "",
        "api_url": "",
        "description": "",
        "owner": "",
        "reason": "absent",
        "minted": False,
        "token": None,
        "fingerprint": None,
        "age_source": None,
        "created_at": None,
        "expires_at": None,
        "last_accessed": None,
        "uuid": None,
        "superseded": [],
        "delivered": [],
        "retired": [],
        "deleted": [name],
        "removed": [str(harness.token_path)],
    }
    assert leases.without_login(runs.requests[1]) == [NEW, CONFIG, DELETE]
    assert runs.first.diff["before"] == {"name": "acme+ci", "token": "present", **harness.deliver_diff("present")}
    assert runs.first.diff["after"] == {"name": "acme+ci", "token": "absent", **harness.deliver_diff("absent")}


def test_absent_by_the_secret(leases: Leases) -> None:
    name = issue(leases)
    assert leases.run(current_token=leases.secret(), state="absent")["deleted"] == [name]
    assert leases.names == []


def test_absent_keeps_what_belongs_to_others(leases: Leases) -> None:
    path = leases.harness.folder / "auth.json"
    deliver = [{"kind": "container_auth", "path": str(path)}]
    leases.harness.run("quay_robot_token", {"name": "acme+ci", "deliver": deliver})
    content = path.read_text()
    result = leases.run(deliver=deliver, state="absent")
    assert not result.changed
    assert "holds a secret of acme+ci. It was not changed" in result.warnings[0]
    assert path.read_text() == content


def test_absent_keeps_the_secret_of_another_robot_without_a_record(either_login: Harness) -> None:
    leases = Leases(either_login)
    secret = either_login.robot().token
    either_login.store_secret(secret)
    runs = leases.four_runs(state="absent", lifetime=None)
    assert not runs.first.changed
    assert runs.first.warned("holds the secret of the robot acme+ci. It was not changed")
    assert either_login.token_path.read_text() == f"{secret}\n"
    either_login.store_secret(secret[::-1])
    assert leases.run(state="absent")["removed"] == [str(either_login.token_path)]


def test_absent_keeps_the_secret_of_a_robot_that_only_looks_like_a_lease(leases: Leases) -> None:
    name = issue(leases)
    leases.harness.robot(name).metadata = {}
    result = leases.run(state="absent")
    assert not result.changed
    assert result.warned(f"holds the secret of the robot {name}. It was not changed")
    assert (leases.names, leases.harness.stored_fingerprint()) == ([name], fingerprint(leases.secret()))


def test_absent_of_a_lease_that_a_mirror_uses_is_refused(leases: Leases) -> None:
    name = issue(leases)
    set_mirror(leases.harness, name)
    result = leases.harness.run(MODULE, leases.arguments(state="absent"))
    assert "Robot is being used by a mirror" in result.message
    assert (leases.names, leases.harness.token_path.exists()) == ([name], True)


# --- refusals


def refused(**options: Any) -> dict[str, Any]:
    return {"name_prefix": "acme+ci", "lifetime": "12h", **options}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lifetime": "0s"}, "lifetime must be longer than 0"),
        ({"lifetime": "12"}, "lifetime needs a unit"),
        ({"lifetime": None}, "lifetime is missing. Set it to the time for which the robot is needed, such as 12h"),
        ({"renew_before": "12h"}, "renew_before (12h) must be shorter than lifetime (12h)"),
        ({"name_prefix": "acme+CI"}, "name_prefix: 'acme+CI' is not valid"),
        ({"name_prefix": "acme+"}, "name_prefix: 'acme+' is not valid"),
        ({"name_prefix": "acme+" + "x" * 221}, "is not valid"),
        ({"owner": "x" * 256}, "owner has 256 characters"),
        ({"description": "x" * 256}, "description has 256 characters"),
        ({"permissions": [{"repository": "rival/app", "role": "read"}]}, "is not in the namespace acme"),
    ],
)
def test_invalid_options_are_refused(leases: Leases, options: dict[str, Any], words: str) -> None:
    assert_refused(leases.harness, MODULE, refused(**options), words)
    assert leases.harness.requests == []


def test_missing_repository_is_refused(leases: Leases) -> None:
    permissions = [{"repository": "acme/none", "role": "read"}]
    assert_refused(leases.harness, MODULE, refused(permissions=permissions), "acme/none does not exist")


def test_login_without_the_right_is_refused_in_check_mode_too(leases: Leases) -> None:
    leases.harness.login = {"quay_token": leases.harness.accounts.bob_token}
    assert_refused(leases.harness, MODULE, refused(), "Quay answered 403")


def test_unknown_organization_is_refused(superuser: Harness) -> None:
    assert_refused(superuser, MODULE, refused(name_prefix="none+ci"), "Organization does not exist")


def test_disallowed_robots_are_refused(leases: Leases) -> None:
    leases.harness.quay.config["ROBOTS_DISALLOW"] = True
    assert_refused(leases.harness, MODULE, refused(), "does not allow robot accounts")


def test_read_only_registry_is_refused(leases: Leases) -> None:
    leases.harness.quay.config["REGISTRY_STATE"] = "readonly"
    assert_refused(leases.harness, MODULE, refused(), "the registry is read-only")


def test_expiry_follows_the_clock_of_quay(leases: Leases) -> None:
    leases.harness.quay.clock.set(datetime(2030, 1, 31, 12, 0, 0, tzinfo=UTC))
    assert issue(leases).startswith("acme+ci-20300201t0000")
