# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The formats of a token file: what is ours in a text, and what is somebody else's."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._stores.file_formats import (
    FORMATS,
    format_of,
    is_environment,
    is_foreign,
    is_secret,
    other_lines,
    read_fields,
    write_fields,
)

TOKEN = "A1B2" * 10
FIELDS = {
    "token": TOKEN,
    "username": "acme+ci",
    "registry": "quay.example.com",
    "api_url": "https://quay.example.com/api/v1",
    "name": "nightly run",
    "fingerprint": "0123456789ab",
    "created_at": "2026-01-31T12:00:00Z",
    "expires_at": None,
    "uuid": "6e3a1d0c",
    "superseded": "a1,b2",
}
TEXTS = {name: write_fields(name, FIELDS, "QUAY_") for name in FORMATS}


@pytest.mark.parametrize("name", ["json", "yaml"])
def test_all_fields_are_read(name: str) -> None:
    assert read_fields(name, TEXTS[name], "QUAY_") == FIELDS


def test_fields_of_variables_and_notes() -> None:
    """The name of the credential is for people only."""
    fields = {key: value for key, value in FIELDS.items() if value}
    assert read_fields("env", TEXTS["env"], "QUAY_") == {**fields, "name": "nightly"}
    assert read_fields("token", TEXTS["token"], "QUAY_") == {"token": TOKEN}


@pytest.mark.parametrize("name", FORMATS)
def test_our_own_text_is_not_foreign(name: str) -> None:
    assert not is_foreign(TEXTS[name], "QUAY_")
    assert not is_foreign(f"\n{TEXTS[name]}\n\n", "QUAY_")


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("", False),
        (" \n", False),
        ("{}", False),
        ("---\n", False),
        ("a" * 20, False),
        ("a" * 19, True),
        ("0a1b2c3d-0a1b2c3d0a1b2c3d", True),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIifQ.c2ln-bmF0_dXJl", False),
        ("a-very-long.host.example", True),
        ("QUAY_TOKEN=x", False),
        ("export QUAY_TOKEN=x\nQUAY_API_URL=y", False),
        ("CI_TOKEN=x", True),
        ("QUAY_TOKEN=x\nFOO=bar", True),
        ("QUAY_TOKEN=x\n# mine", True),
        ("# uuid: x\nFOO=bar", True),
        ("token: x", False),
        ("token: x\nport: 8080", True),
        ("- token: x", True),
        ('{"token": "x", "uuid": null}', False),
        ('{"token": "x", "port": 8080}', True),
        ('{"token": {"x": "y"}}', True),
        ('{"username": "x"}', True),
        ("[]", True),
        ("[" * 100000, True),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", True),
    ],
)
def test_foreign_text(text: str, foreign: bool) -> None:
    assert is_foreign(text, "QUAY_") is foreign


@pytest.mark.parametrize("name", ["json", "yaml", "env"])
def test_format_of_a_text(name: str) -> None:
    assert format_of(TEXTS[name], "QUAY_") == name
    assert format_of(f"\n{TEXTS[name]}", "QUAY_") == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (TEXTS["token"], None),
        ("", None),
        ("{}", None),
        ('{"token": ""}', None),
        ('{"username": "x"}', None),
        ("CI_TOKEN=x", None),
        ("QUAY_TOKEN=", None),
        ("- token: x", None),
        ('{"token": "x", "port": 8080}', "json"),
        ("export QUAY_TOKEN=x\nA=1", "env"),
        ("# mine\ntoken: x", "yaml"),
    ],
)
def test_format_of_another_text(text: str, name: str | None) -> None:
    assert format_of(text, "QUAY_") == name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (TOKEN, True),
        ("a" * 20, True),
        ("a" * 19, False),
        (None, False),
        (7, False),
        ("|", False),
        ("ghp_" + TOKEN, False),
    ],
)
def test_secret_of_quay(value: object, expected: bool) -> None:
    assert is_secret(value) is expected


@pytest.mark.parametrize(
    ("line", "token"),
    [("token: abc # mine", "abc"), ('token: "abc"\t# mine', "abc"), ("token: a#c", "a#c"), ('token: "a # c"', "a # c")],
)
def test_comment_of_a_person(line: str, token: str) -> None:
    assert read_fields("yaml", line, "QUAY_") == {"token": token}


_JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJxdWF5Iiwic3ViIjoiYWNtZStjaSJ9.c2lnbmF0dXJl-_x"


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("N4AOKTBS5IXIQ95CDN5IMM3PWIFMLPC6F0HEKC9T13TM9E0XS5PBQ6EKNYG7KY0A", False),  # of a robot: 64 capitals, digits
        ("QuAy3Ld9rKz0VbnQ1sXyTgE7wUfHjM5cPa2iO8kR", False),  # an OAuth access token: 40 letters and digits
        ("R6PV8JS2QG0C1ZLNT5KYB4WXAH7DUE9MOIF3" * 3 + "ABCDEFGH1234", False),  # an app token: 120 capitals, digits
        ("K3JD8SLQ0ZPX7VNB2MTYW5RCEG9HUFA1", False),  # a password that Quay generated: 32 capitals, digits
        (_JWT, False),  # a registry token, or one of the federation of a robot
        (f"  {_JWT}\r\n", False),
        (f"{_JWT}\n{_JWT}", True),
        ("eyJhbGciOiJSUzI1NiJ9.not-json.c2ln", True),
        ("a note", True),
        ("hunter2", True),
        ("changeme-please-before-use", True),
        ("/etc/pki/tls/certs/ca-bundle.crt", True),
        ("6e3a1d0c-33b8-4a52-b9d5-0c1f6a5e2d11", True),
        ("build-1.example.com", True),
        ("2026-01-31T12:00:00Z", True),
        ("c3NoLXJzYSBBQUFBQjNOemFDMXljMkVBQUFB+/==", True),
        ("acme+ci:N4AOKTBS5IXIQ95CDN5IMM3PWIFMLPC6F0HEKC9T13TM9E0XS5PBQ6EKNYG7KY0A", True),
        ("N4AOKTBS5IXIQ95CDN5IMM3PWIFMLPC6\nF0HEKC9T13TM9E0XS5PBQ6EKNYG7KY0A", True),
    ],
)
def test_secret_that_somebody_put_there(text: str, foreign: bool) -> None:
    """Every secret that Quay issues is replaced without force. Any other text is somebody's."""
    assert is_foreign(text, "QUAY_") is foreign


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("# settings\n\n", True),
        ("A=1\n", True),
        ("export A=1\nif true; then B=2; fi\n", True),
        ("TEXT='two\nlines'\n", True),
        ('{"A": "B=1"}', False),
        ("a: b\n", False),
        ("Dear reader,\n", False),
        (TOKEN, False),
    ],
)
def test_environment(text: str, expected: bool) -> None:
    assert is_environment(text) is expected


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("", ""),
        ("A=1", "A=1\n"),
        ("A=1\n", "A=1\n"),
        ("A=1\r\n\r\nB=2\r\n", "A=1\r\n\r\nB=2\r\n"),
        ("QUAY_TOKEN=x\n", ""),
        ("A=1\nQUAY_TOKEN=x\nB=2\n", "A=1\nB=2\n"),
        ("A=1\n# uuid: x\n  export QUAY_TOKEN = no\n", "A=1\n# uuid: x\n  export QUAY_TOKEN = no\n"),
        ("# uuid: x\nexport\tQUAY_USERNAME=x\n# uuid: y\nA=1\n# z", "# uuid: y\nA=1\n# z\n"),
        ("QUAY_TOKENS=x\nMY_QUAY_TOKEN=x\nquay_token=x\n", "QUAY_TOKENS=x\nMY_QUAY_TOKEN=x\nquay_token=x\n"),
        ("A='\x0c\u2028'\n", "A='\x0c\u2028'\n"),
    ],
)
def test_other_lines(text: str, others: str) -> None:
    assert other_lines(text, "QUAY_") == others
    merged = write_fields("env", FIELDS, "QUAY_", text)
    assert merged.startswith(others)
    assert other_lines(merged, "QUAY_") == others
    assert read_fields("env", merged, "QUAY_")["token"] == TOKEN


def test_note_of_others_before_ours() -> None:
    """A blank line keeps it theirs."""
    merged = write_fields("env", FIELDS, "QUAY_", "A=1\n# uuid: z")
    assert other_lines(merged, "QUAY_") == "A=1\n# uuid: z\n\n"
    assert write_fields("env", FIELDS, "QUAY_", merged) == merged


def test_notes_of_another_credential_are_not_read() -> None:
    text = write_fields("env", {**FIELDS, "uuid": "theirs"}, "CI_")
    assert read_fields("env", write_fields("env", {**FIELDS, "uuid": ""}, "QUAY_", text), "QUAY_").get("uuid") is None
