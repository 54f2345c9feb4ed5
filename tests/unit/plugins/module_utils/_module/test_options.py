# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, and the Auth that they stand for."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.common.parameters import AnsibleFallbackNotFound

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module import options
from ansible_collections.tokensmith.quay.plugins.module_utils._module.connection import auth_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import (
    CONNECTION_OPTIONS,
    without_empty,
)

TOKEN = {"quay_token": "t0ken"}
USER = {"quay_username": "ann", "quay_password": "s3cret"}
TOKEN_VARIABLE = {"QUAY_TOKEN": "t0ken"}
USER_VARIABLES = {"QUAY_USERNAME": "ann", "QUAY_PASSWORD": "s3cret"}
NO_LOGIN = (
    "No login: give quay_token (or QUAY_TOKEN), quay_token_path, or quay_username and quay_password (or "
    "QUAY_USERNAME and QUAY_PASSWORD). The environment was read on build-1.example.com as the user deploy; variables "
    "that are set on the controller do not reach another host"
)


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
    assert isinstance(auth_of({**TOKEN, **USER}, environ), kind)


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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "login"


@pytest.mark.parametrize(
    "text", ["t0ken", " t0ken\n", '{"token": "t0ken", "uuid": "u"}', '{\n  "token": " t0ken "\n}\n']
)
@pytest.mark.parametrize("environ", [{}, {"QUAY_TOKEN": "other"}, USER_VARIABLES])
def test_token_in_a_file(file: Path, text: str, environ: dict[str, str]) -> None:
    """It wins over the environment, which AWX and shells set for all tasks."""
    file.write_text(text)
    options = {"QUAY_TOKEN": "quay_token", "QUAY_USERNAME": "quay_username", "QUAY_PASSWORD": "quay_password"}
    given = {options[name]: value for name, value in environ.items()}
    assert auth_of({**given, "quay_token_path": str(file)}, environ).headers("GET") == {"Authorization": "Bearer t0ken"}


def test_file_that_is_a_link(file: Path) -> None:
    """So Kubernetes mounts a Secret."""
    file.with_name("data").write_text("t0ken\n")
    file.symlink_to("data")
    assert isinstance(auth_of({"quay_token_path": str(file)}), BearerAuth)


@pytest.mark.parametrize("given", [{"quay_token": "t0ken"}, USER])
def test_file_and_another_login(file: Path, given: dict[str, str]) -> None:
    file.write_text("t0ken")
    with pytest.raises(
        BadInput, match="^Give one login: quay_token, quay_token_path, or quay_username and quay_password$"
    ):
        auth_of({**given, "quay_token_path": str(file)}, {"QUAY_TOKEN": "another", "QUAY_PASSWORD": "another"})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no token"),
        (b"{}", "holds no token"),
        (b'{"token": "s3cret"', "is not valid JSON"),
        (b"s3cret s3cret", "holds white space, so it is not a single secret"),
        (b"s3cret\xff", "is not a text file"),
    ],
)
def test_file_without_a_token(file: Path, content: bytes, problem: str) -> None:
    """The message does not repeat what is in the file."""
    file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        auth_of({"quay_token_path": str(file)})
    assert str(caught.value) == f"quay_token_path: {file} {problem}"


def test_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="build-1.example.com"))
    monkeypatch.setattr(getpass, "getuser", lambda: "deploy")
    where = f"^quay_token_path: {file} cannot be read on build-1.example.com as the user deploy: "
    with pytest.raises(BadInput, match=f"{where}No such file or directory$"):
        auth_of({"quay_token_path": str(file)})
    os.mkfifo(file)
    with pytest.raises(BadInput, match=f"^quay_token_path: {file} is not a regular file$"):
        auth_of({"quay_token_path": str(file)})


