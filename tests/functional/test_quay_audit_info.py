# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_audit_info: every credential that Quay lists, with few requests, and the rules that each breaks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from contract import collection
from functional.accounts import ALL_SCOPES
from functional.documentation import documented_values
from functional.harness import Harness
from standin import tokens
from standin.state import Mirror, Robot

MODULE = "quay_audit_info"
ORGANIZATION = "GET /api/v1/organization/acme"
ROBOTS = f"{ORGANIZATION}/robots"
APPLICATIONS = f"{ORGANIZATION}/applications"
CONFIG = "GET /config"
_GUIDE = collection.ROOT / "docs" / "docsite" / "rst" / "guide_audit.rst"
_RIGHTS = re.compile(r"^   \* - (.+)\n     - (``.+)$", re.MULTILINE)


def audit(harness: Harness, **arguments: Any) -> dict[str, Any]:
    """Run the module in check mode and really. Asserts equal results, that it only reads, and that it has no secret."""
    if not {"all_organizations", "own_account", "organizations"} & arguments.keys():
        arguments["organizations"] = ["acme"]
    predicted = harness.check(MODULE, arguments)
    state = harness.state()
    result = harness.run(MODULE, arguments)
    assert not result.failed, result.message
    assert not result.changed
    # A sign-in is the only thing that is not read.
    assert [request for request in harness.requests if not request.startswith("GET ")] in ([], harness.sign_in[1:])
    assert harness.state() == state
    assert without_times(predicted.content) == without_times(result.content)
    return dict(result.content)


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    """Without what the two runs themselves change: the time, and the last use of the login."""
    rows = [{**row, "last_accessed": None, "findings": None} for row in result["credentials"]]
    return {**result, "audited_at": None, "credentials": rows}


def by_name(result: dict[str, Any], kind: str = "robot") -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in result["credentials"] if row["kind"] == kind}


def rules_of(row: dict[str, Any]) -> set[str]:
    return {finding["rule"] for finding in row["findings"]}


def message(row: dict[str, Any], rule: str) -> str:
    return "; ".join(finding["message"] for finding in row["findings"] if finding["rule"] == rule)


def add_robots(harness: Harness, count: int, namespace: str = "acme", **fields: Any) -> None:
    """Add robots to the state of the stand-in."""
    state = harness.quay.state
    for _turn in range(count):
        number = state.next_id()
        name = f"{namespace}+r{number}"
        state.robots[name] = Robot(name, tokens.robot_token(), harness.quay.clock.now(), number, **fields)


def mint(harness: Harness, scope: str = "repo:read", **more: Any) -> dict[str, Any]:
    """Create an OAuth token of acme's application automation. Returns what Quay shows of it."""
    path = f"/api/v1/organization/acme/applications/{harness.accounts.automation}/tokens"
    body = {"name": "nightly", "scope": scope, "expiration": 90 * 86400, **more}
    return dict(harness.accounts.alice.browser().call("POST", path, body).json())


# --- what is listed


def test_organization(either_login: Harness) -> None:
    harness = either_login
    result = audit(harness)
    client_ids = [harness.accounts.automation, harness.accounts.console]
    lists_tokens = harness.quay.quay.family == "3.18"
    tokens_of = [f"{APPLICATIONS}/{client_id}/tokens" for client_id in client_ids]
    probe = ["GET /api/v1/organization/zz/applications/zz/tokens"]
    expected = [*harness.sign_in, ORGANIZATION, ROBOTS, APPLICATIONS, *(tokens_of if lists_tokens else probe), CONFIG]
    assert harness.requests == expected
    assert (result["organizations"], result["problems"]) == (["acme"], [])
    assert result["server"] == harness.quay.url
    assert harness.is_now(result["audited_at"])
    robot = by_name(result)["acme+ci"]
    assert robot == {
        "kind": "robot",
        "name": "acme+ci",
        "organization": "acme",
        "owner": "acme",
        "owner_enabled": None,
        "uuid": None,
        "client_id": None,
        "application": None,
        "description": "builds",
        "created_at": robot["created_at"],
        "age_source": "creation",
        "age_days": 0,
        "expires_at": None,
        "last_accessed": None,
        "use_known": True,
        "scopes": [],
        "teams": [],
        "repositories": [{"repository": "acme/app", "role": None, "team": None}],
        "federation": None,
        "mirrors": None,
        "declared": None,
        "findings": [],
    }
    assert robot["created_at"] == harness.iso(harness.robot().created)
    secrets = by_name(result, "client_secret")
    assert {name: row["client_id"] for name, row in secrets.items()} == dict(
        zip(["automation", "console"], client_ids, strict=True)
    )
    assert secrets["console"]["created_at"] is None
    if not lists_tokens:
        assert [row["kind"] for row in result["credentials"]] == ["robot", "client_secret", "client_secret"]
        assert result["limits"] == ["This server (Quay 3.17 or older) does not list the OAuth tokens of applications."]
        return
    assert result["limits"] == []
    token = by_name(result, "api")[""]
    assert (token["owner"], token["application"], token["age_source"]) == ("alice", "console", "quay")
    assert token["scopes"] == sorted(ALL_SCOPES.split())
    assert rules_of(token) == {"dangerous_scopes", "no_expiry"}
    assert message(token, "dangerous_scopes") == "has the scopes org:admin, repo:admin, user:admin"


