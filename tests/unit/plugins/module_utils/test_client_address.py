# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the client sends requests to: the server's address, the API's paths, the CA file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._client import (
    normalise_host,
    password_in,
    path_of,
    split_location,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay

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
        ("https://quay.example.com:443/", "https://quay.example.com:443"),
        ("https://quay.example.com:", "https://quay.example.com"),
        ("https://quay_1.example-2.com", "https://quay_1.example-2.com"),
        ("https://qüay.example.com", "https://qüay.example.com"),
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099"),
        ("https://[2001:DB8::1]", "https://[2001:db8::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://[fe80::1%25eth0]", "https://[fe80::1%25eth0]"),
    ],
)
def test_host(text: str, origin: str) -> None:
    assert normalise_host(text) == origin


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must start with https://"),
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
def test_wrong_host(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=f"^quay_host {sentence}") as caught:
        normalise_host(text)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "pasted"),
    [
        (f"https://admin:{SECRET}@quay.example.com", f"admin:{SECRET}"),
        (f"https://{SECRET}@quay.example.com/x", SECRET),
        (f"https://:{SECRET}@quay.example.com", f":{SECRET}"),
        (f"https://admin:a@b/c:{SECRET}@quay.example.com", f"admin:a@b/c:{SECRET}"),
        (f"https://admin:{SECRET}\n@quay.example.com", f"admin:{SECRET}\n"),
        (f"admin:{SECRET}@quay.example.com", SECRET),
        (f" {SECRET}@quay.example.com", SECRET),
        ("https://quay.example.com", None),
        ("https://quay.example.com:8443/x", None),
        ("https://@quay.example.com", None),
        ("", None),
    ],
)
def test_password_that_was_pasted_into_a_url(text: str, pasted: str | None) -> None:
    assert password_in(text) == pasted


def test_origin_and_what_podman_calls_it(quay: FakeQuay) -> None:
    quay.origin = "HTTPS://[::1]:8443/"
    client = quay.client()
    assert (client.origin, client.netloc) == ("https://[::1]:8443", "[::1]:8443")


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
def test_path(parts: tuple[str, ...], path: str) -> None:
    assert path_of(*parts) == path


@pytest.mark.parametrize("part", ["", ".", "..", "/", "a/b", "../user", "/a"])
def test_part_that_would_change_the_path(part: str) -> None:
    with pytest.raises(BadInput, match=f"^'{part}' cannot be the name of anything in Quay$"):
        path_of("organization", part, "robots")


@pytest.mark.parametrize("location", [None, "", "http://[broken"])
def test_no_location(location: str | None) -> None:
    target = split_location({} if location is None else {"Location": location})
    assert (target.netloc, target.path, target.query, target.fragment) == ("", "", "", "")


def test_location() -> None:
    target = split_location({"Location": "https://a.example/b?c=d#e"})
    assert (target.netloc, target.path, target.query, target.fragment) == ("a.example", "/b", "c=d", "e")


def test_ca_file_that_is_not_there(quay: FakeQuay, tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(BadInput, match=f"^ca_path: there is no file {missing} on the target$"):
        quay.client(verify=str(missing))


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n", "\0\1\2"])
def test_ca_file_without_a_certificate(quay: FakeQuay, tmp_path: Path, content: str) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(content)
    with pytest.raises(BadInput, match=f"^ca_path: {file} holds no certificate in PEM form$"):
        quay.client(verify=str(file))


def test_ca_file_that_cannot_be_opened(quay: FakeQuay, tmp_path: Path) -> None:
    loop = tmp_path / "loop.pem"
    loop.symlink_to(loop)
    with pytest.raises(BadInput, match=f"^ca_path: {loop} cannot be read: Too many levels of symbolic links$"):
        quay.client(verify=str(loop))