@pytest.mark.parametrize("more", [{"quay_username": "ann"}, {"quay_password": "s3cret"}])
def test_token_with_one_half_of_a_login(more: dict[str, str]) -> None:
    assert isinstance(auth_of({**TOKEN, **more}), BearerAuth)


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("params", [{"quay_username": "ann"}, {"quay_password": "s3cret"}])
def test_one_half_of_a_login(params: dict[str, str], optional: bool) -> None:
    with pytest.raises(BadInput, match="^quay_username and quay_password go together; one of them is missing$"):
        auth_of(params, optional=optional)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"quay_token": "", "quay_username": "", "quay_password": ""},
        {"quay_token": " \n", "quay_username": " ", "quay_password": "\n"},
    ],
)
def test_no_login(monkeypatch: pytest.MonkeyPatch, params: dict[str, str]) -> None:
    """People set variables on the controller for a task that runs elsewhere, so the message says where it looked."""
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(nodename="build-1.example.com"))
    monkeypatch.setattr(getpass, "getuser", lambda: "deploy")
    with pytest.raises(BadInput) as caught:
        auth_of(params)
    assert str(caught.value) == NO_LOGIN
    assert not isinstance(auth_of(params, optional=True), (BearerAuth, SessionAuth))


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_no_login_of_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """Containers run as numeric users."""

    def fail() -> str:
        raise error("uid not found")

    monkeypatch.setattr(getpass, "getuser", fail)
    monkeypatch.setattr(os, "geteuid", lambda: 1001230000)
    with pytest.raises(BadInput, match=r" as the user 1001230000; "):
        auth_of({})


@pytest.mark.parametrize(
    ("params", "header"),
    [
        ({"quay_token": " t0ken\n"}, "Basic JG9hdXRodG9rZW46dDBrZW4="),  # $oauthtoken:t0ken
        ({"quay_username": " ann\n", "quay_password": "s3cret\n"}, "Basic YW5uOnMzY3JldA=="),
    ],
)
def test_white_space_around_a_login(params: dict[str, str], header: str) -> None:
    """The content of a file ends with a line break."""
    assert headers(auth_of(params)) == {"Authorization": header}
    # The same values from the environment are recognised as such.
    variables = {"QUAY_TOKEN": "t0ken\n", "QUAY_USERNAME": "ann\n", "QUAY_PASSWORD": "s3cret\n"}
    assert headers(auth_of({**TOKEN, **USER, **params}, variables)) == headers(auth_of(TOKEN))


def test_username_with_a_colon() -> None:
    with pytest.raises(BadInput, match="^quay_username must not hold a colon"):
        auth_of({**USER, "quay_username": "ann:x"})


def test_invalid_token() -> None:
    with pytest.raises(BadInput, match="^quay_token holds white space") as caught:
        auth_of({"quay_token": "t0ken of ann"})
    assert "t0ken" not in str(caught.value)


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
def test_fallback_to_the_environment(monkeypatch: pytest.MonkeyPatch, option: str, variable: str) -> None:
    function, variables = CONNECTION_OPTIONS[option]["fallback"]
    assert variables == [variable]
    monkeypatch.setenv(variable, "value")
    assert function(*variables) == "value"
    for empty in ("", " "):
        monkeypatch.setenv(variable, empty)
        with pytest.raises(AnsibleFallbackNotFound):
            function(*variables)
    monkeypatch.delenv(variable)
    with pytest.raises(AnsibleFallbackNotFound):
        function(*variables)


def test_first_variable_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "")
    monkeypatch.setenv("B", "b")
    assert options.environment("A", "B") == "b"


SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str", "aliases": ["text"]},
    "enabled": {"type": "bool", "aliases": ["is_enabled"]},
    "mode": {"type": "raw"},
    "deliver": {
        "type": "list",
        "elements": "dict",
        "options": {"path": {"type": "path"}, "prefix": {"type": "str"}, "owner": {"type": "str"}},
    },
    "held": {"type": "dict", "options": {"token": {"type": "str"}}},
}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": "", "enabled": "", "mode": " ", "deliver": ""}, {}),
        ({"unknown": ""}, {"unknown": ""}),
        ({"is_enabled": ""}, {}),
        ({"description": ""}, {"description": ""}),
        ({"text": ""}, {"text": ""}),
        ({"name": "x", "enabled": False, "mode": 0}, {"name": "x", "enabled": False, "mode": 0}),
        ({"name": None, "deliver": []}, {"name": None, "deliver": []}),
        (
            {"deliver": [{"path": "/a", "owner": "", "prefix": ""}, "x"]},
            {"deliver": [{"path": "/a", "prefix": ""}, "x"]},
        ),
        ({"held": {"token": ""}}, {"held": {}}),
        ({"held": "{}"}, {"held": "{}"}),
    ],
)
def test_empty_values_are_unset(given: dict[str, Any], kept: dict[str, Any]) -> None:
    """Templates, AWX and the shell hand over empty texts. A description can be set to nothing.

    Ansible reports an option that does not exist.
    """
    assert without_empty(given, SPEC) == kept


def test_no_option_has_no_type() -> None:
    assert all(option["type"] for option in CONNECTION_OPTIONS.values())
