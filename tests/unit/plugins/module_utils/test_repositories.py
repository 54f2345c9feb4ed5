# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories: their names, and each call about them."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import (
    ApiError,
    BadInput,
    Forbidden,
    RefusedCredential,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._login import BearerLogin
from ansible_collections.tokensmith.quay.plugins.module_utils._repositories import (
    ROBOT,
    TEAM,
    USER,
    Repositories,
    Repository,
    RepositoryName,
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

READ = {**COMMON, "Authorization": "Bearer s3cret"}
WRITE = {**READ, "Content-Type": "application/json"}
NAME = RepositoryName("acme", "team/app")
PATH = "/api/v1/repository/acme/team/app"
TOLD = {
    "namespace": "acme",
    "name": "team/app",
    "description": "The application",
    "is_public": False,
    "state": "READ_ONLY",
    "can_write": False,
    "can_admin": True,
}


@pytest.fixture
def repositories(quay: FakeQuay) -> Repositories:
    return Repositories(quay.client(BearerLogin("s3cret")), NAME)


@pytest.mark.parametrize(
    ("text", "namespace", "name"),
    [
        ("acme/app", "acme", "app"),
        ("acme/team/app", "acme", "team/app"),
        ("Acme-Corp.eu_1/0.a_b-c", "Acme-Corp.eu_1", "0.a_b-c"),
        ("acme/mirror", "acme", "mirror"),
        ("acme/tag/app", "acme", "tag/app"),
        ("acme/" + "a" * 255, "acme", "a" * 255),
    ],
)
def test_name(text: str, namespace: str, name: str) -> None:
    parsed = RepositoryName.parse(text)
    assert (parsed.namespace, parsed.name, str(parsed)) == (namespace, name, text)
    assert parsed.path == f"/api/v1/repository/{text}"


@pytest.mark.parametrize(
    "text", ["", "app", "/app", "acme/", "acme//a", "acme/a/", "acme/A", "acme/.a", "a b/c", "acme/" + "a" * 256]
)
def test_name_that_is_none(text: str) -> None:
    with pytest.raises(BadInput, match="is no repository name"):
        RepositoryName.parse(text)


@pytest.mark.parametrize("part", ["mirror", "build", "tag", "permissions", "logs", "changestate", "x/manifest"])
def test_name_out_of_reach(part: str) -> None:
    with pytest.raises(BadInput, match="cannot reach 'acme/app/" + part):
        RepositoryName.parse(f"acme/app/{part}")


def test_get(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok(TOLD))
    assert repositories.get() == Repository("private", "The application", "read_only")
    assert quay.requests == [Request("GET", f"{PATH}?includeTags=false", READ)]


def test_get_of_a_public_one_without_a_description(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok({"name": "app", "is_public": True, "description": None, "can_write": True}))
    assert repositories.get() == Repository("public", "", "normal")


def test_none(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(404, "Not Found", "not_found"))
    assert repositories.get() is None


def test_one_that_may_not_be_seen(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(403, "Unauthorized", "insufficient_scope"))
    with pytest.raises(Forbidden, match="Is there a namespace 'acme'"):
        repositories.get()


def test_one_that_everybody_sees(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok({**TOLD, "is_public": True, "can_admin": False}))
    with pytest.raises(RefusedCredential, match="as everybody can"):
        repositories.get()


@pytest.mark.parametrize(
    ("act", "request_"),
    [
        (
            lambda repositories: repositories.create("public", "x"),
            Request(
                "POST",
                "/api/v1/repository",
                WRITE,
                {"namespace": "acme", "repository": "team/app", "visibility": "public", "description": "x"},
            ),
        ),
        (lambda repositories: repositories.describe("x"), Request("PUT", PATH, WRITE, {"description": "x"})),
        (
            lambda repositories: repositories.show("public"),
            Request("POST", f"{PATH}/changevisibility", WRITE, {"visibility": "public"}),
        ),
        (
            lambda repositories: repositories.switch("read_only"),
            Request("PUT", f"{PATH}/changestate", WRITE, {"state": "READ_ONLY"}),
        ),
        (
            lambda repositories: repositories.grant(ROBOT, "acme+ci", "write"),
            Request("PUT", f"{PATH}/permissions/user/acme%2Bci", WRITE, {"role": "write"}),
        ),
        (
            lambda repositories: repositories.grant(TEAM, "dev", "read"),
            Request("PUT", f"{PATH}/permissions/team/dev", WRITE, {"role": "read"}),
        ),
        (
            lambda repositories: repositories.withdraw(USER, "ann"),
            Request("DELETE", f"{PATH}/permissions/user/ann", READ),
        ),
        (lambda repositories: repositories.delete(), Request("DELETE", PATH, READ)),
    ],
)
def test_writes(
    quay: FakeQuay, repositories: Repositories, act: Callable[[Repositories], None], request_: Request
) -> None:
    quay.answers(empty() if request_.method == "DELETE" else ok({"success": True}))
    act(repositories)
    assert quay.requests == [request_]


@pytest.mark.parametrize(
    ("answer", "unclear"),
    [(error(403, "Unauthorized", "insufficient_scope"), False), (page(500), True)],
)
def test_namespace_that_is_not_there(quay: FakeQuay, repositories: Repositories, answer: Reply, unclear: bool) -> None:
    quay.answers(answer)
    with pytest.raises(ApiError, match="Is there a namespace 'acme'") as failure:
        repositories.create("private", "")
    assert failure.value.unclear is unclear


def test_creation_that_is_refused(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(400, "Repository already exists", "invalid_request"))
    with pytest.raises(ApiError, match="already exists$"):
        repositories.create("private", "")


@pytest.mark.parametrize(
    ("kind", "told", "roles"),
    [
        (
            USER,
            {"ann": {"role": "admin"}, "acme+ci": {"role": "read"}},
            {(USER, "ann"): "admin", (ROBOT, "acme+ci"): "read"},
        ),
        (TEAM, {"dev": {"role": "write"}}, {(TEAM, "dev"): "write"}),
        (TEAM, {}, {}),
    ],
)
def test_roles(
    quay: FakeQuay, repositories: Repositories, kind: str, told: dict[str, Any], roles: dict[tuple[str, str], str]
) -> None:
    quay.answers(ok({"permissions": told}))
    assert repositories.roles(kind) == roles
    assert quay.calls == [("GET", f"{PATH}/permissions/{kind}/")]
