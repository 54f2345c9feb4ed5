# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robot accounts: their names, and each call."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    ApiError,
    EndpointMissing,
    NotFound,
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import (
    FederationEntry,
    Robot,
    RobotName,
    Robots,
    is_unknown_robot,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    FakeQuay,
    Reply,
    Request,
    empty,
    error,
    ok,
    page,
)

TOKEN = "R0B0T" * 12 + "ABCD"
READ = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE = {**READ, "Content-Type": "application/json"}
ORGANIZATION_ROBOTS = "/api/v1/organization/acme/robots"
USER_ROBOTS = "/api/v1/user/robots"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)

# A robot as GET sends it. The responses to a creation and to a regeneration leave out some fields.
ROBOT_JSON = {
    "name": "acme+ci",
    "created": "Sat, 31 Jan 2026 12:00:00 -0000",
    "last_accessed": None,
    "description": "builds",
    "token": TOKEN,
    "unstructured_metadata": {"team": "a"},
}
ROBOT = Robot("acme+ci", NOON, None, "builds", TOKEN, {"team": "a"})
UNKNOWN = ok({"message": "Could not find robot with specified username"}, 400)


@pytest.fixture
def robots(quay: FakeQuay) -> Robots:
    return Robots(quay.client(BearerAuth("s3cret")))


@pytest.mark.parametrize(
    ("text", "organization", "short", "path"),
    [
        ("acme+ci", "acme", "ci", f"{ORGANIZATION_ROBOTS}/ci"),
        ("ci", None, "ci", f"{USER_ROBOTS}/ci"),
        ("acme+a1", "acme", "a1", f"{ORGANIZATION_ROBOTS}/a1"),
        ("acme+build.bot_2-x", "acme", "build.bot_2-x", f"{ORGANIZATION_ROBOTS}/build.bot_2-x"),
        ("acme+" + "a" * 250, "acme", "a" * 250, f"{ORGANIZATION_ROBOTS}/" + "a" * 250),
        ("a" * 252, None, "a" * 252, f"{USER_ROBOTS}/" + "a" * 252),
        ("Acme-Corp.eu_1+ci", "Acme-Corp.eu_1", "ci", "/api/v1/organization/Acme-Corp.eu_1/robots/ci"),
        ("a%2Fb+ci", "a%2Fb", "ci", "/api/v1/organization/a%252Fb/robots/ci"),
    ],
)
def test_valid_name(text: str, organization: str | None, short: str, path: str) -> None:
    name = RobotName.parse(text)
    assert (name.organization, name.short, name.path, str(name)) == (organization, short, path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "acme+",
        "a",
        "acme+a",
        "acme+CI",
        "acme+c i",
        "acme+ci ",
        "acme+ci\n",
        "ci\n",
        "acme+c/i",
        "acme/ci",
        "..",
        "acme+..",
        "acme+.ci",
        "acme+ci.",
        "acme+c..i",
        "acme+c._i",
        "acme+-ci",
        "acme+cï",
    ],
)
def test_invalid_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        RobotName.parse(text)
    assert str(caught.value).startswith(f"name: '{text}' is not a valid robot name. Write organization+robot, ")


@pytest.mark.parametrize("text", ["acme+" + "a" * 251, "a" * 254 + "+ci", "a" * 253])
def test_name_that_is_too_long(text: str) -> None:
    """Quay stores the full name. In the user's own namespace its first part is unknown."""
    with pytest.raises(BadInput) as caught:
        RobotName.parse(text)
    sentence = "The full name, organization+robot, has 255 characters at most"
    assert str(caught.value) == f"name: '{text}' is too long for a robot. {sentence}"


@pytest.mark.parametrize(
    ("text", "suffix", "fits"),
    [
        ("acme+" + "a" * 248, "_a", True),
        ("acme+" + "a" * 249, "_a", False),
        ("a" * 250, "_a", True),
        ("a" * 251, "_a", False),
    ],
)
def test_room_for_a_suffix(text: str, suffix: str, fits: bool) -> None:
    assert RobotName.parse(text).has_room_for(suffix) is fits


@pytest.mark.parametrize(
    "text", ["+ci", "a+b+ci", "a/b+ci", "../user+ci", "..+ci", ".+ci", "a b+ci", "acme\n+ci", "/+ci"]
)
def test_invalid_organization_of_a_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        RobotName.parse(text)
    assert str(caught.value) == f"name: '{text}' is not a valid robot name. Write the organization's name before the +"


ACME = RobotName("acme", "ci")
OWN = RobotName(None, "ci")


def test_record() -> None:
    assert Robot.of(ROBOT_JSON) == ROBOT
    assert ROBOT.namespace == "acme"


def test_record_with_missing_fields() -> None:
    robot = Robot.of({"name": "ann+ci", "description": None, "token": "", "unstructured_metadata": None})
    assert robot == Robot("ann+ci", None, None, "", None, None)
    assert Robot.of({}) == Robot("", None, None, "", None, None)


def test_representation_hides_the_token() -> None:
    assert TOKEN not in repr(ROBOT)
    assert "acme+ci" in repr(ROBOT)


@pytest.mark.parametrize(("name", "path"), [(ACME, f"{ORGANIZATION_ROBOTS}/ci"), (OWN, f"{USER_ROBOTS}/ci")])
def test_get(quay: FakeQuay, robots: Robots, name: RobotName, path: str) -> None:
    quay.answers(ok(ROBOT_JSON))
    assert robots.get(name) == ROBOT
    assert quay.requests == [Request("GET", path, READ)]


def test_get_a_missing_robot(quay: FakeQuay, robots: Robots) -> None:
    """Quay answers 400, never 404."""
    quay.answers(UNKNOWN)
    assert robots.get(ACME) is None


