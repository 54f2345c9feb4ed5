# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets and user names as a play hands them over."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.basic import remove_values

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.secret_input import (
    clean_password,
    clean_secret,
    clean_username,
    refuse_masked_values,
)

MASKED_BY_ANSIBLE = remove_values({"user": "alice", "robot": "alice+ci", "twice": "alicealice"}, ["alice"])


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"username": MASKED_BY_ANSIBLE["robot"]}, "username"),
        ({"username": MASKED_BY_ANSIBLE["user"]}, "username"),
        ({"name": "x", "token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}, "token"),
        ({"deliver": [{"path": "/a"}, {"path": "/etc/********/auth.json"}]}, "deliver[1].path"),
        ({"credentials": [{"held": [{"token": "********"}]}]}, "credentials[0].held[0].token"),
        ({"credentials": '[{"name": "a"}, {"name": "********+b"}]'}, "credentials[1].name"),
        ({"credentials": "[********]"}, "credentials"),
        ({"body": {"password": "********"}}, "body.password"),
        ({"scopes": ["repo:read", "********"]}, "scopes[1]"),
        ({"pair": ("acme+a", "********+b")}, "pair[1]"),
    ],
)
def test_masked_value(params: dict[str, Any], place: str) -> None:
    """Ansible replaces a secret in every text of a result, also in a user name that equals a password."""
    with pytest.raises(BadInput) as caught:
        refuse_masked_values(params)
    assert str(caught.value) == (
        f"{place} holds a value that Ansible masked in the result of another task, because it contains a secret of "
        "that task (such as a password that is equal to the user name). Do not take it from that result: set it to "
        "the real value"
    )


@pytest.mark.parametrize(
    "value",
    ["", "*", "*******", "*********", "a ************ line", None, 8, True, ["*"], {"********": 1}, '{"********": 1}'],
)
def test_values_that_are_not_masked(value: Any) -> None:
    refuse_masked_values({"description": value})


@pytest.mark.parametrize("text", ["t0ken", "t0ken\n", " \tt0ken\r\n\n"])
def test_secret(text: str) -> None:
    assert clean_secret(text, "token") == "t0ken"


@pytest.mark.parametrize("clean", [lambda text: clean_secret(text, "x"), clean_password])
@pytest.mark.parametrize("text", [None, "", "\n", " \r\n"])
def test_no_secret(clean: Any, text: str | None) -> None:
    assert clean(text) is None


@pytest.mark.parametrize("text", ["t0 ken", "t0ken\nt0ken", " t0\tken", "t0\u00a0ken"])
def test_secret_with_white_space_inside(text: str) -> None:
    with pytest.raises(BadInput, match="^current_token holds white space, so it is not a single secret$") as caught:
        clean_secret(text, "current_token")
    assert "t0" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "password"),
    [("s3cret\n", "s3cret"), ("\r\ns3cret\r\n", "s3cret"), (" two words ", " two words ")],
)
def test_password(text: str, password: str) -> None:
    """Users of LDAP may have blanks in their passwords."""
    assert clean_password(text) == password


@pytest.mark.parametrize(
    ("text", "username"),
    [("ann", "ann"), (" ann\n", "ann"), ("acme+ci", "acme+ci"), ("", None), (" ", None), (None, None)],
)
def test_username(text: str | None, username: str | None) -> None:
    assert clean_username(text, "quay_username") == username


def test_username_with_a_colon() -> None:
    """HTTP Basic would send the user ann with the password s3cret:x."""
    with pytest.raises(BadInput, match="^quay_username must not hold a colon. Give the user name alone") as caught:
        clean_username("ann:s3cret", "quay_username")
    assert "s3cret" not in str(caught.value)