def test_robot_tokens_are_not_requested(harness: Harness) -> None:
    audit(harness)
    (listed,) = [entry for entry in harness.quay.journal if entry.path.endswith("/robots")]
    assert listed.query == "permissions=true&token=false"


@pytest.mark.parametrize("family", ["3.18"])
def test_requests_do_not_depend_on_robots(harness: Harness) -> None:
    requests = []
    for more in (9, 190):
        add_robots(harness, more)
        result = audit(harness)
        requests.append(harness.requests)
    assert len(by_name(result)) == 200
    assert requests[0] == requests[1]
    assert len(requests[0]) == 6


@pytest.mark.parametrize("family", ["3.18"])
def test_requests_grow_by_pages_of_tokens(harness: Harness) -> None:
    for _turn in range(60):
        mint(harness)
    result = audit(harness)
    assert len([row for row in result["credentials"] if row["application"] == "automation" and row["uuid"]]) == 60
    path = f"{APPLICATIONS}/{harness.accounts.automation}/tokens"
    assert harness.requests.count(path) == 2
    assert len(harness.requests) == 7


def test_order(harness: Harness) -> None:
    add_robots(harness, 3)
    harness.login = harness.accounts.root.by_password
    result = audit(harness, organizations=["rival", "acme"])
    keys = [(row["organization"], row["kind"], row["name"]) for row in result["credentials"]]
    order = ["robot", "api", "app", "client_secret", "federation"]
    assert keys == sorted(keys, key=lambda key: (key[0], order.index(key[1]), key[2]))
    assert {key[0] for key in keys} == {"acme", "rival"}


def test_own_account(either_login: Harness) -> None:
    harness = either_login
    browser = harness.accounts.alice.browser()
    browser.call("PUT", "/api/v1/user/robots/own", {})
    browser.call("POST", "/api/v1/user/apptoken", {"title": "laptop"})
    result = audit(harness, own_account=True)
    paths = ["robots", "authorizations", "apptoken"]
    assert harness.requests == [*harness.sign_in, *(f"GET /api/v1/user/{path}" for path in paths), CONFIG]
    robot = by_name(result)["alice+own"]
    assert (robot["organization"], robot["owner"], robot["teams"]) == (None, "alice", [])
    app = by_name(result, "app")["laptop"]
    assert (app["owner"], app["expires_at"], app["age_source"]) == ("alice", None, "quay")
    assert message(app, "no_expiry") == "does not expire (the server sets no expiry for app tokens)"
    token = by_name(result, "api")[""]
    assert (token["organization"], token["application"], token["created_at"]) == ("acme", "console", None)
    assert (token["use_known"], rules_of(token)) == (False, {"dangerous_scopes"})


@pytest.mark.parametrize("family", ["3.18"])
def test_token_of_the_login_is_listed_once(harness: Harness) -> None:
    result = audit(harness, organizations=["acme"], own_account=True)
    (token,) = [row for row in result["credentials"] if row["kind"] == "api"]
    assert (token["client_id"], token["created_at"] is None) == (harness.accounts.console, False)


