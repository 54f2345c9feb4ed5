# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Invalid options. Most are refused before any request, so one family of servers is enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from functional.module_arguments import (
    ALL_MODULES,
    API,
    APPLICATION,
    REFERRERS,
    SECRET_MODULES,
    each_module,
)


@pytest.fixture
def family() -> str:
    return "3.18"


# --- logins and servers


NO_LOGIN: dict[str, dict[str, Any]] = {
    "none": {},
    "name alone": {"quay_username": "alice"},
    "password alone": {"quay_password": "a-password-of-alice"},
    "both ways": {"quay_token": "T" * 40, "quay_username": "alice", "quay_password": "a-password-of-alice"},
    "empty": {"quay_token": ""},
}


@pytest.mark.parametrize("module", [module for module in ALL_MODULES if module != "quay_api"])
@pytest.mark.parametrize("case", NO_LOGIN)
def test_incomplete_login(harness: Harness, module: str, case: str) -> None:
    harness.login = NO_LOGIN[case]
    words = {
        "none": "No login: give quay_token (or QUAY_TOKEN)",
        "empty": "No login: give quay_token (or QUAY_TOKEN)",
        "both ways": "Give either quay_token, or quay_username and quay_password, not both",
    }
    assert_refused(harness, module, ALL_MODULES[module], words.get(case, "quay_username and quay_password go together"))
    assert harness.requests == []


HOSTS = {
    "a path": ("{url}/api/v1", "must be the server alone, without a path"),
    "a query": ("{url}/?x=1", "must be the server alone, without a path"),
    "no scheme": ("quay.example.com", "must start with https://"),
    "another scheme": ("ftp://quay.example.com", "must start with https://"),
    "no host": ("https://", "must start with https://"),
    "empty": ("", "must start with https://"),
    "no port": ("https://quay.example.com:port", "quay_host is not a URL"),
    "broken": ("https://[::1", "quay_host is not a URL"),
}


@each_module
@pytest.mark.parametrize("case", HOSTS)
def test_invalid_host(harness: Harness, module: str, case: str) -> None:
    host, words = HOSTS[case]
    assert_refused(harness, module, {**ALL_MODULES[module], "quay_host": host.format(url=harness.quay.url)}, words)
    assert harness.requests == []


@each_module
def test_password_in_the_url_is_refused_and_not_repeated(harness: Harness, module: str) -> None:
    secret = "hidden-in-the-address"
    harness.known_secrets.add([secret])
    host = harness.quay.url.replace("http://", f"http://alice:{secret}@")
    assert_refused(harness, module, {**ALL_MODULES[module], "quay_host": host}, "must not hold a user name or password")
    assert harness.requests == []


def test_trailing_slash_is_accepted(harness: Harness) -> None:
    result = harness.run("quay_robot_token", {"name": "acme+ci", "quay_host": f"{harness.quay.url}/"})
    assert not result.failed
    assert result["api_url"] == f"{harness.quay.url}/api/v1"


@each_module
def test_connection_refused(harness: Harness, module: str) -> None:
    # Port 9 is the discard service, which no machine runs.
    assert_refused(harness, module, {**ALL_MODULES[module], "quay_host": "http://127.0.0.1:9"}, "onnection", "refused")


@each_module
def test_unknown_host(harness: Harness, module: str) -> None:
    message = assert_refused(harness, module, {**ALL_MODULES[module], "quay_host": "http://quay.invalid"})
    assert "GET http://quay.invalid/" in message
    assert "\n" not in message


# --- names


ROBOT_NAMES = [
    "",
    "+",
    "acme+",
    "+ci",
    "c",
    "acme+c",
    "acme+CI",
    "acme+ci bot",
    "acme+a/b",
    "acme+../rival",
    "../robots/ci",
    "acme/../rival+ci",
    "acme/app+ci",
    "..+ci",
    ".+ci",
    "acme+ci+ci",
    "acme+-ci",
    "acme+ci.",
    "acme+ci\n",
    "acme+" + "x" * 251,
    "x" * 253,
    "acme+ci%2F",
    "acme +ci",
]


@pytest.mark.parametrize("name", ROBOT_NAMES)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_invalid_robot_name(harness: Harness, name: str, state: str) -> None:
    result = harness.run("quay_robot_token", {"name": name, "state": state})
    assert result.failed
    assert result.message.startswith("name: '")
    assert harness.requests == []


@pytest.mark.parametrize("organization", ["..", "."])
@pytest.mark.parametrize("module", ["quay_application", "quay_api_token"])
def test_organization_that_would_change_the_path(harness: Harness, organization: str, module: str) -> None:
    assert_refused(
        harness, module, {**SECRET_MODULES[module], "organization": organization}, "cannot be the name of anything"
    )
    assert harness.writes == []


@pytest.mark.parametrize("organization", ["acme/robots", "acme?x=1", "acme#x"])
def test_organization_stays_one_part_of_the_path(harness: Harness, organization: str) -> None:
    assert harness.run("quay_application", {**APPLICATION, "organization": organization}).failed
    assert [entry.query for entry in harness.quay.journal] == [""] * len(harness.quay.journal)
    assert all(organization in entry.path for entry in harness.quay.journal if entry.path != "/config")


@pytest.mark.parametrize(
    ("repositories", "words"),
    [
        ([], "repositories must name at least one repository"),
        (["app"], "'app' is not a valid repository name"),
        (["acme/App"], "'acme/App' is not a valid repository name"),
        (["acme/../rival/app"], "is not a valid repository name"),
        (["acme/app:pull,push"], "is not a valid repository name"),
        (["acme/app\n"], "is not a valid repository name"),
    ],
    ids=str,
)
def test_invalid_repositories(harness: Harness, repositories: list[str], words: str) -> None:
    assert_refused(harness, "quay_referrers_token", {"repositories": repositories}, words)
    assert harness.requests == []