@pytest.mark.parametrize(("organization", "path"), [("acme", ORGANIZATION_ROBOTS), (None, USER_ROBOTS)])
def test_list(quay: FakeQuay, robots: Robots, organization: str | None, path: str) -> None:
    quay.answers(ok({"robots": [ROBOT_JSON, {"name": "acme+two", "token": "x"}]}), ok({"robots": []}))
    assert robots.list(organization) == [ROBOT, Robot("acme+two", None, None, "", "x")]
    assert robots.list(organization) == []
    assert quay.requests == [Request("GET", path, READ)] * 2


def test_list_with_teams(quay: FakeQuay, robots: Robots) -> None:
    teams = [{"name": "devs", "avatar": {}}, {"name": "owners"}]
    quay.answers(ok({"robots": [{**ROBOT_JSON, "teams": teams}, {**ROBOT_JSON, "teams": []}]}))
    found = robots.list("acme", with_teams=True)
    assert [robot.teams for robot in found] == [("devs", "owners"), ()]
    assert quay.requests == [Request("GET", f"{ORGANIZATION_ROBOTS}?permissions=true", READ)]


@pytest.mark.parametrize(
    ("description", "metadata", "body"),
    [
        (None, None, {}),
        ("builds", None, {"description": "builds"}),
        ("", {}, {"description": "", "unstructured_metadata": {}}),
        (None, {"team": "a"}, {"unstructured_metadata": {"team": "a"}}),
    ],
)
def test_create(quay: FakeQuay, robots: Robots, description: str | None, metadata: Any, body: dict[str, Any]) -> None:
    quay.answers(ok(ROBOT_JSON, 201))
    assert robots.create(ACME, description, metadata) == ROBOT
    assert quay.requests == [Request("PUT", f"{ORGANIZATION_ROBOTS}/ci", WRITE, body)]


def test_regenerate(quay: FakeQuay, robots: Robots) -> None:
    body = {key: value for key, value in ROBOT_JSON.items() if key != "unstructured_metadata"}
    quay.answers(ok(body))
    assert robots.regenerate(ACME) == Robot("acme+ci", NOON, None, "builds", TOKEN)
    assert quay.requests == [Request("POST", f"{ORGANIZATION_ROBOTS}/ci/regenerate", WRITE, {})]


def test_delete(quay: FakeQuay, robots: Robots) -> None:
    quay.answers(empty())
    robots.delete(OWN)
    assert quay.requests == [Request("DELETE", f"{USER_ROBOTS}/ci", READ)]


def test_federation(quay: FakeQuay, robots: Robots) -> None:
    quay.answers(ok([{"issuer": "https://idp.example", "subject": "ci"}]), ok([]))
    assert robots.federation(ACME) == [FederationEntry("https://idp.example", "ci")]
    assert robots.federation(ACME) == []
    assert quay.requests == [Request("GET", f"{ORGANIZATION_ROBOTS}/ci/federation", READ)] * 2


@pytest.mark.parametrize("body", [{}, None, ["x"]])
def test_federation_of_another_shape(quay: FakeQuay, robots: Robots, body: Any) -> None:
    quay.answers(ok(body))
    with pytest.raises(UnexpectedResponse, match="is not a list of objects as Quay sends it$"):
        robots.federation(ACME)


@pytest.mark.parametrize(
    "entries", [[], [FederationEntry("https://a.example", "x"), FederationEntry("https://b.example", "y")]]
)
def test_set_federation(quay: FakeQuay, robots: Robots, entries: list[FederationEntry]) -> None:
    body = [{"issuer": entry.issuer, "subject": entry.subject} for entry in entries]
    quay.answers(ok(body))
    robots.set_federation(ACME, entries)
    assert quay.requests == [Request("POST", f"{ORGANIZATION_ROBOTS}/ci/federation", WRITE, body)]


def test_deletion_of_the_robot_of_a_mirror(quay: FakeQuay, robots: Robots) -> None:
    quay.answers(error(400, "Robot is being used by a mirror", "invalid_request"))
    with pytest.raises(ApiError, match="used by a mirror. Give the mirror another robot with quay_repository_mirror"):
        robots.delete(ACME)


CALLS: dict[str, Callable[[Robots], object]] = {
    "get": lambda robots: robots.get(ACME),
    "list": lambda robots: robots.list("acme"),
    "create": lambda robots: robots.create(ACME, None, None),
    "regenerate": lambda robots: robots.regenerate(ACME),
    "delete": lambda robots: robots.delete(ACME),
    "federation": lambda robots: robots.federation(ACME),
    "set_federation": lambda robots: robots.set_federation(ACME, []),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(400, "Existing robot with name: acme+ci", "invalid_request"), ApiError),
        (ok({"message": "Robot is being used by a mirror"}, 400), ApiError),
        (error(404, "Not Found", "not_found"), NotFound),
        (page(404), EndpointMissing),
    ],
)
def test_other_errors_are_raised(quay: FakeQuay, robots: Robots, call: str, reply: Reply, kind: type[ApiError]) -> None:
    quay.answers(reply)
    with pytest.raises(kind) as caught:
        CALLS[call](robots)
    assert not is_unknown_robot(caught.value)


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"get"}))
def test_unknown_robot_is_recognized(quay: FakeQuay, robots: Robots, call: str) -> None:
    quay.answers(UNKNOWN)
    with pytest.raises(ApiError) as caught:
        CALLS[call](robots)
    assert is_unknown_robot(caught.value)


def test_401_of_the_registry_is_no_unknown_robot() -> None:
    assert not is_unknown_robot(ApiError(401, "GET", "/v2/auth", "Could not find robot with specified username"))
