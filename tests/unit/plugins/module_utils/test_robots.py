# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robot accounts: their names, and each call about them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    EndpointMissing,
    NotFound,
    UnexpectedAnswer,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin
from ansible_collections.tokensmith.quay.plugins.module_utils._robots import (
    Robot,
    RobotName,
    Robots,
    Trust,
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
OF_ORG = "/api/v1/organization/acme/robots"
OF_USER = "/api/v1/user/robots"
NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=timezone.utc)

# As Quay tells it. What it says after a creation and after a regeneration differs in small things.
TOLD = {
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
    return Robots(quay.client(BearerLogin("s3cret")))


@pytest.mark.parametrize(
    ("text", "organization", "short", "path"),
    [
        ("acme+ci", "acme", "ci", f"{OF_ORG}/ci"),
        ("ci", None, "ci", f"{OF_USER}/ci"),
        ("acme+a1", "acme", "a1", f"{OF_ORG}/a1"),
        ("acme+build.bot_2-x", "acme", "build.bot_2-x", f"{OF_ORG}/build.bot_2-x"),
        ("acme+" + "a" * 255, "acme", "a" * 255, f"{OF_ORG}/" + "a" * 255),
        ("Acme-Corp.eu_1+ci", "Acme-Corp.eu_1", "ci", "/api/v1/organization/Acme-Corp.eu_1/robots/ci"),
        ("a%2Fb+ci", "a%2Fb", "ci", "/api/v1/organization/a%252Fb/robots/ci"),
    ],
)
def test_name(text: str, organization: str | None, short: str, path: str) -> None:
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
        "acme+" + "a" * 256,
        "a" * 256,
    ],
)
def test_wrong_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        RobotName.parse(text)
    assert str(caught.value).startswith(f"name: '{text}' is no robot name. Write organization+robot ")


@pytest.mark.parametrize(
    "text", ["+ci", "a+b+ci", "a/b+ci", "../user+ci", "..+ci", ".+ci", "a b+ci", "acme\n+ci", "/+ci"]
)
def test_wrong_organization_of_a_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        RobotName.parse(text)
    assert str(caught.value) == f"name: '{text}' must begin with an organization's name before the +"


ACME = RobotName("acme", "ci")
OWN = RobotName(None, "ci")


def test_record() -> None:
    assert Robot.of(TOLD) == ROBOT
    assert ROBOT.namespace == "acme"


def test_record_of_what_is_left_out() -> None:
    robot = Robot.of({"name": "ann+ci", "description": None, "token": "", "unstructured_metadata": None})
    assert robot == Robot("ann+ci", None, None, "", None, None)
    assert Robot.of({}) == Robot("", None, None, "", None, None)


def test_no_secret_is_shown() -> None:
    assert TOKEN not in repr(ROBOT)
    assert "acme+ci" in repr(ROBOT)


@pytest.mark.parametrize(("name", "path"), [(ACME, f"{OF_ORG}/ci"), (OWN, f"{OF_USER}/ci")])
def test_get(quay: FakeQuay, robots: Robots, name: RobotName, path: str) -> None:
    quay.answers(ok(TOLD))
    assert robots.get(name) == ROBOT
    assert quay.requests == [Request("GET", path, READ)]


def test_get_what_is_not_there(quay: FakeQuay, robots: Robots) -> None:
    """Quay says 400, never 404."""
    quay.answers(UNKNOWN)
    assert robots.get(ACME) is None


@pytest.mark.parametrize(("organization", "path"), [("acme", OF_ORG), (None, OF_USER)])
def test_list(quay: FakeQuay, robots: Robots, organization: str | None, path: str) -> None:
    quay.answers(ok({"robots": [TOLD, {"name": "acme+two", "token": "x"}]}), ok({"robots": []}))
    assert robots.list(organization) == [ROBOT, Robot("acme+two", None, None, "", "x")]
    assert robots.list(organization) == []
    assert quay.requests == [Request("GET", path, READ)] * 2


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
    quay.answers(ok(TOLD, 201))
    assert robots.create(ACME, description, metadata) == ROBOT
    assert quay.requests == [Request("PUT", f"{OF_ORG}/ci", WRITE, body)]


def test_regenerate(quay: FakeQuay, robots: Robots) -> None:
    told = {key: value for key, value in TOLD.items() if key != "unstructured_metadata"}
    quay.answers(ok(told))
    assert robots.regenerate(ACME) == Robot("acme+ci", NOON, None, "builds", TOKEN)
    assert quay.requests == [Request("POST", f"{OF_ORG}/ci/regenerate", WRITE, {})]


def test_delete(quay: FakeQuay, robots: Robots) -> None:
    quay.answers(empty())
    robots.delete(OWN)
    assert quay.requests == [Request("DELETE", f"{OF_USER}/ci", READ)]


def test_federation(quay: FakeQuay, robots: Robots) -> None:
    quay.answers(ok([{"issuer": "https://idp.example", "subject": "ci"}]), ok([]))
    assert robots.federation(ACME) == [Trust("https://idp.example", "ci")]
    assert robots.federation(ACME) == []
    assert quay.requests == [Request("GET", f"{OF_ORG}/ci/federation", READ)] * 2


@pytest.mark.parametrize("body", [{}, None, ["x"]])
def test_federation_of_another_form(quay: FakeQuay, robots: Robots, body: Any) -> None:
    quay.answers(ok(body))
    with pytest.raises(UnexpectedAnswer, match="is not a list of objects as Quay sends it$"):
        robots.federation(ACME)


@pytest.mark.parametrize("trusts", [[], [Trust("https://a.example", "x"), Trust("https://b.example", "y")]])
def test_set_federation(quay: FakeQuay, robots: Robots, trusts: list[Trust]) -> None:
    body = [{"issuer": trust.issuer, "subject": trust.subject} for trust in trusts]
    quay.answers(ok(body))
    robots.set_federation(ACME, trusts)
    assert quay.requests == [Request("POST", f"{OF_ORG}/ci/federation", WRITE, body)]


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
def test_errors_are_handed_on(quay: FakeQuay, robots: Robots, call: str, reply: Reply, kind: type[ApiError]) -> None:
    quay.answers(reply)
    with pytest.raises(kind) as caught:
        CALLS[call](robots)
    assert not is_unknown_robot(caught.value)


@pytest.mark.parametrize("call", sorted(set(CALLS) - {"get"}))
def test_unknown_robot_is_told_apart(quay: FakeQuay, robots: Robots, call: str) -> None:
    quay.answers(UNKNOWN)
    with pytest.raises(ApiError) as caught:
        CALLS[call](robots)
    assert is_unknown_robot(caught.value)


def test_unknown_robot_at_the_registry_is_another_matter() -> None:
    assert not is_unknown_robot(ApiError(401, "GET", "/v2/auth", "Could not find robot with specified username"))
