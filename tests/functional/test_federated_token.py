# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup federated_token, as plays use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from functional.federated import AUTH, EXCHANGE, Federated
from functional.templating import Play, run_play

NAME = "'tokensmith.quay.federated_token'"
TOKEN = f"{{{{ lookup({NAME}, 'acme+ci') }}}}"


@pytest.fixture
def family() -> str:
    return "3.18"


def look_up(federated: Federated, tmp_path: Path, facts: dict[str, str], *arguments: str, **options: Any) -> Play:
    """Evaluate facts. ``options``: of the lookup, as variables, and the environment in ``environ``."""
    harness = federated.harness
    harness.quay.journal.clear()
    environ = options.pop("environ", {})
    variables = {"quay_host": harness.quay.url, "quay_retries": 0}
    variables |= {f"quay_{name}": value for name, value in options.items()}
    play = run_play(tmp_path, facts, "-vvv", *arguments, variables=variables, environ=environ)
    assert harness.known_secrets.in_text(play.output) == []
    for token in play.values.values():
        assert str(token) not in play.output
    return play


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["real", "check"])
def test_one_token_is_used_in_the_whole_task(federated: Federated, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    facts = {"first": TOKEN, "again": TOKEN, "listed": f"{{{{ query({NAME}, ['acme+ci']) | first }}}}"}
    play = look_up(federated, tmp_path, facts, *arguments, oidc_token=federated.token())
    assert not play.failed, play.output
    assert federated.harness.requests == [EXCHANGE, AUTH]
    assert len(set(play.values.values())) == 1
    assert federated.is_accepted(play.values["first"])
    # The next task has its own, so that a play can run for hours.
    assert look_up(federated, tmp_path, facts, oidc_token=federated.token()).values["first"] != play.values["first"]


def test_login_in_the_environment_is_not_used(federated: Federated, tmp_path: Path) -> None:
    environ = {"QUAY_TOKEN": "x" * 40, "QUAY_USERNAME": "alice"}
    play = look_up(federated, tmp_path, {"token": TOKEN}, oidc_token=federated.token(), environ=environ)
    assert not play.failed, play.output
    assert federated.harness.requests == [EXCHANGE, AUTH]


def test_sources(federated: Federated, tmp_path: Path) -> None:
    path = tmp_path / "projected"
    path.write_text(federated.token())
    given = federated.by_client(name=None)
    calls = {
        "file": f"oidc_token_path='{path}'",
        "variable": "oidc_token_variable='QUAY_ID_TOKEN'",
        "job": f"oidc_audience='quay', oidc_ca_path='{federated.issuer.ca_path}'",
        "client": ", ".join(f"{name}='{value}'" for name, value in given.items() if value and name != "name"),
    }
    facts = {name: f"{{{{ lookup({NAME}, 'acme+ci', {call}) }}}}" for name, call in calls.items()}
    environ = {"QUAY_ID_TOKEN": federated.token(), **federated.job()}
    play = look_up(federated, tmp_path, facts, environ=environ)
    assert not play.failed, play.output
    assert all(map(federated.is_accepted, play.values.values()))
    assert federated.harness.requests[:8] == [EXCHANGE, AUTH] * 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("", "federated_token: name one robot"),
        ("'acme+ci', 'acme+other'", "federated_token: name one robot"),
        ("'ci'", "name: 'ci' has no namespace"),
        ("'acme+ci', oidc_token_variable='UNSET'", "Give one of oidc_token, oidc_token_variable only"),
        ("'acme+ci', oidc_token='', oidc_token_variable='UNSET'", "UNSET is not set where the module runs"),
        ("'acme+ci', oidc_token='no-jwt'", "oidc_token holds no OIDC token that Quay accepts: it is no JWT"),
        ("'acme+none'", "There is no robot acme+none"),
    ],
)
def test_refusals(federated: Federated, tmp_path: Path, call: str, words: str) -> None:
    call = f", {call}" if call else ""
    options = {} if "oidc_token=''" in call else {"oidc_token": federated.token()}
    play = look_up(federated, tmp_path, {"token": f"{{{{ lookup({NAME}{call}) }}}}"}, **options)
    assert play.failed
    assert words in " ".join(play.output.split())
