# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options, and the Auth that they stand for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.basic import env_fallback

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import Auth, BearerAuth, SessionAuth
from ansible_collections.tokensmith.quay.plugins.module_utils._module.options import (
    CONNECTION_OPTIONS,
    auth_from_options,
)

TOKEN = {"quay_token": "t0ken"}
USER = {"quay_username": "ann", "quay_password": "s3cret"}
TOKEN_VARIABLE = {"QUAY_TOKEN": "t0ken"}
USER_VARIABLES = {"QUAY_USERNAME": "ann", "QUAY_PASSWORD": "s3cret"}
NO_LOGIN = (
    "No login: give quay_token (or QUAY_TOKEN), or quay_username and quay_password (or QUAY_USERNAME and QUAY_PASSWORD)"
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
    with pytest.raises(BadInput) as caught:
        auth_of(params)
    assert str(caught.value) == NO_LOGIN
    assert type(auth_of(params, optional=True)) is Auth


def test_invalid_token() -> None:
    with pytest.raises(BadInput, match="^quay_token holds a space") as caught:
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
def test_fallback_to_the_environment(option: str, variable: str) -> None:
    assert CONNECTION_OPTIONS[option]["fallback"] == (env_fallback, [variable])


def test_no_option_has_no_type() -> None:
    assert all(option["type"] for option in CONNECTION_OPTIONS.values())
