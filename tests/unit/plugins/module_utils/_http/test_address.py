# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: the origin of a server, and encoded paths of its API."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.address import (
    api_path,
    credentials_in_url,
    normalise_host,
)

SECRET = "Tr0ub4dor"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://quay.example.com", "https://quay.example.com"),
        ("https://quay.example.com/", "https://quay.example.com"),
        ("https://quay.example.com//", "https://quay.example.com"),
        ("  https://quay.example.com\n", "https://quay.example.com"),
        ("HTTPS://Quay.Example.COM", "https://quay.example.com"),
        ("https://quay.example.com.", "https://quay.example.com."),
        ("http://quay:8080", "http://quay:8080"),
        ("https://quay.example.com:443/", "https://quay.example.com"),
        ("http://quay.example.com:80", "http://quay.example.com"),
        ("https://quay.example.com:80", "https://quay.example.com:80"),
        ("http://quay.example.com:443", "http://quay.example.com:443"),
        ("https://[::1]:443", "https://[::1]"),
        ("https://quay.example.com:", "https://quay.example.com"),
        ("https://quay_1.example-2.com", "https://quay_1.example-2.com"),
        ("https://qüay.example.com", "https://qüay.example.com"),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://[fe80::1%25eth0]", "https://[fe80::1%25eth0]"),
    ],
)
def test_valid_host(text: str, origin: str) -> None:
    assert normalise_host(text) == origin


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is missing: set it, or QUAY_HOST"),
        (None, "is missing: set it, or QUAY_HOST"),
        (" \n", "is missing: set it, or QUAY_HOST"),
        (f"{SECRET}.example.com", "must start with https://"),
        (f"{SECRET}:8443", "must start with https://"),
        (f"//{SECRET}.example.com", "must start with https://"),
        (f"ftp://{SECRET}.example.com", "must start with https://"),
        (f"https:/{SECRET}.example.com", "must start with https://"),
        ("https://", "must start with https://"),
        (f"https://:{SECRET}", "is not a URL"),
        (f"admin:{SECRET}@quay.example.com", "must start with https://"),
        (f"https://admin:{SECRET}@quay.example.com", "must not hold a user name or password"),
        (f"https://{SECRET}@quay.example.com", "must not hold a user name or password"),
        (f"https://:{SECRET}@quay.example.com", "must not hold a user name or password"),
        (f"https://admin:p@{SECRET}@quay.example.com", "must not hold a user name or password"),
        (f"https://admin:p/{SECRET}@quay.example.com", "is not a URL"),
        (f"https://quay.example.com/{SECRET}", "must be the server alone"),
        ("https://quay.example.com/api/v1", "must be the server alone"),
        (f"https://quay.example.com?token={SECRET}", "must be the server alone"),
        (f"https://quay.example.com#{SECRET}", "must be the server alone"),
        (f"https://quay.example.com:{SECRET}", "is not a URL"),
        ("https://quay.example.com:65536", "is not a URL"),
        ("https://2001:db8::1", "is not a URL"),
        ("https://[2001:db8::1", "is not a URL"),
        (f"https://[{SECRET}]", "is not a URL"),
        (f"https://[{SECRET}:1]", "is not a URL"),
        (f"https://quay {SECRET}", "is not a URL"),
        (f"https://quay..{SECRET}", "is not a URL"),
        (f"https://.{SECRET}", "is not a URL"),
        (f"https://quay,{SECRET}", "is not a URL"),
        (f"https://quay\\{SECRET}", "is not a URL"),
        (f"https://{SECRET * 10}", "is not a URL"),
    ],
)
def test_invalid_host(text: str | None, sentence: str) -> None:
    with pytest.raises(BadInput, match=f"^quay_host {sentence}") as caught:
        normalise_host(text)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_missing_host(text: str | None) -> None:
    with pytest.raises(BadInput) as caught:
        normalise_host(text)
    assert str(caught.value) == (
        "quay_host is missing: set it, or QUAY_HOST in the environment of the target, to the address of Quay, such as "
        "https://quay.example.com"
    )


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        (f"https://admin:{SECRET}@quay.example.com", f"admin:{SECRET}"),
        (f"https://{SECRET}@quay.example.com/x", SECRET),
        (f"https://:{SECRET}@quay.example.com", f":{SECRET}"),
        (f"https://admin:a@b/c:{SECRET}@quay.example.com", f"admin:a@b/c:{SECRET}"),
        (f"https://admin:{SECRET}\n@quay.example.com", f"admin:{SECRET}\n"),
        (f"admin:{SECRET}@quay.example.com", f"admin:{SECRET}"),
        (f"git+https://admin:{SECRET}@quay.example.com", f"admin:{SECRET}"),
        (f"https:/admin:{SECRET}@quay.example.com", f"https:/admin:{SECRET}"),
        ("ann:hunter2@registry.example.com/x", "ann:hunter2"),
        (f" {SECRET}@quay.example.com", SECRET),
        ("https://quay.example.com", None),
        ("https://quay.example.com:8443/x", None),
        ("https://@quay.example.com", None),
        ("", None),
    ],
)
def test_credentials_in_a_url(text: str, credentials: str | None) -> None:
    assert credentials_in_url(text) == credentials


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("user", "robots"), "/api/v1/user/robots"),
        (("organization", "acme", "robots", "ci"), "/api/v1/organization/acme/robots/ci"),
        (("a b",), "/api/v1/a%20b"),
        (("a+b",), "/api/v1/a%2Bb"),
        (("a?b#c",), "/api/v1/a%3Fb%23c"),
        (("a%2Fb",), "/api/v1/a%252Fb"),
        (("%2e%2e",), "/api/v1/%252e%252e"),
        (("...",), "/api/v1/..."),
        (("a\\b\nc",), "/api/v1/a%5Cb%0Ac"),
        (("ü",), "/api/v1/%C3%BC"),
    ],
)
def test_api_path(parts: tuple[str, ...], path: str) -> None:
    assert api_path(*parts) == path


@pytest.mark.parametrize("part", ["", ".", "..", "/", "a/b", "../user", "/a"])
def test_part_that_would_change_the_path(part: str) -> None:
    with pytest.raises(BadInput, match=f"^'{part}' cannot be the name of anything in Quay$"):
        api_path("organization", part, "robots")
