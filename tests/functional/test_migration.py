# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks for modules of infra.quay_configuration, with the name of the collection replaced.

There is one task for each example in the documentation of the modules that have a counterpart here. It has the same
options and other values. It runs, or it fails with a sentence that names what to use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from contract import collection
from functional.harness import Harness, assert_refused
from standin.state import Repository, Team

DESCRIPTION = "# Small image\n\n* It is small\n"
DEVS = "cn=devs,ou=groups"
IDENTITY = {"issuer": "https://token.example.com/realms/acme", "subject": "0d6c5d1b"}
MIRROR = {
    "name": "acme/app",
    "external_reference": "registry.example.com/library/base",
    "http_proxy": "http://proxy.example.com:3128",
    "robot_username": "acme+ci",
    "is_enabled": True,
    "image_tags": ["latest", "v3.5.2"],
}
PASSWORD = "a-password-of-dora"


@dataclass(frozen=True)
class Example:
    """A task for a module of the other collection. ``words``: of the error, if it cannot run.

    ``earlier``: tasks that must have run before.
    """

    module: str
    options: dict[str, Any]
    words: tuple[str, ...] = ()
    login: str = "alice"
    earlier: tuple[tuple[str, dict[str, Any]], ...] = field(default=())
    idempotent: bool = True


def lacks(*options: str) -> tuple[str, ...]:
    return tuple(f"There is no option {option}. " for option in options)