def test_app_tokens_may_not_be_offered(harness: Harness) -> None:
    harness.quay.config["FEATURE_APP_SPECIFIC_TOKENS"] = False
    result = audit(harness, own_account=True)
    assert result["problems"] == []
    assert any("does not offer app tokens" in limit for limit in result["limits"])


def test_complete_server(superuser: Harness) -> None:
    harness = superuser
    harness.accounts.bob.browser().call("POST", "/api/v1/user/apptoken", {"title": "laptop"})
    harness.accounts.bob.browser().call("PUT", "/api/v1/user/robots/own", {})
    add_robots(harness, 1, "rival")
    result = audit(harness, all_organizations=True)
    assert result["problems"] == []
    assert {"acme", "rival"} <= set(result["organizations"])
    assert {"acme", "rival"} <= {row["organization"] for row in result["credentials"]}
    app = by_name(result, "app")["laptop"]
    assert (app["owner"], app["organization"]) == (None, None)
    assert "Quay does not show to whom the app tokens of other users belong." in result["limits"]
    listed = [request for request in harness.requests if "/superuser/" in request]
    assert listed == [f"GET /api/v1/superuser/{name}" for name in ("organizations/", "users/", "apptokens")]
    assert "bob+own" not in by_name(result)
    with_users = audit(harness, all_organizations=True, user_robots=True)
    robot = by_name(with_users)["bob+own"]
    assert (robot["organization"], robot["owner"], robot["owner_enabled"]) == (None, "bob", True)


def test_pages_of_organizations(superuser: Harness) -> None:
    harness = superuser
    before = len(harness.quay.state.organizations)
    for number in range(105 - before):
        harness.quay.state.organizations[f"o{number}"] = type(harness.quay.state.organizations["acme"])(
            f"o{number}", "", harness.quay.clock.now(), harness.quay.state.next_id()
        )
    result = audit(harness, all_organizations=True)
    assert len(result["organizations"]) == 105
    assert harness.requests.count("GET /api/v1/superuser/organizations/") == 2


# --- what cannot be read


def test_unreadable_organization_is_a_problem_and_the_others_are_audited(harness: Harness) -> None:
    result = audit(harness, organizations=["nope", "rival", "acme"])
    assert result["organizations"] == ["rival", "acme"]
    assert [item["subject"] for item in result["problems"]] == ["nope", "robots of rival", "applications of rival"]
    assert result["problems"][0]["message"] == "There is no organization 'nope'"
    assert "403" in result["problems"][1]["message"]
    assert "administers it" in result["problems"][2]["message"]
    assert "acme+ci" in by_name(result)


def test_member_without_rights_gets_a_problem_instead_of_half_an_audit(harness: Harness) -> None:
    """Quay lists the robots to any member of the organization, but not what they may do."""
    harness.login = harness.accounts.carol.by_password
    result = audit(harness)
    assert result["credentials"] == []
    assert [item["subject"] for item in result["problems"]] == ["robots of acme", "applications of acme"]
    assert "may not see what the robots of acme may do" in result["problems"][0]["message"]


def test_no_superuser(harness: Harness) -> None:
    result = harness.run(MODULE, {"all_organizations": True})
    assert "Use the login of a superuser" in result.message


def test_superuser_without_full_access(harness: Harness) -> None:
    harness.login = harness.accounts.root.by_password
    harness.quay.config["FEATURE_SUPERUSERS_FULL_ACCESS"] = False
    result = audit(harness, all_organizations=True)
    assert "robots of acme" in [item["subject"] for item in result["problems"]]


def test_wrong_login_fails(harness: Harness) -> None:
    harness.login = {"quay_token": "x" * 40}
    result = harness.run(MODULE, {"organizations": ["acme"]})
    assert result.failed
    assert "401" in result.message


