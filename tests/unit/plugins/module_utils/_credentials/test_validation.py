# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All declared credentials are validated at once: every problem names its credential and option, and no secret."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.validation import (
    read_declarations,
    read_force,
    secrets_in,
    texts_in,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.places import Place

HOST = "https://quay.example.com"
FILE = {"kind": "file", "path": "/etc/ci/quay.json", "format": "json"}
SECRET = {"kind": "kubernetes_secret", "namespaces": ["ci"], "secret_name": "pull"}
VAULT = {"kind": "hashi_vault", "vault_url": "https://vault.example.com", "path": "ci/quay"}
AUTH = {"kind": "container_auth", "path": "/etc/containers/auth.json"}
ROBOT = {"name": "acme+ci", "kind": "robot", "deliver": [FILE]}
API = {"name": "nightly", "kind": "api", "client_id": "X", "deliver": [{**FILE, "path": "/etc/ci/nightly.json"}]}
SCAN = {
    "name": "scan",
    "kind": "referrers",
    "repositories": ["acme/app"],
    "deliver": [{**FILE, "path": "/etc/ci/scan.json"}],
}
JOB: dict[str, Any] = {"name": "acme+ci", "kind": "federated", "deliver": [FILE]}


def options(given: Any, **more: Any) -> list[dict[str, Any]]:
    return [declared.options for declared in read_declarations(given, HOST, **more)]


def problems(*entries: Any, **more: Any) -> str:
    with pytest.raises(BadInput) as error:
        read_declarations(list(entries), HOST, **more)
    return str(error.value)


def test_values_are_converted_and_empty_ones_left_out() -> None:
    given = {
        **API,
        "name": " nightly ",
        "scopes": "repo:read, repo:write",
        "owns_application": "yes",
        "max_age": "",
        "lifetime": None,
        "organization": "  ",
        "deliver": json.dumps(API["deliver"]),
    }
    (found,) = options([given])
    assert found == {**API, "scopes": ["repo:read", "repo:write"], "owns_application": True}


def test_a_text_of_json_is_read() -> None:
    assert options(json.dumps([ROBOT, SCAN])) == options([ROBOT, SCAN]) == [ROBOT, SCAN]


def test_nothing_declared() -> None:
    assert read_declarations([], HOST) == []
    for given in (None, "", " \n"):
        with pytest.raises(BadInput, match="rotation_credentials is not set or empty"):
            read_declarations(given, HOST)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (ROBOT, "rotation_credentials must be a list of mappings, not a mapping. Write a dash before it"),
        ("acme+ci", "rotation_credentials must be a list of mappings, not a text"),
        (7, "rotation_credentials must be a list of mappings, not a number"),
    ],
)
def test_not_a_list(given: Any, problem: str) -> None:
    with pytest.raises(BadInput, match=f"^{re.escape(problem)}"):
        read_declarations(given, HOST)