OPERATORS = {"name": "operators", "organization": "acme"}
EXAMPLES = {
    "repository with permissions": Example(
        "quay_repository",
        {
            "name": "acme/small",
            "visibility": "private",
            "description": DESCRIPTION,
            "perms": [
                {"name": "readers", "type": "team", "role": "read"},
                {"name": "carol", "type": "user", "role": "read"},
                {"name": "acme+ci", "type": "user", "role": "admin"},
            ],
            "state": "present",
        },
    ),
    "repository in the user's own namespace": Example(
        "quay_repository",
        {
            "name": "big",
            "visibility": "public",
            "perms": [{"name": "bob", "type": "user", "role": "write"}],
            "state": "present",
        },
        ("Write namespace/repository",),
    ),
    "repository to delete": Example("quay_repository", {"name": "acme/base", "state": "absent"}),
    "exact permissions": Example(
        "quay_repository",
        {
            "name": "acme/app",
            "perms": [
                {"name": "readers", "type": "team", "role": "admin"},
                {"name": "owners", "type": "team", "role": "read"},
                {"name": "acme+ci", "type": "user", "role": "read"},
            ],
            "append": False,
            "state": "present",
        },
    ),
    "star": Example("quay_repository", {"name": "acme/app", "star": True, "state": "present"}, lacks("star")),
    "state of a repository": Example(
        "quay_repository",
        {"name": "acme/app", "repo_state": "MIRROR", "state": "present"},
        (*lacks("repo_state"), "Use mode with the value normal, read_only or mirror"),
    ),
    "mirror": Example("quay_repository_mirror", MIRROR),
    "disabled mirror": Example(
        "quay_repository_mirror",
        {"name": "acme/app", "is_enabled": False},
        earlier=(("quay_repository_mirror", MIRROR),),
    ),
    "sync of a mirror": Example(
        "quay_repository_mirror",
        {"name": "acme/app", "force_sync": True},
        (*lacks("force_sync"), "Use sync=now"),
    ),
    "application": Example(
        "quay_application",
        {
            "organization": "acme",
            "name": "external",
            "description": "External application",
            "application_uri": "http://wiki.example.com",
            "redirect_uri": "http://callback.example.com",
            "avatar_email": "external@example.com",
            "state": "present",
        },
    ),
    "new name of an application": Example(
        "quay_application",
        {"organization": "acme", "name": "automation", "new_name": "robots", "description": "x", "state": "present"},
        (*lacks("new_name"), "identify it by client_id and give its new name in name"),
    ),
    "application to delete": Example(
        "quay_application", {"organization": "acme", "name": "automation", "state": "absent"}
    ),
    "token": Example(
        "quay_api_token", {"client_id": "automation", "rights": ["org:admin", "user:admin"]}, login="password"
    ),
    "token for another user": Example(
        "quay_api_token",
        {"client_id": "automation", "for_user": "carol", "rights": ["repo:admin"]},
        login="password",
        idempotent=False,
    ),
    "organization of an application": Example(
        "quay_organization", {"name": "production", "email": "prod@example.com", "state": "present"}
    ),
    "application without a description": Example(
        "quay_application", {"organization": "acme", "name": "external", "state": "present"}
    ),
    "user of an application": Example(
        "quay_user",
        {"username": "dora", "password": PASSWORD, "email": "dora@example.com", "state": "present"},
        login="root",
    ),
    "team of administrators": Example(
        "quay_team", {**OPERATORS, "role": "admin", "members": ["carol"], "state": "present"}
    ),
    "token with all rights": Example(
        "quay_api_token", {"client_id": "automation", "rights": ["all"]}, login="password", idempotent=False
    ),
    "robot": Example(
        "quay_robot", {"name": "acme+deploy", "description": "Robot account for production", "state": "present"}
    ),
    "robot in the user's own namespace": Example("quay_robot", {"name": "mine", "state": "present"}),
    "robot to delete": Example("quay_robot", {"name": "acme+ci", "state": "absent"}),
    "robot with federation": Example(
        "quay_robot",
        {"name": "acme+deploy", "description": "Another", "federations": [IDENTITY], "state": "present"},
        (*lacks("federations"), "Use federation, which replaces the list in Quay"),
    ),
    "team": Example(
        "quay_team",
        {
            **OPERATORS,
            "description": "# Operators\n\n* They operate\n",
            "role": "creator",
            "members": ["carol", "bob", "acme+ci"],
            "append": False,
            "state": "present",
        },
    ),
    "team to delete": Example("quay_team", {"name": "readers", "organization": "acme", "state": "absent"}),
    "team without members": Example(
        "quay_team",
        {"name": "readers", "organization": "acme", "members": [], "append": False, "state": "present"},
    ),
    "additional members": Example(
        "quay_team",
        {"name": "readers", "organization": "acme", "members": ["bob"], "append": True, "state": "present"},
    ),
    "team before its LDAP group": Example(
        "quay_team", {**OPERATORS, "role": "creator", "members": ["acme+ci"], "append": False, "state": "present"}
    ),
    "LDAP group": Example(
        "quay_team_ldap",
        {**OPERATORS, "sync": True, "group_dn": DEVS},
        (*lacks("sync"), "Use state=present instead of sync=true"),
        login="root",
    ),
    "LDAP group to remove": Example(
        "quay_team_ldap",
        {**OPERATORS, "sync": False, "keep_users": False},
        (*lacks("keep_users", "sync"), "Use quay_team with members and exclusive=true", "state=absent"),
        login="root",
    ),
    "team before its OIDC group": Example(
        "quay_team", {**OPERATORS, "role": "creator", "members": ["acme+ci"], "append": False, "state": "present"}
    ),
    "OIDC group": Example(
        "quay_team_oidc", {**OPERATORS, "sync": True, "group_name": "devs"}, lacks("sync"), login="root"
    ),
    "OIDC group to remove": Example("quay_team_oidc", {**OPERATORS, "sync": False}, lacks("sync"), login="root"),
    "user": Example(
        "quay_user",
        {"username": "dora", "email": "dora@example.com", "password": PASSWORD, "state": "present"},
        login="root",
    ),
    "user to delete": Example("quay_user", {"username": "carol", "state": "absent"}, login="root"),
    "superuser": Example(
        "quay_user",
        {"username": "carol", "email": "carol@example.com", "state": "present", "superuser": True},
        (*lacks("superuser"), "Add the user to SUPER_USERS"),
        login="root",
    ),
    "disabled user": Example(
        "quay_user",
        {"username": "carol", "email": "carol@example.com", "state": "present", "enabled": False},
        login="root",
    ),
    "organization": Example(
        "quay_organization",
        {"name": "production", "email": "prod@example.com", "time_machine_expiration": "1w", "state": "present"},
        (*lacks("time_machine_expiration"), "operation=changeOrganizationDetails and tag_expiration_s"),
    ),
    "new name of an organization": Example(
        "quay_organization", {"name": "acme", "new_name": "umbrella"}, (*lacks("new_name"), "changeOrganization")
    ),
    "organization to delete": Example("quay_organization", {"name": "acme", "state": "absent"}, login="password"),
}
RUNNING = {name: example for name, example in EXAMPLES.items() if not example.words}
REFUSED = {name: example for name, example in EXAMPLES.items() if example.words}


def module_of(name: str) -> str:
    """Return the module here that a module name of the other collection stands for."""
    redirects = collection.runtime()["plugin_routing"]["modules"]
    redirect = redirects.get(name, {}).get("redirect", f"{collection.NAME}.{name}")
    return str(redirect.removeprefix(f"{collection.NAME}."))


def prepare(harness: Harness, example: Example) -> dict[str, Any]:
    """Set up the server and the login, and return the options. The client id is that of the application."""
    harness.quay.config.update(FEATURE_REPO_MIRROR=True, FEATURE_ASSIGN_OAUTH_TOKEN=True)
    harness.known_secrets.add([PASSWORD])
    logins = {"password": harness.accounts.alice.by_password, "root": harness.accounts.root.by_password}
    harness.login = logins.get(example.login, harness.login)
    # Only a superuser may have all rights.
    harness.quay.config["SUPER_USERS"] = ["root", "alice"]
    for module, options in example.earlier:
        assert harness.run(module_of(module), options).changed
    options = dict(example.options)
    if "client_id" in options:
        options["client_id"] = harness.accounts.automation
    return options