def test_error_of_the_server_fails(harness: Harness) -> None:
    harness.quay.faults.add(method="GET", path="/robots$", kind="status", status=500)
    result = harness.run(MODULE, {"organizations": ["acme"]})
    assert result.failed
    assert "500" in result.message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "Nothing is to be audited. Set organizations"),
        ({"organizations": ["", " "]}, "Nothing is to be audited"),
        ({"organizations": ["acme"], "user_robots": True}, "user_robots needs all_organizations"),
        ({"organizations": ["acme"], "max_age": "90"}, "max_age needs a unit"),
        ({"organizations": ["acme"], "records": ["reports"]}, "records: 'reports' is not an absolute path"),
        ({"organizations": ["acme"], "rules": ["old"]}, "rules"),
        ({"organizations": ["acme"], "details": ["all"]}, "details"),
        ({"organizations": ["acme"], "rules": ["unused"], "required_rules": ["too_old"]}, "not in rules: too_old"),
        ({"organizations": ["acme"], "required_rules": ["undeclared"]}, "undeclared needs credentials"),
        ({"organizations": ["acme"], "credentials": [{"name": "acme+ci"}]}, "kind"),
    ],
)
def test_bad_input_sends_nothing(harness: Harness, arguments: dict[str, Any], words: str) -> None:
    result = harness.run(MODULE, arguments)
    assert result.failed
    assert words in result.message
    assert harness.requests == []


# --- rules


def test_rules_and_details_are_documented() -> None:
    options = collection.spec_of(MODULE).options
    text = " ".join(collection.documented(MODULE).options["rules"]["description"])
    assert {rule for rule in options["rules"]["choices"] if f"V({rule}) is" in text} == set(options["rules"]["choices"])
    assert options["rules"]["choices"] == options["required_rules"]["choices"]
    assert documented_values(MODULE, "credentials", "kind") == {"robot", "api", "app", "client_secret", "federation"}
    assert documented_values(MODULE, "credentials", "age_source") == {"quay", "log", "record", "creation"}


def test_age(harness: Harness) -> None:
    harness.advance(days=91)
    robot = by_name(audit(harness))["acme+ci"]
    assert message(robot, "too_old") == (
        "up to 91 days old, limit 90 days (Quay shows the age of the robot, not of its token)"
    )
    assert message(robot, "never_used") == "never used since it was created 91 days ago"
    assert (robot["age_days"], robot["age_source"]) == (91, "creation")
    assert rules_of(by_name(audit(harness, max_age="0", never_used_after="0"))["acme+ci"]) == set()
    assert rules_of(by_name(audit(harness, max_age="92d", never_used_after="92d"))["acme+ci"]) == set()


def test_logs_show_the_age_of_tokens_and_client_secrets(harness: Harness) -> None:
    browser = harness.accounts.alice.browser()
    browser.call("PUT", "/api/v1/organization/acme/robots/old", {})
    harness.advance(days=100)
    browser = harness.accounts.alice.browser()
    browser.call("POST", "/api/v1/organization/acme/robots/ci/regenerate")
    browser.call("POST", f"/api/v1/organization/acme/applications/{harness.accounts.automation}/resetclientsecret")
    harness.advance(days=10)
    result = audit(harness, details=["logs"])
    robots, secrets = by_name(result), by_name(result, "client_secret")
    assert (robots["acme+ci"]["age_source"], robots["acme+ci"]["age_days"]) == ("log", 10)
    assert rules_of(robots["acme+ci"]) == {"never_used"}
    assert (robots["acme+old"]["age_source"], robots["acme+old"]["age_days"]) == ("creation", 110)
    assert (secrets["automation"]["age_source"], secrets["automation"]["age_days"]) == ("log", 10)
    assert secrets["console"]["created_at"] is None


