# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input, bad logins, servers that are none: each is refused by a sentence that helps, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from functional.world import World

ROBOT = {"name": "acme+ci", "rotate": "always"}
APPLICATION = {"organization": "acme", "name": "automation", "description": "x"}
REFERRERS = {"repositories": ["acme/app"]}
API = {"organization": "acme", "application": "automation"}

# A run of each module that would change something, or issue a secret.
ALL: dict[str, dict[str, Any]] = {
    "quay_robot_token": ROBOT,
    "quay_application": APPLICATION,
    "quay_referrers_token": REFERRERS,
    "quay_api_token": API,
}

every_module = pytest.mark.parametrize("module", ALL)


def assert_refused(world: World, module: str, arguments: dict[str, Any], *words: str) -> str:
    """Refused alike in check mode and for real, by these words; nothing is written anywhere."""
    messages = []
    state, files = world.state(), world.files()
    for check in (True, False):
        result = world.run(module, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert world.quay.journal.mints == []
        assert (world.state(), world.files()) == (state, files)
        messages.append(result.message)
    return messages[-1]


# --- logins


@every_module
@pytest.mark.parametrize("kind", ["wrong", "revoked", "expired", "not a token"])
def test_token_that_quay_does_not_accept(world: World, module: str, kind: str) -> None:
    people = world.people
    token = people.alice.token(people.console)
    if kind == "expired":
        world.advance(days=3653)
    if kind == "revoked":
        world.quay.state.oauth_tokens.clear()
    secret = {"wrong": "X" * 40, "not a token": "not-a-token-of-quay"}.get(kind, token)
    world.login = {"quay_token": secret}
    words = "could not be validated" if module == "quay_referrers_token" else "Quay does not accept the token"
    if module == "quay_referrers_token" and kind == "expired":
        words = "has expired"
    message = assert_refused(world, module, ALL[module], words)
    assert "CSRF" not in message


@every_module
def test_wrong_password(world: World, module: str) -> None:
    world.login = {"quay_username": "alice", "quay_password": "not-her-password"}
    result = world.run(module, ALL[module])
    assert result.failed
    assert "Invalid Username or Password" in result.message
    if module != "quay_referrers_token":
        assert "Check quay_username and quay_password" in result.message


@every_module
def test_token_without_the_scope(world: World, module: str) -> None:
    world.login = world.people.alice.by_token(world.people.console, "user:read")
    words = {
        "quay_referrers_token": "Quay granted a token without acme/app:pull",
        "quay_robot_token": "lacks the right or the scope",
    }
    assert_refused(world, module, ALL[module], words.get(module, "may the login administer it (org:admin)?"))


@pytest.mark.parametrize("module", [module for module in ALL if module != "quay_referrers_token"])
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_user_without_the_right(world: World, module: str, who: str) -> None:
    world.login = getattr(world.people, who).by_password
    assert_refused(world, module, ALL[module], "Quay answered 403")


NO_LOGIN: dict[str, dict[str, Any]] = {
    "none": {},
    "name alone": {"quay_username": "alice"},
    "password alone": {"quay_password": "a-password-of-hers"},
    "both ways": {"quay_token": "T" * 40, "quay_username": "alice", "quay_password": "a-password-of-hers"},
    "empty": {"quay_token": ""},
}


@every_module
@pytest.mark.parametrize("case", NO_LOGIN)
def test_login_that_is_none(world: World, module: str, case: str) -> None:
    world.login = NO_LOGIN[case]
    words = {
        "none": "No login: give quay_token (or QUAY_TOKEN)",
        "empty": "No login: give quay_token (or QUAY_TOKEN)",
        "both ways": "Give either quay_token, or quay_username and quay_password, not both",
    }
    assert_refused(world, module, ALL[module], words.get(case, "quay_username and quay_password go together"))
    assert world.requests == []


# --- servers


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


@every_module
@pytest.mark.parametrize("case", HOSTS)
def test_host_that_is_no_server(world: World, module: str, case: str) -> None:
    host, words = HOSTS[case]
    assert_refused(world, module, {**ALL[module], "quay_host": host.format(url=world.quay.url)}, words)
    assert world.requests == []


@every_module
def test_password_in_the_url_is_refused_and_not_repeated(world: World, module: str) -> None:
    secret = "hidden-in-the-address"
    world.secrets.add([secret])
    host = world.quay.url.replace("http://", f"http://alice:{secret}@")
    assert_refused(world, module, {**ALL[module], "quay_host": host}, "must not hold a user name or password")
    assert world.requests == []


def test_trailing_slash_is_no_path(world: World) -> None:
    result = world.run("quay_robot_token", {"name": "acme+ci", "quay_host": f"{world.quay.url}/"})
    assert not result.failed
    assert result["api_url"] == f"{world.quay.url}/api/v1"


@every_module
def test_nobody_is_there(world: World, module: str) -> None:
    # Port 9 is for discarding, and nobody discards any more.
    assert_refused(world, module, {**ALL[module], "quay_host": "http://127.0.0.1:9"}, "onnection", "refused")


@every_module
def test_unknown_host(world: World, module: str) -> None:
    message = assert_refused(world, module, {**ALL[module], "quay_host": "http://quay.invalid"})
    assert "GET /" in message
    assert "\n" not in message


@dataclass(frozen=True)
class Answer:
    """What comes instead of Quay's answer, and how it is called."""

    fault: dict[str, Any]
    words: str


ANSWERS = {
    "a proxy's login page": Answer({"kind": "html_200"}, "is quay_host Quay itself, or a proxy's login page?"),
    "truncated": Answer({"kind": "truncate"}, "GET /"),
    "half JSON": Answer(
        {"kind": "status", "status": 200, "body": '{"token": "x', "headers": {"Content-Type": "application/json"}},
        "the JSON of the answer is broken or cut off",
    ),
    "a list": Answer(
        {"kind": "status", "status": 200, "body": "[]", "headers": {"Content-Type": "application/json"}},
        "as Quay sends it",
    ),
    "another object": Answer(
        {"kind": "status", "status": 200, "body": "{}", "headers": {"Content-Type": "application/json"}},
        "GET /",
    ),
    "a proxy's refusal": Answer({"kind": "status", "status": 407, "body": "<title>Log in first</title>"}, "407"),
    "a gateway's": Answer({"kind": "status", "status": 502, "body": "<title>Bad Gateway</title>"}, "502"),
    "a redirect": Answer(
        {"kind": "status", "status": 302, "headers": {"Location": "https://login.example.com/sso?to=quay"}},
        "redirects to https://login.example.com",
    ),
}


@every_module
@pytest.mark.parametrize("case", ANSWERS)
def test_something_else_answers(world: World, module: str, case: str) -> None:
    answer = ANSWERS[case]
    world.quay.faults.add(path="^/(api|v2|config)", times=None, **answer.fault)
    arguments = {name: value for name, value in ALL[module].items() if name != "rotate"}
    message = assert_refused(world, module, arguments, answer.words)
    assert "\n" not in message
    assert len(message) < 500


def test_clock_that_is_wrong(either_login: World) -> None:
    """Quay's times are judged by Quay's clock, whatever the target's says."""
    world = either_login
    for days in (400, -800):
        world.advance(days=days)
        made = world.run("quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path)})
        assert world.is_now(made["created_at"])
        assert made.warned("clock and Quay's differ by")
        again = world.run(
            "quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path), "max_age": "1h"}
        )
        assert (again["reason"], again["age_source"]) == ("not_due", "record")
        world.run("quay_robot_token", {"name": "acme+new", "token_path": str(world.token_path), "state": "absent"})


def test_clock_that_is_a_little_off_is_no_word_worth(world: World) -> None:
    world.advance(seconds=200)
    assert world.run("quay_robot_token", {"name": "acme+ci"}).warnings == []


@pytest.mark.parametrize("hours", [26, -26])
def test_registry_token_and_a_wrong_clock(world: World, hours: int) -> None:
    """Whether the file's token is good is judged without asking Quay, so a wrong clock costs a new token each run."""
    world.advance(hours=hours)
    arguments = {**REFERRERS, "token_path": str(world.token_path)}
    first = world.run("quay_referrers_token", arguments)
    second = world.run("quay_referrers_token", arguments)
    assert first["minted"]
    assert second["minted"]
    assert second["reason"] == ("invalid" if hours > 0 else "expired")
    assert world.kept() == second["fingerprint"]
    assert second.warned("clock and Quay's differ by")


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
    "acme+" + "x" * 256,
    "acme+ci%2F",
    "acme +ci",
]


@pytest.mark.parametrize("name", ROBOT_NAMES)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_robot_name_that_is_none(world: World, name: str, state: str) -> None:
    result = world.run("quay_robot_token", {"name": name, "state": state})
    assert result.failed
    assert result.message.startswith("name: '")
    assert world.requests == []


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_robot_of_an_unknown_organization(world: World, who: str, state: str) -> None:
    world.login = getattr(world.people, who).by_password
    words = "Organization does not exist: nope" if who == "root" else "403"
    assert_refused(world, "quay_robot_token", {"name": "nope+ci", "state": state}, words)


@pytest.mark.parametrize("who", ["alice", "root"])
@pytest.mark.parametrize("module", ["quay_application", "quay_api_token"])
def test_application_of_an_unknown_organization(world: World, who: str, module: str) -> None:
    world.login = getattr(world.people, who).by_password
    assert_refused(world, module, {**ALL[module], "organization": "nope"}, "Is there an organization 'nope'")


@pytest.mark.parametrize("organization", ["..", "."])
@pytest.mark.parametrize("module", ["quay_application", "quay_api_token"])
def test_organization_that_would_change_the_path(world: World, organization: str, module: str) -> None:
    assert_refused(world, module, {**ALL[module], "organization": organization}, "cannot be the name of anything")
    assert world.writes == []


@pytest.mark.parametrize("organization", ["acme/robots", "acme?x=1", "acme#x"])
def test_organization_stays_one_part_of_the_path(world: World, organization: str) -> None:
    assert world.run("quay_application", {**APPLICATION, "organization": organization}).failed
    assert [entry.query for entry in world.quay.journal] == [""] * len(world.quay.journal)
    assert all(organization in entry.path for entry in world.quay.journal if entry.path != "/config")


def test_unknown_application(world: World) -> None:
    arguments = {"organization": "acme", "application": "nope"}
    words = "has no application named 'nope'; create it with quay_application"
    assert_refused(world, "quay_api_token", arguments, words)


def test_unknown_client_id(world: World) -> None:
    words = "client_id: this Quay has no application with the client id 'NOPE'"
    assert_refused(world, "quay_api_token", {"client_id": "NOPE"}, words)


@pytest.mark.parametrize(
    ("repositories", "words"),
    [
        ([], "repositories must name at least one repository"),
        (["app"], "'app' is no repository name"),
        (["acme/App"], "'acme/App' is no repository name"),
        (["acme/../rival/app"], "is no repository name"),
        (["acme/app:pull,push"], "is no repository name"),
        (["acme/app\n"], "is no repository name"),
    ],
    ids=str,
)
def test_repository_that_is_none(world: World, repositories: list[str], words: str) -> None:
    assert_refused(world, "quay_referrers_token", {"repositories": repositories}, words)
    assert world.requests == []


def test_actions_that_are_none(world: World) -> None:
    assert_refused(world, "quay_referrers_token", {**REFERRERS, "actions": []}, "actions must name pull, push or both")


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
def test_option_of_an_api_token(world: World, case: str) -> None:
    options, words = BAD_TOKENS[case]
    arguments = {name: value for name, value in {**API, **options}.items() if value is not None}
    assert_refused(world, "quay_api_token", arguments, words)
    assert world.writes == []


def test_scope_that_the_login_does_not_hold(world: World) -> None:
    """Quay lets nobody hand out more than he has."""
    if world.quay.quay.family == "3.18":
        result = world.run("quay_api_token", {**API, "scopes": ["super:user"]})
        assert result.failed
        assert "Quay answered 403" in result.message
        assert world.tokens_of(world.people.automation) == {}


PATHS: dict[str, tuple[Callable[[Path], Path | str], str]] = {
    "relative": (lambda folder: "token", "must be an absolute path"),
    "missing directory": (lambda folder: folder / "none" / "token", "does not exist; create it first"),
    "directory": (lambda folder: folder, "is not a regular file"),
    "device": (lambda folder: "/dev/null", "is not a regular file"),
    "link": (lambda folder: linked(folder), "is a symbolic link"),
}


def linked(folder: Path) -> Path:
    (folder / "elsewhere").write_text("precious\n")
    (folder / "link").symlink_to(folder / "elsewhere")
    return folder / "link"


@pytest.mark.parametrize("module", ["quay_robot_token", "quay_api_token", "quay_referrers_token"])
@pytest.mark.parametrize("case", PATHS)
def test_place_that_cannot_keep_a_secret(world: World, module: str, case: str) -> None:
    path_of, words = PATHS[case]
    arguments = {**ALL[module], "token_path": str(path_of(world.folder))}
    message = assert_refused(world, module, arguments, words)
    # The option type `path` makes an absolute path of a relative one only where it begins with a tilde.
    assert message.startswith("token_path")
    assert world.writes == []


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"two\nlines\n", b"a blank inside\n"], ids=["binary", "lines", "blank"]
)
def test_file_that_holds_no_secret(world: World, content: bytes) -> None:
    """Whatever it is, it is not overwritten unless it could be a secret of ours."""
    world.token_path.write_bytes(content)
    result = world.run("quay_robot_token", {"name": "acme+ci", "token_path": str(world.token_path)})
    if content.startswith(b"\xff"):
        assert "is not a text file" in result.message
        assert world.token_path.read_bytes() == content
    else:
        assert world.kept() == world.robot_token()
