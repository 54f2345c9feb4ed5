# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup registry_token, as plays use it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from functional.harness import Harness
from functional.templating import Play, run_play

CONFIG, AUTH = "GET /config", "GET /v2/auth"
NAME = "'tokensmith.quay.registry_token'"


def look_up(
    harness: Harness, tmp_path: Path, facts: dict[str, str], *arguments: str, login: bool = True, **variables: Any
) -> Play:
    """Evaluate facts with the login of the harness in variables, which reach no output."""
    harness.quay.journal.clear()
    known = {"quay_host": harness.quay.url, **(harness.login if login else {}), "quay_retries": 0, **variables}
    play = run_play(tmp_path, facts, "-vvv", *arguments, variables=known)
    assert harness.known_secrets.in_text(play.output) == []
    for token in play.values.values():
        assert str(token) not in play.output
    return play


def access(token: str) -> dict[str, list[str]]:
    """What a registry token allows."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return {entry["name"]: sorted(entry["actions"]) for entry in claims["access"]}


def referrers(harness: Harness, token: str) -> int:
    """The status of a request for referrers. 400 means an unknown digest, so the token was accepted."""
    url = f"{harness.quay.url}/v2/acme/app/referrers/sha256:{'0' * 64}"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


@pytest.fixture
def family() -> str:
    return "3.18"


def test_one_token_is_used_in_the_whole_task(harness: Harness, tmp_path: Path) -> None:
    """Several evaluations, and several orders of the repositories, cost one token."""
    facts = {
        "first": f"{{{{ lookup({NAME}, 'acme/app') }}}}",
        "again": f"{{{{ lookup({NAME}, 'acme/app') }}}}",
        "queried": f"{{{{ query({NAME}, ['acme/app'], actions='pull') | first }}}}",
        "looped": f"{{{{ [1, 2, 3] | map('regex_replace', '.', lookup({NAME}, 'acme/app')) | unique | join }}}}",
    }
    play = look_up(harness, tmp_path, facts)
    assert not play.failed, play.output
    assert harness.requests == [CONFIG, AUTH]
    assert len(set(play.values.values())) == 1
    assert access(play.values["first"]) == {"acme/app": ["pull"]}
    assert referrers(harness, play.values["first"]) == 400
    # The next task, and the next run, have their own.
    assert look_up(harness, tmp_path, facts).values["first"] != play.values["first"]


def test_all_repositories_are_in_one_token(harness: Harness, tmp_path: Path) -> None:
    facts = {
        "both": f"{{{{ lookup({NAME}, 'acme/app', 'acme/base', actions=['pull', 'push']) }}}}",
        "sorted": f"{{{{ lookup({NAME}, 'acme/base', 'acme/app', actions=['push', 'pull']) }}}}",
    }
    play = look_up(harness, tmp_path, facts)
    assert not play.failed, play.output
    assert play.values["both"] == play.values["sorted"]
    assert access(play.values["both"]) == {"acme/app": ["pull", "push"], "acme/base": ["pull", "push"]}
    assert harness.requests == [CONFIG, AUTH]


def test_other_login_gets_another_token(harness: Harness, tmp_path: Path) -> None:
    robot = f"quay_token='', quay_username='acme+ci', quay_password='{harness.accounts.robot_token}'"
    play = look_up(
        harness,
        tmp_path,
        {"robot": f"{{{{ lookup({NAME}, 'acme/app', {robot}) }}}}", "user": f"{{{{ lookup({NAME}, 'acme/app') }}}}"},
        login=False,
        **harness.accounts.alice.by_password,
    )
    assert not play.failed, play.output
    assert play.values["robot"] != play.values["user"]
    assert harness.requests.count(AUTH) == 3


def test_options_from_the_environment(harness: Harness, tmp_path: Path) -> None:
    """An empty variable or option does not hide them, and an empty environment variable does not count."""
    harness.quay.journal.clear()
    login = {
        f"QUAY_{name}": value for name, value in (("HOST", harness.quay.url), ("TOKEN", harness.accounts.alice_token))
    }
    play = run_play(
        tmp_path,
        {"token": f"{{{{ lookup({NAME}, 'acme/app', quay_token='') }}}}"},
        environ={**login, "QUAY_VERIFY_SSL": "", "QUAY_CA_PATH": "", "QUAY_TIMEOUT": " ", "QUAY_USERNAME": ""},
        variables={"quay_host": "", "quay_timeout": "{{ '' }}"},
    )
    assert not play.failed, play.output
    assert access(play.values["token"]) == {"acme/app": ["pull"]}


def test_variable_that_is_a_template(harness: Harness, tmp_path: Path) -> None:
    facts = {"token": f"{{{{ lookup({NAME}, 'acme/app') }}}}"}
    play = look_up(harness, tmp_path, facts, quay_host="{{ own_host }}", own_host=harness.quay.url)
    assert not play.failed, play.output


def test_check_mode_never_asks_to_push(harness: Harness, tmp_path: Path) -> None:
    """It would create a repository that does not exist."""
    state = harness.state()
    facts = {
        "pull": f"{{{{ lookup({NAME}, 'acme/app') }}}}",
        "push": f"{{{{ lookup({NAME}, 'acme/new', actions='pull,push') }}}}",
    }
    play = look_up(harness, tmp_path, facts, "--check")
    assert not play.failed, play.output
    assert harness.state() == state
    assert access(play.values["pull"]) == {"acme/app": ["pull"]}
    assert access(play.values["push"]) in ({"acme/new": ["pull"]}, {"acme/new": []})


@pytest.mark.parametrize(
    ("call", "variables", "words"),
    [
        ("'bobs/app'", {}, "Quay issued a token without bobs/app:pull: the repository does not exist, or alice has no"),
        ("'acme'", {}, "registry_token: repositories: 'acme' is not a valid repository name"),
        ("", {}, "registry_token: repositories must name at least one repository"),
        ("'acme/app', actions='delete'", {}, "actions must be pull, push or both, not 'delete'"),
        ("'acme/app', timeout='soon'", {}, "timeout must be a number of seconds"),
        ("'acme/app', validate_certs='maybe'", {}, "validate_certs must be true or false"),
        ("'acme/app'", {"quay_host": ""}, "registry_token: quay_host is missing"),
        ("'acme/app'", {"quay_host": "http://127.0.0.1:1"}, "Check quay_host (QUAY_HOST) and that the server is up"),
        ("'acme/app'", {"quay_token": "W" * 40}, "registry_token: "),
        ("'acme/app'", {"quay_token": ""}, "registry_token: No login: give quay_token"),
    ],
)
def test_refusal(harness: Harness, tmp_path: Path, call: str, variables: dict[str, Any], words: str) -> None:
    play = look_up(harness, tmp_path, {"token": f"{{{{ lookup({NAME}, {call}) }}}}"}, **variables)
    assert play.failed
    assert words in " ".join(play.output.split()).replace("\\\\", "")
    assert "W" * 40 not in play.output
    assert "Traceback" not in play.output
    assert harness.writes == []


def test_robot_with_more_rights_gives_a_warning(harness: Harness, tmp_path: Path) -> None:
    robot = {"quay_username": "acme+ci", "quay_password": harness.accounts.robot_token}
    harness.quay.state.repositories["acme", "base"].user_roles["acme+ci"] = "read"
    facts = {"one": f"{{{{ lookup({NAME}, 'acme/app') }}}}", "two": f"{{{{ lookup({NAME}, 'acme/app') }}}}"}
    play = look_up(harness, tmp_path, facts, login=False, **robot)
    assert not play.failed, play.output
    assert " ".join(play.output.split()).count("This token was issued to the robot acme+ci, which has more rights") == 1
