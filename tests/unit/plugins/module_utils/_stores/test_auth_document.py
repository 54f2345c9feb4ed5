# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a container engine's auth file."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.auth_document import (
    helper_in,
    login_in,
    merge_login,
    parse_document,
    without_login,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import OTHER_SECRET, SECRET

OTHERS: dict[str, Any] = {
    "auths": {
        "docker.example.com": {"auth": "c29tZWJvZHk6ZWxzZQ==", "email": "x"},
        "quay.example.com/acme": {"identitytoken": "x"},
    },
    "credHelpers": {"gcr.example.com": "gcloud"},
    "psFormat": "table",
}
ENTRY = {"auth": base64.b64encode(f"acme+ci:{SECRET}".encode()).decode()}


def merged(
    document: Any = None, registry: Any = "quay.example.com", username: Any = "acme+ci", token: Any = SECRET
) -> Any:
    return merge_login(document, registry, username, token)


@pytest.mark.parametrize("empty", [None, "", " \n", {}, "{}"])
def test_new_document(empty: Any) -> None:
    assert merged(empty) == ({"auths": {"quay.example.com": ENTRY}}, "quay.example.com")
    assert login_in(ENTRY) == ("acme+ci", SECRET)


@pytest.mark.parametrize("given", [OTHERS, json.dumps(OTHERS)], ids=["document", "text"])
def test_everything_else_is_kept(given: Any) -> None:
    before = copy.deepcopy(given)
    document, _registry = merged(given)
    assert document == {**OTHERS, "auths": {**OTHERS["auths"], "quay.example.com": ENTRY}}
    assert given == before
    assert without_login(document, "quay.example.com") == OTHERS


def test_entry_of_the_same_registry_is_replaced() -> None:
    document, _registry = merged(merged(token=OTHER_SECRET)[0])
    assert document == {"auths": {"quay.example.com": ENTRY}}


@pytest.mark.parametrize(
    ("registry", "entry"),
    [
        ("quay.example.com", "quay.example.com"),
        ("QUAY.example.com:8443", "quay.example.com:8443"),
        ("quay.example.com:443", "quay.example.com:443"),
        ("quay.example.com/Acme/app", "quay.example.com/Acme/app"),
        ("[2001:db8::1]:8443", "[2001:db8::1]:8443"),
        (" quay.example.com\n", "quay.example.com"),
        ("https://quay.example.com", "quay.example.com"),
        ("https://QUAY.example.com:443/", "quay.example.com"),
        ("http://quay.example.com:8080", "quay.example.com:8080"),
    ],
)
def test_entry_is_named_as_engines_look_it_up(registry: str, entry: str) -> None:
    document, named = merged(registry=registry)
    assert list(document["auths"]) == [named] == [entry]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"registry": ""}, "registry is missing"),
        ({"registry": "quay example.com"}, "registry must be a host"),
        ({"registry": "https://user:password@quay.example.com"}, "registry must be a host"),
        ({"registry": "https://quay.example.com/acme"}, "registry must be a host"),
        ({"registry": 5}, "registry must be a text"),
        ({"username": ""}, "username and token are required"),
        ({"username": "acme:ci"}, "username must not hold a colon"),
        ({"username": None}, "username must be a text"),
        ({"token": " "}, "username and token are required"),
        ({"token": f"{SECRET} {SECRET}"}, "token holds white space"),
        ({"token": 12345}, "token must be a text"),
        ({"token": "********"}, "token holds a value that Ansible masked"),
        ({"token": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}, "token holds a value that Ansible masked"),
        ({"document": "not json"}, "the input is not a container auth document"),
        ({"document": "[]"}, "the input is not a container auth document"),
        ({"document": ["x"]}, "the input is not a container auth document"),
        ({"document": {"auths": []}}, "the input is not a container auth document"),
    ],
)
def test_refusal(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        merged(**change)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "password@" not in str(caught.value)


@pytest.mark.parametrize(
    ("document", "helper"),
    [
        ({"credsStore": "secretservice"}, "secretservice"),
        ({"credHelpers": {"quay.example.com": "pass"}}, "pass"),
        ({"credHelpers": {"other.example.com": "pass"}}, None),
        ({"credHelpers": ["x"]}, None),
        ({}, None),
    ],
)
def test_helper_that_hides_the_entry(document: dict[str, Any], helper: str | None) -> None:
    assert helper_in(document, "quay.example.com/acme") == helper


def test_text_that_is_nested_too_deeply() -> None:
    assert parse_document("[" * 100000) is None
