# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, and the Auth that they stand for."""

from __future__ import annotations

import getpass
import os
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import (
    CONNECTION_OPTIONS,
    auth_from_options,
    environment,
    without_empty,
)

TOKEN = {"quay_token": "t0ken"}
USER = {"quay_username": "ann", "quay_password": "s3cret"}
TOKEN_VARIABLE = {"QUAY_TOKEN": "t0ken"}
USER_VARIABLES = {"QUAY_USERNAME": "ann", "QUAY_PASSWORD": "s3cret"}


def auth_of(params: dict[str, str], environ: dict[str, str] | None = None, **options: Any) -> Auth:
    """The Auth for these options. As in a module, ``params`` has what the environment sets, too."""
    empty = {"quay_token": None, "quay_username": None, "quay_password": None}
    return auth_from_options({**empty, **params}, environ or {}, **options)


def headers(auth: Auth) -> dict[str, str]:
    return auth.for_registry().headers("GET")


def test_token() -> None:
    auth = auth_of(TOKEN)
    assert isinstance(auth, BearerAuth)
    assert auth.headers("GET") == {"Authorization": "Bearer t0ken"}


def test_user() -> None:
    auth = auth_of(USER)
    assert isinstance(auth, SessionAuth)
    assert auth.username == "ann"
    assert headers(auth) == {"Authorization": "Basic YW5uOnMzY3JldA=="}  # ann:s3cret


@pytest.mark.parametrize(
    ("environ", "kind"),
    [
        # The play sets the user, the environment the token.
        (TOKEN_VARIABLE, SessionAuth),
        # The play sets the token, the environment the user.
        (USER_VARIABLES, BearerAuth),
        # The environment sets both: a token is the smaller right.
        ({**TOKEN_VARIABLE, **USER_VARIABLES}, BearerAuth),
        # The environment sets other values, which the play replaces.
        ({**TOKEN_VARIABLE, "QUAY_USERNAME": "bob", "QUAY_PASSWORD": "s3cret"}, SessionAuth),
        ({**USER_VARIABLES, "QUAY_TOKEN": "other"}, BearerAuth),
    ],
)
def test_play_wins_over_the_environment(environ: dict[str, str], kind: type[Auth]) -> None:
    assert type(auth_of({**TOKEN, **USER}, environ)) is kind


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"QUAY_TOKEN": "other"},
        {"QUAY_USERNAME": "ann"},
        {"QUAY_USERNAME": "ann", "QUAY_PASSWORD": "other"},
        {"QUAY_USERNAME": "bob", "QUAY_PASSWORD": "s3cret"},
    ],
)
def test_play_that_sets_both(environ: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="^Give either quay_token, or quay_username and quay_password, not both$"):
        auth_of({**TOKEN, **USER}, environ)


@pytest.mark.parametrize("more", [{"quay_username": "ann"}, {"quay_password": "s3cret"}])
def test_token_with_one_half_of_a_login(more: dict[str, str]) -> None:
    assert isinstance(auth_of({**TOKEN, **more}), BearerAuth)


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("params", [{"quay_username": "ann"}, {"quay_password": "s3cret"}])
def test_one_half_of_a_login(params: dict[str, str], optional: bool) -> None:
    with pytest.raises(BadInput, match="^quay_username and quay_password go together; one of them is missing$"):
        auth_of(params, optional=optional)


@pytest.mark.parametrize("params", [{}, {"quay_token": "", "quay_username": "", "quay_password": ""}])
def test_no_login(params: dict[str, str]) -> None:
    """The message says whose environment was read: variables of the controller do not reach another host."""
    with pytest.raises(BadInput) as caught:
        auth_of(params)
    assert str(caught.value) == (
        "No login: give quay_token (or QUAY_TOKEN), or quay_username and quay_password (or QUAY_USERNAME and "
        f"QUAY_PASSWORD). The environment was read on {os.uname().nodename} as the user {getpass.getuser()}; variables "
        "that are set on the controller do not reach another host"
    )
    assert type(auth_of(params, optional=True)) is Auth


@pytest.mark.parametrize("error", [KeyError("uid not found: 4711"), OSError("no user name set")])
def test_no_login_of_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", fail)
    with pytest.raises(BadInput, match=f" as the user {os.geteuid()}; "):
        auth_of({})


@pytest.mark.parametrize("token", ["t0ken of ann", "t0ken\nof", "t0ken\t1"])
def test_invalid_token(token: str) -> None:
    with pytest.raises(BadInput) as caught:
        auth_of({"quay_token": token})
    assert str(caught.value) == "quay_token holds white space, so it is not a single secret"


def test_token_with_a_line_break_at_its_end() -> None:
    """As files and shells hand it over."""
    assert auth_of({"quay_token": " t0ken\n"}).headers("GET") == {"Authorization": "Bearer t0ken"}
    environ = {"QUAY_TOKEN": "t0ken\n"}
    assert isinstance(auth_of({"quay_token": "t0ken\n", **USER}, environ), SessionAuth)


@pytest.mark.parametrize("option", ["quay_token", "quay_password"])
def test_secrets_are_not_logged(option: str) -> None:
    assert CONNECTION_OPTIONS[option]["no_log"] is True


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("quay_host", "QUAY_HOST"),
        ("quay_token", "QUAY_TOKEN"),
        ("quay_username", "QUAY_USERNAME"),
        ("quay_password", "QUAY_PASSWORD"),
        ("validate_certs", "QUAY_VERIFY_SSL"),
        ("ca_path", "QUAY_CA_PATH"),
        ("timeout", "QUAY_TIMEOUT"),
    ],
)
def test_fallback_to_the_environment(option: str, variable: str) -> None:
    assert CONNECTION_OPTIONS[option]["fallback"] == (environment, [variable])


def test_variables_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one that is not empty counts."""
    for name, value in (("A_FIRST", ""), ("A_SECOND", "second"), ("A_THIRD", "third")):
        monkeypatch.setenv(name, value)
    assert environment("A_FIRST", "A_SECOND", "A_THIRD") == "second"
    assert environment("A_THIRD", "A_SECOND") == "third"
    for names in (("A_FIRST",), ("A_MISSING",), ()):
        with pytest.raises(AnsibleFallbackNotFound):
            environment(*names)


@pytest.mark.parametrize(
    ("name", "option", "unset"),
    [
        ("quay_host", {"type": "str"}, True),
        ("max_age", {"type": "str"}, True),
        ("uuid", {}, True),
        ("description", {"type": "str"}, False),
        ("email", {}, False),
        ("scopes", {"type": "list"}, True),
        ("retries", {"type": "int"}, True),
        ("metadata", {"type": "dict"}, True),
        ("unknown", None, False),
    ],
)
def test_empty_value(name: str, option: dict[str, Any] | None, unset: bool) -> None:
    """Templates and AWX hand over an empty text for what is not set. An empty description is an empty one."""
    spec = {} if option is None else {name: option}
    assert without_empty({name: "", "kept": "x"}, spec) == ({"kept": "x"} if unset else {name: "", "kept": "x"})


def test_other_values_are_kept() -> None:
    values: dict[str, Any] = {"quay_host": " ", "max_age": None, "scopes": [], "retries": 0, "verify_ssl": False}
    assert without_empty(values, {"scopes": {"type": "list"}}) == values


def test_empty_value_of_an_alias() -> None:
    spec = {"scopes": {"type": "list", "aliases": ["rights"]}}
    assert without_empty({"rights": "", "other": ""}, spec) == {"other": ""}


def test_no_option_has_no_type() -> None:
    assert all(option["type"] for option in CONNECTION_OPTIONS.values())