def test_records_show_the_age_of_tokens(harness: Harness) -> None:
    """In an auth file, which has the user name itself, and in other files."""
    files = {
        "acme+ci": {"kind": "container_auth", "path": str(harness.folder / "auth.json")},
        "acme+env": {"kind": "file", "path": str(harness.folder / "robot.env"), "format": "env"},
        "acme+raw": {"kind": "file", "path": str(harness.folder / "raw"), "format": "token"},
    }
    for name in (*files, "acme+none"):
        harness.accounts.alice.browser().call("PUT", f"/api/v1/organization/acme/robots/{name[5:]}x", {})
    harness.advance(days=100)
    for name, store in files.items():
        arguments = {"name": f"{name}x", "rotate": "always", "deliver": [store]}
        assert not harness.run("quay_robot_token", arguments).failed
    (harness.folder / "unreadable").mkdir()
    harness.advance(days=95)
    found = by_name(audit(harness, records=[str(harness.folder), str(harness.folder / "none")]))
    ages = {name: (row["age_source"], row["age_days"]) for name, row in found.items()}
    assert ages["acme+nonex"] == ("creation", 195)
    for name in files:
        assert ages[f"{name}x"] == ("record", 95)
    assert message(found["acme+cix"], "too_old") == "up to 95 days old, limit 90 days (by the record of its delivery)"
    # Such a record was edited, or written by a wrong clock.
    path = harness.folder / "raw.record.json"
    path.write_text(path.read_text().replace('"created_at": "20', '"created_at": "29'))
    assert by_name(audit(harness, records=[str(path)]))["acme+rawx"]["age_source"] == "creation"
    # A robot that was created later under the name has nothing to do with the record.
    harness.robot("acme+cix").created = harness.quay.clock.now()
    again = by_name(audit(harness, records=[str(harness.folder)]))
    assert (again["acme+cix"]["age_source"], again["acme+cix"]["age_days"]) == ("creation", 0)


def test_unreadable_logs_are_a_problem(harness: Harness) -> None:
    harness.advance(days=100)
    harness.quay.config["LOGS_MODEL"] = "splunk"
    result = audit(harness, details=["logs"])
    assert {item["subject"] for item in result["problems"]} == {"usage logs of acme"}
    assert "acme+ci" in by_name(result)


def test_last_use(harness: Harness) -> None:
    harness.robot().last_accessed = harness.quay.clock.now()
    harness.advance(days=91)
    robot = by_name(audit(harness))["acme+ci"]
    assert message(robot, "unused") == "last used 91 days ago"
    assert "never_used" not in rules_of(robot)
    assert "unused" not in rules_of(by_name(audit(harness, unused_for="92d"))["acme+ci"])


def test_last_use_is_unknown_if_the_server_does_not_record_it(harness: Harness) -> None:
    harness.quay.config["FEATURE_USER_LAST_ACCESSED"] = False
    harness.advance(days=91)
    result = audit(harness)
    robot = by_name(result)["acme+ci"]
    assert (robot["use_known"], rules_of(robot)) == (False, {"too_old"})
    assert "does not record the last use" in " ".join(result["limits"])


@pytest.mark.parametrize("family", ["3.18"])
def test_lifetime_of_tokens(harness: Harness) -> None:
    for name, days in (("short", 10), ("year", 365), ("long", 366), ("decade", 3653)):
        mint(harness, name=name, expiration=days * 86400)
    harness.advance(hours=2)
    found = by_name(audit(harness), "api")
    assert rules_of(found["short"]) == {"expiring"}
    assert message(found["short"], "expiring").startswith("expires in 9 days 2")
    assert rules_of(found["year"]) == set()
    assert rules_of(found["long"]) == {"long_lifetime"}
    assert message(found["long"], "long_lifetime") == "valid for 366 days, limit 365 days"
    assert rules_of(found["decade"]) == {"no_expiry"}
    assert rules_of(by_name(audit(harness, expires_within="0", max_lifetime="0"), "api")["long"]) == set()


@pytest.mark.parametrize("family", ["3.18"])
def test_scopes(harness: Harness) -> None:
    mint(harness, "org:admin repo:read")
    assert message(by_name(audit(harness), "api")["nightly"], "dangerous_scopes") == "has the scope org:admin"
    own = audit(harness, dangerous_scopes=["repo:read"])
    assert message(by_name(own, "api")["nightly"], "dangerous_scopes") == "has the scope repo:read"
    assert rules_of(by_name(audit(harness, dangerous_scopes=[]), "api")["nightly"]) == set()


def test_admin_robot_by_team(harness: Harness) -> None:
    harness.quay.state.organizations["acme"].teams["owners"].members.append("acme+ci")
    result = audit(harness)
    robot = by_name(result)["acme+ci"]
    assert robot["teams"] == [{"name": "owners", "role": "admin"}]
    assert message(robot, "admin_robot") == "administers the organization acme (team owners)"
    assert f"{ORGANIZATION}/team/owners/members" in harness.requests


