# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two forms of a credential in a Secret."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import StoreError
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kubernetes_forms import (
    DOCKER_KEY,
    DockerConfig,
    SeparateKeys,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, SECRET

REGISTRY = "quay.example.com:8443/team"
PAIR = base64.b64encode(f"$oauthtoken:{SECRET}".encode()).decode()


def docker(document: Any) -> dict[str, bytes]:
    return {DOCKER_KEY: json.dumps(document).encode()}


def test_docker_config_keeps_all_else() -> None:
    others = {"auths": {"docker.io": {"auth": "eDp5"}}, "credHelpers": {"gcr.io": "gcloud"}}
    form = DockerConfig(REGISTRY)
    written = form.write(docker(others), DELIVERY)
    assert json.loads(written[DOCKER_KEY]) == {
        "auths": {"docker.io": {"auth": "eDp5"}, REGISTRY: {"auth": PAIR}},
        "credHelpers": {"gcr.io": "gcloud"},
    }
    assert form.login(written) == ("$oauthtoken", SECRET)
    assert form.as_declared(written)
    assert not form.as_declared(docker({"auths": {REGISTRY: {"auth": PAIR, "email": "a@example.com"}}}))
    assert json.loads(form.remove(written)[DOCKER_KEY]) == others
    assert form.others(written) == ["the entry of docker.io", f"the member credHelpers of {DOCKER_KEY}"]


@pytest.mark.parametrize("document", [None, {}, {"auths": None}, {"auths": {}}])
def test_docker_config_that_the_server_accepts(document: Any) -> None:
    written = DockerConfig(REGISTRY).write(docker(document), DELIVERY)
    assert json.loads(written[DOCKER_KEY])["auths"] == {REGISTRY: {"auth": PAIR}}


@pytest.mark.parametrize("data", [b"[1]", b"{", b"7", b'{"auths": [1]}', b"\xff"])
def test_docker_config_that_is_none(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"^its \.dockerconfigjson is not a docker config .* It was not changed$"):
        DockerConfig(REGISTRY).write({DOCKER_KEY: data}, DELIVERY)


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": PAIR}, ("$oauthtoken", SECRET)),
        ({"username": "a", "password": "b"}, ("a", "b")),
        ({"username": "a", "password": "b", "auth": PAIR}, ("$oauthtoken", SECRET)),
        ({"auth": "bm8gY29sb24="}, (None, None)),
        ({"auth": "!"}, (None, None)),
        ({"auth": 7}, (None, None)),
        ({"identitytoken": "x"}, (None, None)),
        ("text", (None, None)),
    ],
)
def test_entries_of_kubectl_and_engines(entry: Any, login: Any) -> None:
    form = DockerConfig(REGISTRY)
    assert form.login(docker({"auths": {REGISTRY: entry}})) == login
    assert form.present(docker({"auths": {REGISTRY: entry}}))
    assert not form.present({})


@pytest.mark.parametrize(
    ("key", "alias"),
    [
        ("https://quay.example.com:8443/team", True),
        ("https://quay.example.com:8443/team/v1/", True),
        ("quay.example.com:8443/team/", True),
        ("quay.example.com:8443", False),
        ("quay.example.com:8443/team/app", False),
        (REGISTRY, False),
    ],
)
def test_other_names_of_the_registry(key: str, alias: bool) -> None:
    assert DockerConfig(REGISTRY).aliases(docker({"auths": {key: {}}})) == ([key] if alias else [])


def keys() -> SeparateKeys:
    return SeparateKeys(
        {"token": ["accessToken", "token"], "username": ["user"], "host": ["host"]},
        {"host": "https://quay.example.com", "registry": "quay.example.com"},
        {"validateCerts": "true"},
    )


def test_separate_keys() -> None:
    form = keys()
    written = form.write({"kept": b"1"}, DELIVERY)
    assert written == {
        "accessToken": SECRET.encode(),
        "token": SECRET.encode(),
        "user": b"$oauthtoken",
        "host": b"https://quay.example.com",
        "validateCerts": b"true",
    }
    assert (form.part, sorted(form.keys)) == ("accessToken", sorted(written))
    assert form.login(written) == ("$oauthtoken", SECRET)
    assert form.as_declared(written)
    assert form.remove(written) == {}


@pytest.mark.parametrize("key", ["token", "user", "host", "validateCerts"])
def test_separate_key_that_is_missing_or_differs(key: str) -> None:
    written = keys().write({}, DELIVERY)
    assert not keys().as_declared({name: value for name, value in written.items() if name != key})
    assert keys().as_declared({**written, key: b"other"}) is (key == "user")


def test_separate_keys_of_somebody_else() -> None:
    assert keys().present({"host": b"x"})
    assert not keys().present({"other": b"x"})
    assert keys().login({"accessToken": b"\xff", "user": b""}) == (None, None)
