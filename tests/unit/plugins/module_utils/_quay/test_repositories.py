# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories: their names, and each call."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import BearerAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, Forbidden
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.repositories import (
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
REPOSITORY_JSON = {
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
    return Repositories(quay.client(BearerAuth("s3cret")), NAME)


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
def test_valid_name(text: str, namespace: str, name: str) -> None:
    parsed = RepositoryName.parse(text)
    assert (parsed.namespace, parsed.name, str(parsed)) == (namespace, name, text)
    assert parsed.path == f"/api/v1/repository/{text}"


@pytest.mark.parametrize(
    "text", ["", "app", "/app", "acme/", "acme//a", "acme/a/", "acme/A", "acme/.a", "a b/c", "acme/" + "a" * 256]
)
def test_invalid_name(text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid repository name"):
        RepositoryName.parse(text)


@pytest.mark.parametrize("part", ["mirror", "build", "tag", "permissions", "logs", "changestate", "x/manifest"])
def test_name_that_the_api_cannot_reach(part: str) -> None:
    word = part.rpartition("/")[2]
    with pytest.raises(BadInput, match=f"cannot address 'acme/app/{part}', because /{word} is reserved there"):
        RepositoryName.parse(f"acme/app/{part}")


def test_get(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok(REPOSITORY_JSON))
    assert repositories.get() == Repository("private", "The application", "read_only")
    assert quay.requests == [Request("GET", f"{PATH}?includeTags=false", READ)]


def test_get_a_public_repository_without_a_description(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok({"name": "app", "is_public": True, "description": None, "can_write": True}))
    assert repositories.get() == Repository("public", "", "normal")


def test_get_a_missing_repository(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(404, "Not Found", "not_found"))
    assert repositories.get() is None


def test_get_a_hidden_repository(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(403, "Unauthorized", "insufficient_scope"))
    with pytest.raises(Forbidden, match="Check that the namespace 'acme' exists"):
        repositories.get()


def test_get_a_public_repository_of_others(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(ok({**REPOSITORY_JSON, "is_public": True, "can_admin": False}))
    with pytest.raises(RefusedCredential, match="is visible, but this login may not change it"):
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
        (lambda repositories: repositories.set_description("x"), Request("PUT", PATH, WRITE, {"description": "x"})),
        (
            lambda repositories: repositories.set_visibility("public"),
            Request("POST", f"{PATH}/changevisibility", WRITE, {"visibility": "public"}),
        ),
        (
            lambda repositories: repositories.set_mode("read_only"),
            Request("PUT", f"{PATH}/changestate", WRITE, {"state": "READ_ONLY"}),
        ),
        (
            lambda repositories: repositories.grant_role(ROBOT, "acme+ci", "write"),
            Request("PUT", f"{PATH}/permissions/user/acme%2Bci", WRITE, {"role": "write"}),
        ),
        (
            lambda repositories: repositories.grant_role(TEAM, "dev", "read"),
            Request("PUT", f"{PATH}/permissions/team/dev", WRITE, {"role": "read"}),
        ),
        (
            lambda repositories: repositories.revoke_role(USER, "ann"),
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
    ("reply", "outcome_unknown"),
    [(error(403, "Unauthorized", "insufficient_scope"), False), (page(500), True)],
)
def test_create_in_a_missing_namespace(
    quay: FakeQuay, repositories: Repositories, reply: Reply, outcome_unknown: bool
) -> None:
    quay.answers(reply)
    with pytest.raises(ApiError, match="Check that the namespace 'acme' exists") as failure:
        repositories.create("private", "")
    assert failure.value.outcome_unknown is outcome_unknown


def test_create_an_existing_repository(quay: FakeQuay, repositories: Repositories) -> None:
    quay.answers(error(400, "Repository already exists", "invalid_request"))
    with pytest.raises(ApiError, match="already exists$"):
        repositories.create("private", "")


@pytest.mark.parametrize(
    ("kind", "permissions", "roles"),
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
    quay: FakeQuay,
    repositories: Repositories,
    kind: str,
    permissions: dict[str, Any],
    roles: dict[tuple[str, str], str],
) -> None:
    quay.answers(ok({"permissions": permissions}))
    assert repositories.roles(kind) == roles
    assert quay.calls == [("GET", f"{PATH}/permissions/{kind}/")]