def test_team_of_another_organization(harness: Harness) -> None:
    """Quay lists teams without their organization. The owners of another one are not those of this one."""
    harness.quay.state.organizations["rival"].teams["owners"].members.append("acme+ci")
    robot = by_name(audit(harness, details=["mirrors"]))["acme+ci"]
    assert robot["teams"] == [{"name": "owners", "role": None}]
    assert rules_of(robot) == {"hard_to_replace"}
    assert message(robot, "hard_to_replace") == "it is a member of a team of another organization (owners)"


def test_roles(harness: Harness) -> None:
    state = harness.quay.state
    state.repositories["acme", "base"].user_roles["acme+ci"] = "admin"
    state.organizations["acme"].teams["readers"].members.append("acme+ci")
    state.repositories["acme", "app"].team_roles["readers"] = "write"
    add_robots(harness, 30)
    result = audit(harness, details=["roles"])
    robot = by_name(result)["acme+ci"]
    assert robot["repositories"] == [
        {"repository": "acme/app", "role": "read", "team": None},
        {"repository": "acme/base", "role": "admin", "team": None},
        {"repository": "acme/app", "role": "write", "team": "readers"},
    ]
    assert message(robot, "admin_robot") == "administers the repository acme/base"
    permissions = [request for request in harness.requests if "/permissions" in request]
    assert sorted(permissions) == [
        f"{ORGANIZATION}/team/readers/permissions",
        "GET /api/v1/repository/acme/app/permissions/user/",
        "GET /api/v1/repository/acme/base/permissions/user/",
    ]


def test_owner_disabled(superuser: Harness) -> None:
    harness = superuser
    if harness.quay.quay.family == "3.18":
        mint(harness)
    harness.quay.state.users["alice"].enabled = False
    harness.accounts.bob.browser().call("PUT", "/api/v1/user/robots/own", {})
    harness.quay.state.users["bob"].enabled = False
    result = audit(harness, all_organizations=True, user_robots=True)
    robot = by_name(result)["bob+own"]
    assert robot["owner_enabled"] is False
    assert message(robot, "owner_disabled").startswith("belongs to the user bob, who is disabled")
    assert "owner_disabled" not in rules_of(by_name(result)["acme+ci"])
    if harness.quay.quay.family == "3.18":
        assert "owner_disabled" in rules_of(by_name(result, "api")["nightly"])
    assert "owner_disabled" not in [item["rule"] for item in result["unchecked"]]


def test_owners_of_one_organization(superuser: Harness) -> None:
    harness = superuser
    unchecked = audit(harness)["unchecked"]
    assert "owner_disabled" in [item["rule"] for item in unchecked]
    assert not [request for request in harness.requests if "/superuser/users" in request]
    required = audit(harness, required_rules=["owner_disabled"])
    assert "owner_disabled" not in [item["rule"] for item in required["unchecked"]]
    harness.login = harness.accounts.alice.by_password
    refused = harness.run(MODULE, {"organizations": ["acme"], "required_rules": ["owner_disabled"]})
    assert "Use the login of a superuser" in refused.message


def test_federation(harness: Harness) -> None:
    add_robots(harness, 2)
    harness.robot().federation = [{"issuer": "https://ci.example.com", "subject": "repo:acme/app"}]
    result = audit(harness, details=["federation"])
    robots = by_name(result)
    assert robots["acme+ci"]["federation"] == [{"issuer": "https://ci.example.com", "subject": "repo:acme/app"}]
    assert rules_of(robots.pop("acme+ci")) == set()
    assert {frozenset(rules_of(row)) for row in robots.values()} == {frozenset({"no_federation"})}
    identity = by_name(result, "federation")["repo:acme/app"]
    assert (identity["owner"], identity["description"]) == ("acme+ci", "https://ci.example.com")
    assert identity["organization"] == "acme"
    assert len([request for request in harness.requests if request.endswith("/federation")]) == 3


def test_required_rule_reads_what_it_needs(harness: Harness) -> None:
    unchecked = {item["rule"]: item["message"] for item in audit(harness)["unchecked"]}
    assert unchecked.keys() == {"owner_disabled", "undeclared", "hard_to_replace", "no_federation"}
    assert unchecked["no_federation"] == "Set details to include federation"
    result = audit(harness, required_rules=["no_federation"])
    assert "no_federation" in rules_of(by_name(result)["acme+ci"])
    assert "no_federation" not in [item["rule"] for item in result["unchecked"]]


