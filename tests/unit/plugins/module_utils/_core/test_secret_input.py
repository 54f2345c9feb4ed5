# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets as a play hands them over: cleaned, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.secret_input import (
    clean_secret,
    refuse_masked_values,
)

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("\t s3cret\r\n", "s3cret"),
        ("", None),
        (" \n", None),
        (None, None),
    ],
)
def test_clean_secret(text: str | None, secret: str | None) -> None:
    assert clean_secret(text, "token") == secret


@pytest.mark.parametrize("text", ["s3 cret", "s3\ncret", "s3\tcret", "s3\u00a0cret", " a b "])
def test_secret_with_white_space_inside(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        clean_secret(text, "current_token")
    assert str(caught.value) == "current_token holds white space, so it is not a single secret"


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"name": MASK}, "name"),
        ({"name": "********"}, "name"),
        ({"a": 1, "username": f"acme+{MASK}"}, "username"),
        ({"deliver": [{"path": "/a"}, {"path": "/********/b"}]}, "deliver[1].path"),
        ({"metadata": {"team": {"name": MASK}}}, "metadata.team.name"),
        ({"scopes": ("a", MASK)}, "scopes[1]"),
    ],
)
def test_masked_value(params: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput) as caught:
        refuse_masked_values(params)
    assert str(caught.value) == (
        f"{place} holds a value that Ansible masked in the result of another task, because it contains a secret of "
        "that task (such as a password that is equal to the user name). Do not take it from that result: set it to the "
        "real value"
    )


def test_values_that_are_not_masked() -> None:
    refuse_masked_values({"name": "*******", "a": None, "b": [1, {"c": True}], "value_specified": "VALUE_SPECIFIED"})