ROBOT_PROBLEMS: list[tuple[dict[str, Any], str]] = [
    ({"maxage": "90d"}, "maxage is not an option. Did you mean max_age?"),
    ({"Max-Age": "90d"}, "Max-Age is not an option. Did you mean max_age?"),
    ({"zzz": 1}, "zzz is not an option. There are: actions, application, client_id,"),
    ({"strategy": "pair"}, "strategy must be in_place or paired, not 'pair'"),
    ({"rotate": True}, "rotate must be a text, not a boolean. Write it in quotes"),
    ({"max_age": "soon"}, "max_age must be a duration such as 90d, 12h or 30m, not 'soon'"),
    ({"copy_rights": "perhaps"}, "copy_rights must be true or false, not a text"),
    ({"metadata": ["x"]}, "metadata must be a mapping, not a list"),
    ({"pair": {"a": 1}}, "pair must be a list, not a mapping"),
    (
        {"renew_before": "14d"},
        "renew_before has no effect on a credential of the kind robot. A robot token does not expire. Use max_age",
    ),
    ({"lifetime": "7d"}, "lifetime has no effect on a credential of the kind robot. A robot token does not expire."),
    ({"scopes": ["repo:read"]}, "scopes has no effect on a credential of the kind robot. Use permissions to declare"),
    ({"retire_after": "2d"}, "retire_after has no effect with strategy: in_place"),
    ({"name": "acme/ci"}, "name: 'acme/ci' is not a valid robot name"),
    ({"deliver": []}, "deliver needs at least one store"),
    ({"deliver": None}, "deliver needs at least one store"),
    ({"deliver": "/etc/x"}, "deliver must be a list of mappings, not a text"),
    ({"deliver": FILE}, "deliver must be a list of mappings, not a mapping. Write a dash before it"),
    ({"deliver": ["/etc/x"]}, "entry 1 of deliver: must be a mapping with kind, not a text"),
    ({"deliver": [FILE, {"kind": "file"}]}, "entry 2 of deliver: path is missing"),
    ({"deliver": [{**FILE, "fromat": "json"}]}, "entry 1 of deliver: fromat is not an option. Did you mean format?"),
    ({"deliver": [{**FILE, "prefix": "CI_"}]}, "entry 1 of deliver: prefix has no effect without format: env"),
    (
        {"deliver": [{"kind": "file", "path": "/x", "registry": "quay.example.com"}]},
        "entry 1 of deliver: registry has no effect with format: token",
    ),
    ({"deliver": [{**AUTH, "format": "json"}]}, "entry 1 of deliver: format has no effect on a store of the kind"),
    ({"deliver": [FILE, FILE]}, "both write /etc/ci/quay.json"),
    ({"federation": [{"issuer": "https://x"}]}, "entry 1 of federation: subject is missing"),
    ({"permissions": [{"repository": "acme/app", "role": "push"}]}, "entry 1 of permissions: role must be read, write"),
    (
        {"strategy": "paired", "deliver": [{"kind": "file", "path": "/x"}]},
        "entry 1 of deliver: format: token stores no user name, and with strategy: paired each rotation changes",
    ),
    (
        {"strategy": "paired", "deliver": [{**SECRET, "secret_type": "Opaque", "keys": {"token": "a"}}]},
        "entry 1 of deliver: keys has no name for username, and with strategy: paired each rotation changes",
    ),
    ({"deliver": [{**SECRET, "namespaces": ""}]}, "entry 1 of deliver: namespaces is missing"),
    ({"deliver": [SECRET, SECRET]}, "both write quay.example.com in kubernetes_secret ci/pull"),
    (
        {"strategy": "paired", "max_age": "1d", "retire_after": "24h"},
        "retire_after must be shorter than max_age",
    ),
    (
        {"strategy": "paired", "federation": [{"issuer": "https://x", "subject": "y"}]},
        "federation belongs to one robot account",
    ),
]


@pytest.mark.parametrize(("changes", "problem"), ROBOT_PROBLEMS)
def test_problem_of_a_robot(changes: dict[str, Any], problem: str) -> None:
    assert problem in problems({**ROBOT, **changes})


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({**API, "client_id": ""}, "the application is missing: give client_id, or organization and application"),
        ({**API, "scopes": ["repo:red"]}, "scopes must be org:admin, repo:admin"),
        ({**API, "strategy": "paired"}, "strategy has no effect on a credential of the kind api. Remove it"),
        ({**SCAN, "repositories": ""}, "repositories must name at least one repository"),
        ({**SCAN, "max_age": "1d"}, "max_age has no effect on a credential of the kind referrers. A registry token is"),
        ({**SCAN, "quay_username": "acme+ci"}, "quay_username and quay_password go together"),
        ({**SCAN, "deliver": [AUTH]}, "entry 1 of deliver: a registry token is not a password"),
        ({**SCAN, "deliver": [SECRET]}, "entry 1 of deliver: a registry token is not a password, so nodes"),
        (
            {"name": "x", "kind": "robots"},
            "kind must be api, app, client_secret, robot, robot_lease, referrers or federated, not 'robots'",
        ),
        ({**JOB, "name": "job"}, "robot: 'job' has no namespace. Write it as organization+robot"),
        ({**JOB, "robot": "acme+CI"}, "robot: 'acme+CI' is not a valid robot name"),
        ({**JOB, "max_age": "1d"}, "max_age has no effect on a credential of the kind federated. A federated token is"),
        ({**JOB, "permissions": []}, "permissions has no effect on a credential of the kind federated. Declare them"),
        ({**JOB, "oidc_token_path": "/x", "oidc_token_variable": "X"}, "exclude each other: there is one OIDC"),
        ({**JOB, "oidc_issuer": "https://x"}, "oidc_issuer needs oidc_client_id and oidc_client_secret"),
        ({**JOB, "deliver": [{"kind": "tasks", "tasks_file": "x.yml"}]}, "deliver needs a store that can be read back"),
        ({"kind": "robot", "deliver": [FILE]}, "name is missing"),
    ],
)
def test_problem_of_another_kind(entry: dict[str, Any], problem: str) -> None:
    assert problem in problems(entry)


