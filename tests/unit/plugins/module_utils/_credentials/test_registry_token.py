# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry tokens of the lookup registry_token: options, and how often they are requested."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput, RefusedCredential
from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.registry_token import (
    RegistryTokens,
    connection_params,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._module import connection
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, ok, registry_token

LOGIN = {"quay_host": ORIGIN, "quay_token": "T0KEN" * 8}
CONFIG, PULL = ("GET", "/config"), ("GET", "/v2/auth?service=quay.example.com&scope=repository%3Aacme%2Fapp%3Apull")
PUSH = ("GET", "/v2/auth?service=quay.example.com&scope=repository%3Aacme%2Fapp%3Apush")


@pytest.fixture(autouse=True)
def connected(monkeypatch: pytest.MonkeyPatch, quay: FakeQuay) -> None:
    monkeypatch.setattr(connection, "new_session", lambda: quay.session)
    for name in ("QUAY_TOKEN", "QUAY_USERNAME", "QUAY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def issues(quay: FakeQuay, clock: datetime, *, minutes: int = 60, granted: str = "pull", **claims: Any) -> str:
    """Let Quay issue a token of this lifetime. Returns it."""
    begin = int(clock.timestamp())
    access = [{"type": "repository", "name": "acme/app", "actions": [granted]}]
    token = registry_token(iat=begin, exp=begin + 60 * minutes, access=access, **claims)
    quay.answers(ok({"config": {"SERVER_HOSTNAME": "quay.example.com"}, "features": {}}), ok({"token": token}))
    return token


def get(tokens: RegistryTokens, *repositories: str, actions: Any = ("pull",), **more: Any) -> str:
    warnings: list[str] = []
    return tokens.get(LOGIN, repositories or ["acme/app"], actions, warnings.append, **more)


def test_token_is_requested_once(quay: FakeQuay, clock: datetime) -> None:
    token = issues(quay, clock)
    tokens = RegistryTokens()
    assert [get(tokens), get(tokens), get(tokens, " acme/app", "acme/app")] == [token] * 3
    assert quay.calls == [CONFIG, PULL]


def test_token_that_is_about_to_expire_is_replaced(quay: FakeQuay, clock: datetime) -> None:
    issues(quay, clock, minutes=4)
    tokens = RegistryTokens()
    get(tokens)
    second = issues(quay, clock, sub="second")
    assert get(tokens) == second
    assert quay.calls == [CONFIG, PULL] * 2


def test_token_of_another_task_is_not_used(quay: FakeQuay, clock: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each task has a process of its own, which begins with a copy of what its parent knows."""
    tokens = RegistryTokens()
    issues(quay, clock)
    get(tokens)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    second = issues(quay, clock, sub="second")
    assert get(tokens) == second


@pytest.mark.parametrize(
    "change",
    [{"quay_token": "0THER" * 8}, {"timeout": 5}, {"quay_token": None, "quay_username": "a", "quay_password": "b"}],
)
def test_other_options_get_another_token(quay: FakeQuay, clock: datetime, change: dict[str, Any]) -> None:
    tokens = RegistryTokens()
    issues(quay, clock)
    get(tokens)
    second = issues(quay, clock, sub="second")
    assert tokens.get({**LOGIN, **change}, ["acme/app"], ["pull"], print) == second


def test_less_than_was_asked_for(quay: FakeQuay, clock: datetime) -> None:
    issues(quay, clock, granted="push")
    with pytest.raises(RefusedCredential, match=r"without acme/app:pull: the repository does not exist, or ann has no"):
        get(RegistryTokens())


def test_failure_is_not_kept(quay: FakeQuay, clock: datetime) -> None:
    tokens = RegistryTokens()
    issues(quay, clock, granted="push")
    with pytest.raises(RefusedCredential):
        get(tokens)
    token = issues(quay, clock)
    assert get(tokens) == token


def test_push_is_never_asked_for_in_check_mode(quay: FakeQuay, clock: datetime) -> None:
    tokens = RegistryTokens()
    predicted = issues(quay, clock, granted="none")
    assert get(tokens, actions=["push"], check_mode=True) == predicted
    real = issues(quay, clock, granted="push")
    assert get(tokens, actions=["push"]) == real
    assert quay.calls == [CONFIG, PULL, CONFIG, PUSH]


@pytest.mark.parametrize(
    ("repositories", "actions", "words"),
    [
        ([], ["pull"], "repositories must name at least one repository"),
        (["acme"], ["pull"], "'acme' is not a valid repository name"),
        (["acme/app"], ["delete"], "actions must be pull, push or both, not 'delete'"),
        (["acme/app"], [], "actions must name pull, push or both"),
    ],
)
def test_refusal(quay: FakeQuay, repositories: list[str], actions: list[str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        RegistryTokens().get(LOGIN, repositories, actions, print)
    assert quay.calls == []


def test_password_over_plain_http_gives_a_warning(quay: FakeQuay, clock: datetime) -> None:
    warnings: list[str] = []
    quay.origin = "http://quay.example.com"
    issues(quay, clock)
    login = {"quay_host": "http://quay.example.com", "quay_username": "ann", "quay_password": "PASSW0RD"}
    RegistryTokens().get(login, ["acme/app"], ["pull"], warnings.append)
    assert [warning[:40] for warning in warnings] == ["The password is sent over plain http and"]


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_empty_options_have_their_defaults(empty: str | None) -> None:
    found = connection_params(dict.fromkeys(("validate_certs", "timeout", "retries", "ca_path", "quay_token"), empty))
    assert {name: found[name] for name in ("validate_certs", "timeout", "retries", "ca_path", "quay_token")} == {
        "validate_certs": True,
        "timeout": 10.0,
        "retries": 3,
        "ca_path": None,
        "quay_token": None,
    }


def test_texts_are_converted() -> None:
    found = connection_params({"validate_certs": "no", "timeout": "2.5", "retries": "0", "ca_path": "~/ca.pem"})
    assert (found["validate_certs"], found["timeout"], found["retries"]) == (False, 2.5, 0)
    assert found["ca_path"] == os.path.expanduser("~/ca.pem")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"validate_certs": "maybe"}, "validate_certs must be true or false"),
        ({"timeout": "soon"}, "timeout must be a number of seconds"),
        ({"retries": "1.5"}, "retries must be a whole number"),
        ({"quay_token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}, "quay_token holds a value that Ansible masked"),
    ],
)
def test_invalid_options(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        connection_params(given)
