# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and e-mail addresses: which of them Quay accepts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._core.names import (
    check_account,
    check_email,
    check_length,
    real_email,
)


@pytest.mark.parametrize("name", ["ab", "a1", "acme-dev", "a.b_c-d", "a" * 255])
def test_valid_name(name: str) -> None:
    check_account(name, "name")


@pytest.mark.parametrize("name", ["", "a", "A1", "-ab", "ab-", "a--b", "a b", "a/b", "acme+ci", "ab\n", "a" * 256])
def test_invalid_name(name: str) -> None:
    with pytest.raises(BadInput, match="^team: '"):
        check_account(name, "team")


@pytest.mark.parametrize("email", [None, "a@b", "First.Last+tag@example.com"])
def test_valid_email(email: Any) -> None:
    check_email(email, "email")


@pytest.mark.parametrize("email", ["", " ", "nobody", "a@b@c", "a b@c", "@b", "a@", "a@b\n"])
def test_invalid_email(email: str) -> None:
    with pytest.raises(BadInput, match="is not an e-mail address"):
        check_email(email, "email")


def test_email_that_is_too_long() -> None:
    check_email("a" * 242 + "@example.com", "email")
    with pytest.raises(BadInput) as caught:
        check_email("a" * 243 + "@example.com", "email")
    assert str(caught.value) == "email has 255 characters, and Quay accepts 254 at most"


def test_length_of_a_text() -> None:
    check_length(None, "name")
    check_length("ü" * 255, "name")
    with pytest.raises(BadInput) as caught:
        check_length("x" * 256, "redirect_uri")
    assert str(caught.value) == "redirect_uri has 256 characters, and Quay stores 255 at most. Shorten it"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("a@example.com", "a@example.com"),
        ("93a9b669-b764-4e4f-9c50-4a9eb9276fdc", ""),
        ("93a9b669-b764-4e4f-9c50-4a9eb9276fdc@example.com", "93a9b669-b764-4e4f-9c50-4a9eb9276fdc@example.com"),
        ("", ""),
        (None, ""),
    ],
)
def test_placeholder_of_quay_is_no_email(sent: Any, shown: str) -> None:
    assert real_email(sent) == shown