def test_robot_that_is_deleted_meanwhile(harness: Harness) -> None:
    """Between the list and the request for its federation."""
    harness.before_request("/ci/federation$", lambda: harness.quay.state.robots.pop("acme+ci"))
    result = harness.run(MODULE, {"organizations": ["acme"], "details": ["federation"]})
    assert (result["problems"], by_name(result.content)["acme+ci"]["federation"]) == ([], [])


@pytest.mark.parametrize("family", ["3.18"])
def test_application_that_is_deleted_meanwhile(harness: Harness) -> None:
    automation = harness.accounts.automation
    harness.before_request(f"/{automation}/tokens$", lambda: harness.quay.state.applications.pop(automation))
    result = harness.run(MODULE, {"organizations": ["acme"]})
    assert result["problems"] == []
    assert [row["application"] for row in result["credentials"] if row["kind"] == "api"] == ["console"]


def test_mirrors(harness: Harness) -> None:
    harness.quay.config["FEATURE_REPO_MIRROR"] = True
    add_robots(harness, 1)
    repository = harness.quay.state.repositories["acme", "app"]
    repository.state = "MIRROR"
    repository.mirror = Mirror("quay.io/x/y", "acme+ci", ["latest"], 3600, harness.quay.clock.now(), 300)
    result = audit(harness, details=["mirrors", "federation"])
    robot = by_name(result)["acme+ci"]
    assert robot["mirrors"] == ["acme/app"]
    assert message(robot, "hard_to_replace") == "the mirror of acme/app uses it"
    # A mirror signs in with the token of its robot.
    assert "no_federation" not in rules_of(robot)
    assert harness.requests.count("GET /api/v1/repository") == 1
    assert harness.requests.count("GET /api/v1/repository/acme/app/mirror") == 1


def test_rules_can_be_selected(harness: Harness) -> None:
    harness.advance(days=200)
    result = audit(harness, rules=["never_used"])
    assert result["rules"] == ["never_used"]
    assert rules_of(by_name(result)["acme+ci"]) == {"never_used"}
    assert result["summary"]["by_rule"] == {"never_used": result["summary"]["findings"]}
    assert result["unchecked"] == []


def test_summary(harness: Harness) -> None:
    harness.advance(days=91)
    result = audit(harness, rules=["never_used", "too_old"])
    rows = result["credentials"]
    broken = [row for row in rows if row["findings"]]
    assert result["summary"] == {
        "credentials": len(rows),
        "with_findings": len(broken),
        "findings": sum(len(row["findings"]) for row in rows),
        "by_rule": {rule: len([row for row in rows if rule in rules_of(row)]) for rule in ("too_old", "never_used")},
        "by_kind": {
            kind: len([row for row in rows if row["kind"] == kind])
            for kind in ("robot", "api", "app", "client_secret", "federation")
        },
    }


# --- declarations

_STORE = [{"kind": "file", "path": "/etc/ci/one"}]


def declared(name: str, kind: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "deliver": [{"kind": "file", "path": f"/etc/ci/{kind}-{name}"}], **options}


def undeclared(harness: Harness, *credentials: dict[str, Any], **arguments: Any) -> list[str]:
    """The names of robots and tokens that no declaration covers."""
    result = audit(harness, credentials=list(credentials), rules=["undeclared"], **arguments)
    return [row["name"] for row in result["credentials"] if rules_of(row) == {"undeclared"} and row["name"]]


def test_declared_credentials(harness: Harness) -> None:
    browser = harness.accounts.alice.browser()
    for name in ("pull_a", "pull_b", "stray"):
        browser.call("PUT", f"/api/v1/organization/acme/robots/{name}", {})
    tokens_of_applications = []
    if harness.quay.quay.family == "3.18":
        mint(harness)
        tokens_of_applications = ["nightly"]
    everything = ["acme+ci", "acme+pull_a", "acme+pull_b", "acme+stray", *tokens_of_applications]
    assert undeclared(harness) == [*everything, "automation", "console"]
    covered = [
        declared("acme+ci", "robot"),
        declared("acme+pull", "robot", strategy="paired", deliver=[{**_STORE[0], "format": "json"}]),
        declared("nightly", "api", organization="acme", application="automation"),
    ]
    assert undeclared(harness, *covered) == ["acme+stray", "console"]
    by_id = declared("portal", "client_secret", client_id=harness.accounts.console)
    assert undeclared(harness, *covered, by_id) == ["acme+stray"]


