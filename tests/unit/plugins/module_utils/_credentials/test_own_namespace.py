# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots in the namespace of the user who is logged in."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.own_namespace import (
    in_its_namespace,
    own_or_organization,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.pair_state import pair_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import RobotName, Robots
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    FakeQuay,
    Reply,
    error,
    ok,
    page,
    refused,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.robots import FORBIDDEN, UNKNOWN_ROBOT, verified
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context

ANN = SessionAuth("ann", "s3cret")
TOKEN = BearerAuth("s3cret")
NO_ORGANIZATION = ok({"message": "Organization does not exist: ann"}, 400)
ROBOT = ok({"name": "ann+ci", "token": "present"})


@pytest.mark.parametrize(
    ("auth", "text", "path", "shown"),
    [
        (ANN, "ann+ci", "/api/v1/user/robots/ci", "ann+ci"),
        (ANN, "acme+ci", "/api/v1/organization/acme/robots/ci", "acme+ci"),
        (ANN, "ci", "/api/v1/user/robots/ci", "ci"),
        (SessionAuth("ann@example.com", "s3cret"), "ann+ci", "/api/v1/organization/ann/robots/ci", "ann+ci"),
        (TOKEN, "ann+ci", "/api/v1/organization/ann/robots/ci", "ann+ci"),
    ],
)
def test_namespace_by_the_name_of_the_signed_in_user(
    quay: FakeQuay, auth: Auth, text: str, path: str, shown: str
) -> None:
    warnings: list[str] = []
    name = own_or_organization(module_context(quay, warnings, auth=auth), RobotName.parse(text))
    assert (name.path, str(name)) == (path, shown)
    assert quay.requests == []
    expected = (
        "name: ci has no organization, so it is a robot in the personal namespace of the login. Write organization+ci "
        "for a robot of an organization, or user+ci to say that this is meant."
    )
    assert warnings == ([expected] if text == "ci" else [])


def test_pair_in_the_own_namespace(quay: FakeQuay) -> None:
    """Both ways to write the names of its robots are understood."""
    name = own_or_organization(module_context(quay, auth=ANN), RobotName.parse("ann+ci"))
    options = {"name": "ann+ci", "strategy": "paired"}
    for pair in (None, ["ann+ci_a", "ann+ci_b"], ["ci_a", "ci_b"]):
        members = pair_from_options(name, {**options, "pair": pair}).members[:2]
        assert [member.path for member in members] == ["/api/v1/user/robots/ci_a", "/api/v1/user/robots/ci_b"]
        assert [str(member) for member in members] == ["ann+ci_a", "ann+ci_b"]
    with pytest.raises(BadInput, match=r"must be in the namespace of ann\+ci"):
        pair_from_options(name, {**options, "pair": ["acme+ci_a", "acme+ci_b"]})


def read(quay: FakeQuay, auth: Auth, text: str) -> str:
    """Read the robot, in its namespace. Returns the paths of the requests."""
    context = module_context(quay, auth=auth)
    robots = Robots(context.client)
    try:
        in_its_namespace(context, RobotName.parse(text), robots.get)
    finally:
        paths = " ".join(target.partition("?")[0].replace("/api/v1/", "") for _method, target in quay.calls)
    return paths


@pytest.mark.parametrize("refusal", [NO_ORGANIZATION, FORBIDDEN, error(404, "Not Found", "not_found")])
@pytest.mark.parametrize("reply", [ROBOT, UNKNOWN_ROBOT])
def test_namespace_of_the_user_of_a_token(quay: FakeQuay, refusal: Reply, reply: Reply) -> None:
    """Quay says that the organization does not exist, or 403 if the token lacks the scope org:admin."""
    quay.answers(refusal, verified(sub="ann"), reply)
    assert read(quay, TOKEN, "ann+ci") == "organization/ann/robots/ci /v2/auth user/robots/ci"


def test_organization_that_exists(quay: FakeQuay) -> None:
    """Nothing else is asked."""
    quay.answers(ROBOT)
    assert read(quay, TOKEN, "acme+ci") == "organization/acme/robots/ci"


@pytest.mark.parametrize("reply", [verified(sub="bob"), refused(), page(502)])
def test_refusal_of_an_organization(quay: FakeQuay, reply: Reply) -> None:
    quay.answers(FORBIDDEN, reply)
    with pytest.raises(ApiError, match="Quay answered 403: Unauthorized"):
        read(quay, TOKEN, "ann+ci")
    assert len(quay.requests) == 2


@pytest.mark.parametrize("reply", [page(500), ok({"message": "Robot accounts have been disabled"}, 400)])
def test_other_error(quay: FakeQuay, reply: Reply) -> None:
    quay.answers(reply)
    with pytest.raises(ApiError):
        read(quay, TOKEN, "ann+ci")
    assert len(quay.requests) == 1


def test_refusal_of_the_own_namespace(quay: FakeQuay) -> None:
    quay.answers(FORBIDDEN)
    with pytest.raises(ApiError):
        read(quay, TOKEN, "ci")
    assert len(quay.requests) == 1