@pytest.mark.parametrize("example", RUNNING.values(), ids=RUNNING)
def test_task_runs(harness: Harness, example: Example) -> None:
    options = prepare(harness, example)
    runs = harness.four_runs(module_of(example.module), options, idempotent=False)
    assert runs.first.changed
    if example.idempotent and example.module != "quay_api_token":
        assert not runs.second.changed


@pytest.mark.parametrize("example", REFUSED.values(), ids=REFUSED)
def test_task_fails_with_advice(harness: Harness, example: Example) -> None:
    options = prepare(harness, example)
    assert_refused(harness, module_of(example.module), options, *example.words)
    assert harness.requests == []


# --- the meaning of the options is the same


def test_permissions_and_their_exact_list(harness: Harness) -> None:
    found: Repository = harness.quay.state.repositories["acme", "app"]
    found.user_roles["carol"] = "write"
    perms = [{"name": "acme+ci", "role": "admin"}, {"name": "readers", "type": "team", "role": "read"}]
    first = harness.run("quay_repository", {"name": "acme/app", "perms": perms})
    assert first["permissions"] == [
        {"kind": "robot", "name": "acme+ci", "role": "admin"},
        {"kind": "team", "name": "readers", "role": "read"},
    ]
    assert found.user_roles == {"alice": "admin", "acme+ci": "admin", "carol": "write"}
    assert not harness.run("quay_repository", {"name": "acme/app", "perms": perms, "append": True}).changed
    harness.run("quay_repository", {"name": "acme/app", "perms": perms, "append": False})
    assert (found.user_roles, found.team_roles) == ({"acme+ci": "admin"}, {"readers": "read"})


def test_members_and_their_exact_list(harness: Harness) -> None:
    found: Team = harness.quay.state.organizations["acme"].teams["readers"]
    readers = {"name": "readers", "organization": "acme", "members": ["bob"]}
    harness.run("quay_team", {**readers, "append": True})
    assert found.members == ["carol", "bob"]
    harness.run("quay_team", {**readers, "append": False})
    assert found.members == ["bob"]


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("quay_team", {**OPERATORS, "append": False}, "append: false needs members"),
        ("quay_repository", {"name": "acme/app", "append": False}, "append: false needs permissions"),
        ("quay_team", {**OPERATORS, "append": False, "exclusive": True}, "mutually exclusive: exclusive|append"),
        (
            "quay_repository",
            {"name": "acme/app", "append": True, "permissions_exclusive": True},
            "mutually exclusive: permissions_exclusive|append",
        ),
        (
            "quay_repository",
            {"name": "acme/app", "perms": [{"name": "acme+ci", "type": "team", "role": "read"}]},
            "is the name of a robot; use kind=robot",
        ),
        ("quay_robot_token", {"name": "acme+ci", "append": True}, "no option append. Use federation_exclusive: false"),
        (
            "quay_repository",
            {"star": True, "nonsense": 1},
            "There is no option star. Use quay_api with operation=createStar or operation=deleteStar",
        ),
    ],
)
def test_refused_options(harness: Harness, module: str, options: dict[str, Any], words: str) -> None:
    assert_refused(harness, module, options, words)
    assert harness.requests == []


def test_token_with_rights_that_the_user_does_not_have(harness: Harness) -> None:
    harness.login = harness.accounts.alice.by_password
    result = harness.run("quay_api_token", {"client_id": harness.accounts.automation, "rights": ["all"]})
    if harness.quay.quay.family == "3.17":
        assert result.changed
    else:
        assert "super:user, which all includes, is for superusers only" in result.message


def test_unknown_option_is_reported_by_ansible(harness: Harness) -> None:
    assert_refused(
        harness, "quay_repository", {"name": "acme/app", "nonsense": 1}, "Unsupported parameters", "nonsense"
    )


@pytest.mark.parametrize("value", [None, ""])
def test_option_without_a_value_counts_as_omitted(harness: Harness, value: str | None) -> None:
    result = harness.module_runner.run(
        "quay_repository",
        {"quay_host": harness.quay.url, **harness.login, "name": "acme/app", "star": value, "repo_state": value},
    )
    assert (result.failed, result.changed) == (False, False)


def test_secrets_are_masked_in_the_advice(harness: Harness) -> None:
    harness.known_secrets.add(["hidden-password"])
    options = {"name": "dora", "password": "hidden-password", "superuser": True}
    assert_refused(harness, "quay_user", options, "There is no option superuser")


def test_default_permission_by_quay_api(harness: Harness) -> None:
    """The example of the guide, for a module that has no counterpart."""
    task = {
        "operation": "createOrganizationPrototypePermission",
        "parameters": {"orgname": "acme"},
        "body": {"role": "read", "delegate": {"kind": "team", "name": "readers"}},
        "state_path": "/api/v1/organization/{orgname}/prototypes",
        "state": "present",
        "fields": {"prototypes": [{"role": "read", "delegate": {"name": "readers"}}]},
    }
    runs = harness.four_runs("quay_api", task)
    assert runs.first.changed
    (made,) = harness.quay.state.prototypes.values()
    assert (made.role, made.delegate_kind, made.delegate_name) == ("read", "team", "readers")