def test_absent_declaration_covers_nothing(harness: Harness) -> None:
    assert "acme+ci" in undeclared(harness, {"name": "acme+ci", "kind": "robot", "state": "absent"})


def test_declared_robot_of_the_user(harness: Harness) -> None:
    harness.accounts.alice.browser().call("PUT", "/api/v1/user/robots/own", {})
    for name in ("own", "alice+own"):
        assert undeclared(harness, declared(name, "robot"), own_account=True) == []


def test_leases_need_no_declaration(harness: Harness) -> None:
    lease = {"name_prefix": "acme+build", "lifetime": "12h", "token_path": str(harness.token_path)}
    assert not harness.run("quay_robot_lease", lease).failed
    result = audit(harness, credentials=[])
    (robot,) = [row for name, row in by_name(result).items() if name.startswith("acme+build-")]
    assert robot["expires_at"] is not None
    assert rules_of(robot) == set()
    harness.advance(hours=24.5)
    result = audit(harness, credentials=[])
    (robot,) = [row for name, row in by_name(result).items() if name.startswith("acme+build-")]
    assert message(robot, "expiring").startswith("expired 12 hours ")


def test_secret_in_a_declaration_is_hidden_and_names_are_not(harness: Harness) -> None:
    secret = "canary-of-a-declaration"
    harness.known_secrets.add([secret])
    login = {"quay_username": "acme+ci", "quay_password": secret, "repositories": ["acme/app"]}
    result = audit(harness, credentials=[declared("scan", "referrers", **login)])
    assert "acme+ci" in by_name(result)


# --- rights


def rights() -> dict[str, list[str]]:
    """The rows of the guide: what is audited, and the scopes."""
    section = _GUIDE.read_text().partition("Least rights of the login\n")[2].partition("\n\n\n")[0]
    return {task: re.findall(r"``([a-z:]+)``", scopes) for task, scopes in _RIGHTS.findall(section)}


EVERYTHING = ["federation", "logs", "mirrors", "roles"]
AUDITS: dict[str, dict[str, Any]] = {
    "organizations": {"organizations": ["acme"]},
    "organizations, with ``federation``": {"organizations": ["acme"], "details": ["federation"]},
    "organizations, with ``logs``": {"organizations": ["acme"], "details": ["logs"]},
    "organizations, with ``mirrors``": {"organizations": ["acme"], "details": ["mirrors"]},
    "organizations, with ``roles``": {"organizations": ["acme"], "details": ["roles"]},
    "what belongs to the user": {"own_account": True},
    "the complete server": {"all_organizations": True},
    "the complete server, with all details and the robot accounts of all users": {
        "all_organizations": True,
        "user_robots": True,
        "details": EVERYTHING,
    },
}


def test_guide_has_the_rights_of_each_audit() -> None:
    assert rights().keys() == AUDITS.keys()


@pytest.mark.parametrize("task", AUDITS)
def test_least_rights(harness: Harness, task: str) -> None:
    """The audit is complete with these scopes, and with none of them missing."""
    test_mirrors(harness)
    scopes, user, client_id = rights()[task], harness.accounts.alice, harness.accounts.console
    if "server" in task:
        user = harness.accounts.root
        browser = user.browser()
        browser.call("POST", "/api/v1/organization/", {"name": "tools"})
        path = "/api/v1/organization/tools/applications"
        client_id = browser.call("POST", path, {"name": "x"}).json()["client_id"]
    harness.advance(days=100)
    harness.login = user.by_token(client_id, " ".join(scopes))
    assert audit(harness, **AUDITS[task])["problems"] == []
    for missing in scopes:
        fewer = [scope for scope in scopes if scope != missing] or ["user:read"]
        harness.login = user.by_token(client_id, " ".join(fewer))
        result = harness.run(MODULE, AUDITS[task])
        assert result.failed or result["problems"], f"complete without {missing}"