def test_empty_actions(harness: Harness) -> None:
    assert_refused(
        harness, "quay_referrers_token", {**REFERRERS, "actions": []}, "actions must name pull, push or both"
    )


# --- options of tokens


BAD_TOKENS: dict[str, tuple[dict[str, Any], str]] = {
    "no scope": ({"scopes": []}, "scopes must name at least one scope"),
    "unknown scope": ({"scopes": ["repo:everything"]}, "value of scopes must be one or more of"),
    "blank name": ({"name": "  "}, "name must not be blank"),
    "lifetime": ({"lifetime": "forever"}, "lifetime must be a duration such as 90d"),
    "no lifetime": ({"lifetime": "0d"}, "lifetime must be between 1s and 3652d"),
    "long lifetime": ({"lifetime": "4000d"}, "lifetime must be between 1s and 3652d"),
    "max_age": ({"max_age": "90 days"}, "max_age must be a duration such as 90d"),
    "renew_before": ({"renew_before": "-1d"}, "renew_before must be a duration such as 90d"),
    "two holders": ({"current_token": "T" * 40, "token_path": "/x/y"}, "mutually exclusive"),
    "no application": ({"application": None}, "one of the following is required: client_id, application"),
    "no organization": ({"organization": None}, "missing parameter(s) required by 'application': organization"),
    "two applications": ({"client_id": "X"}, "mutually exclusive"),
    "timeout": ({"timeout": 0}, "timeout must be more than 0 seconds"),
    "retries": ({"retries": -1}, "retries 0 or more"),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_invalid_option_of_an_api_token(harness: Harness, case: str) -> None:
    options, words = BAD_TOKENS[case]
    arguments = {name: value for name, value in {**API, **options}.items() if value is not None}
    assert_refused(harness, "quay_api_token", arguments, words)
    assert harness.writes == []


def linked(folder: Path) -> Path:
    (folder / "elsewhere").write_text("precious\n")
    (folder / "link").symlink_to(folder / "elsewhere")
    return folder / "link"


PATHS: dict[str, tuple[Callable[[Path], Path | str], str]] = {
    "relative": (lambda folder: "token", "must be an absolute path"),
    "missing directory": (lambda folder: folder / "none" / "token", "does not exist; create it first"),
    "directory": (lambda folder: folder, "is not a regular file"),
    "device": (lambda folder: "/dev/null", "is not a regular file"),
    "link": (linked, "is a symbolic link"),
}


@pytest.mark.parametrize("module", ["quay_robot_token", "quay_api_token", "quay_referrers_token"])
@pytest.mark.parametrize("case", PATHS)
def test_invalid_token_path(harness: Harness, module: str, case: str) -> None:
    path_of, words = PATHS[case]
    arguments = {**SECRET_MODULES[module], "token_path": str(path_of(harness.folder))}
    message = assert_refused(harness, module, arguments, words)
    # The option type `path` expands a leading tilde only.
    assert message.startswith("token_path")
    assert harness.writes == []


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"two\nlines\n", b"a blank inside\n"], ids=["binary", "lines", "blank"]
)
def test_file_without_a_secret(harness: Harness, content: bytes) -> None:
    """A file is overwritten only if it could contain a secret of the collection."""
    harness.token_path.write_bytes(content)
    result = harness.run("quay_robot_token", {"name": "acme+ci", "token_path": str(harness.token_path)})
    if content.startswith(b"\xff"):
        assert "is not a text file" in result.message
        assert harness.token_path.read_bytes() == content
    else:
        assert harness.stored_fingerprint() == harness.robot_fingerprint()


LONG = "x" * 256
LONG_TEXTS: list[tuple[str, dict[str, Any], str]] = [
    ("quay_api_token", {**API, "name": LONG}, "name has 256 characters"),
    ("quay_robot_token", {"name": "acme+new", "description": LONG}, "description has 256 characters"),
    ("quay_robot_token", {"name": "acme+" + "x" * 255}, "is too long for a robot"),
    ("quay_robot_token", {"name": "acme+new", "pair": ["acme+aa", "acme+" + "x" * 251]}, "is too long for a robot"),
    *(
        ("quay_application", {"organization": "acme", "name": "new", option: LONG}, f"{option} has 256 characters")
        for option in ("name", "application_uri", "redirect_uri", "avatar_email")
    ),
    ("quay_organization", {"name": LONG}, "It has 2 to 255 lower-case letters"),
    ("quay_organization", {"name": "new", "email": LONG + "@example.com"}, "email has 268 characters"),
    ("quay_user", {"name": LONG}, "It has 2 to 255 lower-case letters"),
    ("quay_user", {"name": "new", "email": LONG + "@example.com"}, "email has 268 characters"),
    ("quay_team", {"organization": "acme", "name": LONG}, "It has 2 to 255 lower-case letters"),
    ("quay_repository", {"repository": f"acme/{LONG}"}, "the repository part has up to 255"),
    (
        "quay_repository_mirror",
        {"repository": "acme/app", "external_reference": f"registry.example.com/{LONG}"},
        "external_reference has 277 characters",
    ),
]


@pytest.mark.parametrize(("module", "arguments", "words"), LONG_TEXTS)
def test_text_that_quay_cannot_store(harness: Harness, module: str, arguments: dict[str, Any], words: str) -> None:
    assert_refused(harness, module, arguments, words)
    assert harness.requests == []
