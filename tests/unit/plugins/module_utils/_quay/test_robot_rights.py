# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rights of robots: what is read, and what is copied from one robot to another."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import Forbidden
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robot_rights import (
    SELF,
    DefaultRight,
    Rights,
    RobotRights,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, empty, error, ok

ORG = "/api/v1/organization/acme"


def robot(short: str = "ci", teams: tuple[str, ...] | None = None) -> Robot:
    return Robot(f"acme+{short}", None, None, "", "s3cret", teams=teams)


def prototype(uuid: str, delegate: str, creator: str | None = None, role: str = "read", kind: str = "user") -> Any:
    activating = {"name": creator} if creator else None
    return {"id": uuid, "role": role, "delegate": {"name": delegate, "kind": kind}, "activating_user": activating}


def prototypes(*listed: Any) -> Reply:
    return ok({"prototypes": list(listed)})


def members(*names: str) -> Reply:
    return ok({"members": [{"name": name} for name in names]})


def permissions(**roles: str) -> Reply:
    return ok({"permissions": [{"repository": {"name": name}, "role": role} for name, role in roles.items()]})


ANY = DefaultRight(None, "read")
OWN = DefaultRight(SELF, "admin")
FOR_TEAM = DefaultRight(SELF, "write", ("team", "devs"))


def test_rights_of_every_kind(quay: FakeQuay) -> None:
    """A default permission names the robot as the one that gets it, as the creator of repositories, or as both."""
    quay.answers(
        ok({"robots": [{"name": "acme+ci", "teams": [{"name": "devs"}, {"name": "owners"}]}, {"name": "acme+other"}]}),
        prototypes(
            prototype("1", "acme+ci"),
            prototype("2", "acme+ci", "acme+ci", "admin"),
            prototype("3", "devs", "acme+ci", "write", "team"),
            prototype("4", "acme+other", "ann"),
            prototype("5", "acme+ci", kind="team"),
        ),
        members("ann", "acme+ci"),
        members("ann"),
        permissions(app="write"),
    )
    assert RobotRights(quay.client(), "acme").read([robot()]) == {
        "acme+ci": Rights(
            {"acme/app": "write"}, frozenset({"devs"}), frozenset({ANY, OWN, FOR_TEAM}), frozenset({"owners"})
        )
    }
    assert [target for _method, target in quay.calls][:2] == [f"{ORG}/robots?permissions=true", f"{ORG}/prototypes"]


def test_teams_that_are_known_already(quay: FakeQuay) -> None:
    quay.answers(prototypes(), permissions())
    assert RobotRights(quay.client(), "acme").read([robot(teams=())]) == {"acme+ci": Rights()}


def test_description() -> None:
    rights = Rights({"acme/app": "read"}, frozenset({"devs"}), frozenset({ANY, OWN, FOR_TEAM}))
    assert rights.describe() == [
        "read on acme/app",
        "member of devs",
        "admin on new repositories of this robot",
        "read on new repositories of any user",
        "write on new repositories of this robot for the team devs",
    ]


def test_default_permissions_are_copied(quay: FakeQuay) -> None:
    """The new robot takes the place of the old one in each of them. Others are removed."""
    gone = DefaultRight("ann", "read")
    quay.answers(
        *[ok({})] * 2,
        prototypes(
            prototype("1", "acme+ci_b"),
            prototype("2", "acme+ci_b", "ann"),
            prototype("3", "acme+ci_b", "acme+ci_b", "admin"),
            prototype("4", "acme+ci", "ann"),
        ),
        empty(),
    )
    rights = RobotRights(quay.client(), "acme")
    rights.apply(
        robot("ci_b"),
        Rights(defaults=frozenset({ANY, gone})),
        Rights(defaults=frozenset({ANY, OWN, FOR_TEAM})),
    )
    assert [(request.method, request.target, request.body) for request in quay.requests] == [
        (
            "POST",
            f"{ORG}/prototypes",
            {
                "role": "admin",
                "delegate": {"name": "acme+ci_b", "kind": "user"},
                "activating_user": {"name": "acme+ci_b"},
            },
        ),
        (
            "POST",
            f"{ORG}/prototypes",
            {"role": "write", "delegate": {"name": "devs", "kind": "team"}, "activating_user": {"name": "acme+ci_b"}},
        ),
        ("GET", f"{ORG}/prototypes", None),
        ("DELETE", f"{ORG}/prototypes/2", None),
    ]


@pytest.mark.parametrize(("replies", "what"), [(0, "teams"), (1, "default permissions"), (2, "repository permissions")])
def test_rights_that_the_login_may_not_read(quay: FakeQuay, replies: int, what: str) -> None:
    readable = [ok({"robots": []}), prototypes()]
    quay.answers(*readable[:replies], error(403, "Unauthorized", "insufficient_scope"))
    with pytest.raises(Forbidden, match=f"may not read the {what} of robots"):
        RobotRights(quay.client(), "acme").read([robot()])