def test_all_problems_are_reported_with_their_position() -> None:
    text = problems({**ROBOT, "maxage": "x", "lifetime": "7d"}, 7, {**ROBOT, "deliver": [AUTH]})
    assert text == (
        "rotation_credentials is not valid, 4 problems: "
        "(1) credential 1 (acme+ci): maxage is not an option. Did you mean max_age?; "
        "(2) credential 1 (acme+ci): lifetime has no effect on a credential of the kind robot. A robot token does not "
        "expire. Use max_age; "
        "(3) credential 2: must be a mapping with name, kind and deliver, not a number; "
        "(4) credentials 1 and 3 have the same name, acme+ci. Names must be unique"
    )


def test_absent_credential_needs_no_store() -> None:
    (found,) = options([{"name": "acme+old", "kind": "robot", "state": "absent"}])
    assert found == {"name": "acme+old", "kind": "robot", "state": "absent"}


OTHER = {**ROBOT, "name": "acme+other"}
PLACES: dict[str, tuple[list[Any], list[Any], str]] = {
    "same file": ([FILE], [{**FILE, "format": "yaml"}], "/etc/ci/quay.json"),
    "another spelling": ([FILE], [{**FILE, "path": "/etc/ci/../ci/quay.json"}], "/etc/ci/quay.json"),
    "a dot in the path": ([FILE], [{**FILE, "path": "/etc/ci/./quay.json"}], "/etc/ci/quay.json"),
    "same variables": (
        [{"kind": "file", "path": "/etc/ci/env", "format": "env", "merge": True}],
        [{"kind": "file", "path": "/etc/ci/env", "format": "env", "merge": True, "prefix": "QUAY_"}],
        "QUAY_TOKEN in /etc/ci/env",
    ),
    "same registry": (
        [AUTH],
        [{**AUTH, "registry": "QUAY.example.com"}],
        "quay.example.com in /etc/containers/auth.json",
    ),
    "file and auth file": ([AUTH], [{**FILE, "path": AUTH["path"]}], "/etc/containers/auth.json"),
    "record of the other": (
        [{"kind": "file", "path": "/etc/ci/x"}],
        [{**FILE, "path": "/etc/ci/x.record.json"}],
        "/etc/ci/x.record.json",
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_one_place_has_one_credential(case: str) -> None:
    first, second, place = PLACES[case]
    text = problems({**ROBOT, "deliver": first}, {**OTHER, "deliver": [*second]})
    assert "credential 1 (acme+ci), entry 1 of deliver, and credential 2 (acme+other), entry 1 of deliver, both" in text
    assert place in text


def test_linked_directory_is_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    first, second = ({**FILE, "path": f"{tmp_path}/{name}/x"} for name in ("real", "link"))
    assert f"both write {tmp_path}/real/x" in problems({**ROBOT, "deliver": [first]}, {**OTHER, "deliver": [second]})


def test_registries_share_an_auth_file() -> None:
    other = {**OTHER, "deliver": [{**AUTH, "registry": "mirror.example.com"}]}
    assert len(options([{**ROBOT, "deliver": [AUTH]}, other])) == 2


def test_variables_share_a_file() -> None:
    env = {"kind": "file", "path": "/etc/ci/env", "format": "env", "merge": True}
    other = {**OTHER, "deliver": [{**env, "prefix": "CI_"}]}
    assert len(options([{**ROBOT, "deliver": [env]}, other])) == 2


def test_home_directory_is_that_of_the_target(home: Path) -> None:
    (found,) = options([{**ROBOT, "deliver": [{**FILE, "path": "~/quay.json"}]}])
    assert found["deliver"][0]["path"] == os.path.join(str(home), "quay.json")


def test_files_of_a_container_are_refused() -> None:
    text = problems(ROBOT, ephemeral=True)
    assert (
        "credential 1 (acme+ci): entry 1 of deliver: /etc/ci/quay.json is a file in the container of this AWX" in text
    )
    assert read_declarations([{"name": "acme+old", "kind": "robot", "state": "absent"}], HOST, ephemeral=True)


AWX = {"kind": "awx_credential", "awx_host": "https://awx.example.com", "credential": "quay-pull"}


def test_store_in_awx_lasts_longer_than_the_container_of_a_job() -> None:
    assert read_declarations([{**ROBOT, "deliver": [AWX]}], HOST, ephemeral=True)


@pytest.mark.parametrize("declared", [API, SCAN], ids=["api", "referrers"])
def test_secret_that_quay_returns_once_needs_a_store_that_can_be_read_back(declared: dict[str, Any]) -> None:
    inputs = {**AWX, "inputs": {"token": "token"}}
    text = problems({**declared, "deliver": [inputs]})
    assert "deliver needs a store that can be read back, because Quay returns this secret once" in text
    assert "one of the kinds file, container_auth" in text
    assert "awx_credential" not in text
    assert read_declarations([{**declared, "deliver": [inputs, FILE]}], HOST)
    assert read_declarations([{**declared, "deliver": [inputs], "state": "absent"}], HOST)


def test_inputs_in_awx_without_a_user_name() -> None:
    inputs = {**AWX, "inputs": {"password": "token"}}
    text = problems({**ROBOT, "strategy": "paired", "deliver": [inputs]})
    assert "entry 1 of deliver: inputs without username stores no user name" in text
    assert read_declarations([{**ROBOT, "strategy": "paired", "deliver": [AWX]}], HOST)
    assert read_declarations([{**ROBOT, "deliver": [{**inputs, "registry": "quay.example.com"}]}], HOST)


def test_login_of_a_registry_in_awx_takes_no_registry_token() -> None:
    text = problems({**SCAN, "deliver": [FILE, AWX]})
    assert "entry 2 of deliver: a registry token is not a password" in text


def test_one_credential_in_awx_for_two() -> None:
    other = {**ROBOT, "name": "acme+other", "deliver": [dict(AWX)]}
    text = problems({**ROBOT, "deliver": [AWX]}, other)
    assert "both write awx_credential https://awx.example.com quay-pull" in text


def test_other_stores_outlive_a_container() -> None:
    assert read_declarations([{**ROBOT, "deliver": [VAULT]}], HOST, ephemeral=True)


def test_one_key_of_vault_is_declared_twice() -> None:
    text = problems({**ROBOT, "deliver": [VAULT]}, {**OTHER, "deliver": [VAULT]})
    assert "both write token in hashi_vault https://vault.example.com secret/ci/quay" in text
    second = {**OTHER, "deliver": [{**VAULT, "keys": {"token": "second"}}]}
    assert len(options([{**ROBOT, "deliver": [VAULT]}, second])) == 2


def test_paired_robots_need_a_key_for_the_user_name() -> None:
    store = {**VAULT, "keys": {"token": "pat"}}
    text = problems({**ROBOT, "strategy": "paired", "deliver": [store]})
    assert "entry 1 of deliver: keys has no name for username, and with strategy: paired" in text
    keys = {"token": "pat", "username": "user"}
    assert options([{**ROBOT, "strategy": "paired", "deliver": [{**store, "keys": keys}]}])


FORCE: list[tuple[Any, list[str]]] = [
    ("acme+ci", ["acme+ci"]),
    ("acme+ci,nightly", ["acme+ci", "nightly"]),
    ("acme+ci\nnightly\n", ["acme+ci", "nightly"]),
    ('["nightly"]', ["nightly"]),
    (["acme+ci", "", "acme+ci"], ["acme+ci"]),
    ("", []),
    (None, []),
    ([], []),
    ("one, two", ["one, two"]),
]


@pytest.mark.parametrize(("given", "names"), FORCE)
def test_force(given: Any, names: list[str]) -> None:
    comma = {**API, "name": "one, two", "deliver": [{**FILE, "path": "/etc/ci/comma"}]}
    assert read_force(given, read_declarations([ROBOT, API, comma], HOST), "rotation_force") == names


def test_force_of_unknown_and_absent_credentials() -> None:
    declared = read_declarations([ROBOT, {"name": "acme+old", "kind": "robot", "state": "absent"}], HOST)
    with pytest.raises(BadInput) as error:
        read_force("acme+c, acme+old", declared, "rotation_force")
    assert str(error.value) == (
        "rotation_force: 'acme+c' is not declared. Did you mean acme+ci?; 'acme+old' is declared with state: absent"
    )


def test_secrets_are_logins_and_the_values_of_unknown_options() -> None:
    given = [{**SCAN, "quay_username": "u", "quay_password": "p1", "quay_pasword": "p2", "extra": {"a": ["p3", 7]}}, 5]
    assert set(secrets_in(given)) == {"p1", "p2", "p3", "7"}
    assert set(secrets_in(json.dumps(given))) == {"p1", "p2", "p3", "7"}
    assert list(secrets_in("text")) == []
    assert {"scan", "u", "p1", "7", "/etc/ci/scan.json"} <= set(texts_in(given))


def test_secrets_are_logins_of_stores() -> None:
    store = {**SECRET, "kubernetes_host": "https://h", "kubernetes_token": "p1", "kubernetes_tokn": "p2"}
    given = [{**ROBOT, "deliver": [store, 5]}, {**ROBOT, "deliver": json.dumps([store])}, {**ROBOT, "deliver": "text"}]
    assert list(secrets_in(given)) == ["p1", "p2"] * 2


def test_secret_of_kubernetes_outlives_the_container_of_a_job() -> None:
    declared = read_declarations([{**ROBOT, "deliver": [SECRET]}], HOST, ephemeral=True)
    assert declared[0].stores == [("entry 1 of deliver", [Place("kubernetes_secret ci/pull", "quay.example.com")])]


def test_logins_of_stores_are_secrets() -> None:
    deliver = [{**AWX, "awx_token": "p1", "awx_tokn": "p2"}, FILE, 5]
    for given in (deliver, json.dumps(deliver)):
        assert set(secrets_in([{**ROBOT, "deliver": given}])) == {"p1", "p2"}


def test_logins_of_vault_are_secrets() -> None:
    store = {**VAULT, "vault_token": "p1", "vault_tokn": "p2", "vault_password": "p3"}
    assert set(secrets_in([{**ROBOT, "deliver": [store]}])) == {"p1", "p2", "p3"}
    assert set(secrets_in([{**ROBOT, "deliver": json.dumps([store])}])) == {"p1", "p2", "p3"}


def test_hosts_of_a_store_are_no_secret() -> None:
    """As a secret, Ansible would mask the name of a host in every path of the result."""
    assert list(secrets_in([{**ROBOT, "deliver": [{**FILE, "hosts": "n1"}]}])) == []


def test_no_problem_repeats_a_secret() -> None:
    text = problems({**SCAN, "quay_password": ["hunter2"], "quay_pasword": "hunter3"}, "hunter4")
    assert "hunter" not in text
    assert "quay_password must be a text, not a list" in text


TASKS = {"kind": "tasks", "tasks_file": "gitlab.yml"}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            {**ROBOT, "strategy": "paired", "deliver": [TASKS]},
            "strategy: paired needs a store that shows which of",
        ),
        ({**API, "deliver": [TASKS]}, "deliver needs a store that can be read back"),
        ({**ROBOT, "deliver": [TASKS, TASKS]}, "both write"),
        ({**ROBOT, "deliver": [{"kind": "tasks"}]}, "entry 1 of deliver: tasks_file is missing"),
        ({**ROBOT, "deliver": [{**TASKS, "path": "/etc/ci"}]}, "path has no effect on a store of the kind tasks"),
        ({**ROBOT, "deliver": [{**TASKS, "hosts": "all"}]}, "hosts has no effect on a store of the kind tasks"),
        ({**ROBOT, "deliver": [{**TASKS, "variables": "acme"}]}, "variables must be a mapping, not a text"),
    ],
)
def test_task_files_that_are_refused(entry: dict[str, Any], problem: str) -> None:
    assert problem in problems(entry)


def test_one_task_file_for_many_credentials() -> None:
    given = [{**ROBOT, "deliver": [TASKS]}, {**ROBOT, "name": "acme+cd", "deliver": [TASKS]}]
    given.append({**API, "deliver": [*API["deliver"], TASKS]})
    assert options(given) == given
