# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values of a response are secrets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.masking import HIDDEN, masked, secrets_in

SECRET_KEYS = ["token", "token_code", "access_token", "password", "encrypted_password", "client_secret", "private_key"]
SECRET_KEYS += ["DB_PASSWORD", "SECRET_KEY", "s3_secret_key", "external_registry_password", "csrf_token"]
PUBLIC_KEYS = ["name", "uuid", "next_page", "tokens", "token_uuid", "tokenizer", "key", "password_set", "client_id"]


@pytest.mark.parametrize("key", SECRET_KEYS)
def test_secrets_are_masked_at_every_depth(key: str) -> None:
    assert masked({key: "x", "name": "y"}) == {key: HIDDEN, "name": "y"}
    assert masked([{"a": [{key: "x"}]}]) == [{"a": [{key: HIDDEN}]}]
    assert list(secrets_in({"a": [{key: "x"}]}, "body")) == [(f"body.a.0.{key}", "x")]


@pytest.mark.parametrize("key", PUBLIC_KEYS)
def test_other_values_are_not_masked(key: str) -> None:
    value = {key: "x", "name": "y"}
    assert masked(value) == value
    assert list(secrets_in(value, "body")) == []


@pytest.mark.parametrize("value", [None, True, 3, "", [], {}])
def test_only_a_nonempty_text_is_a_secret(value: Any) -> None:
    assert masked({"token": value, "a": 1}) == {"token": value, "a": 1}
    assert list(secrets_in({"token": value}, "body")) == []


def test_key_alone_in_an_object_is_a_secret() -> None:
    assert masked({"key": "x"}) == {"key": HIDDEN}
    assert masked({"key": "x", "value": "y"}) == {"key": "x", "value": "y"}
    assert masked({"label": {"key": "x", "value": "y"}})["label"]["key"] == "x"


def test_secrets_below_a_secret_key_are_masked() -> None:
    assert masked({"token": {"uuid": "u", "token_code": "x"}}) == {"token": {"uuid": "u", "token_code": HIDDEN}}


@pytest.mark.parametrize(
    ("text", "masked_text"),
    [
        ("postgresql://quay:hidden@db.example.com/quay", f"postgresql://quay:{HIDDEN}@db.example.com/quay"),
        ("https://example.com:8443/path@x", "https://example.com:8443/path@x"),
        ("mailto:alice@example.com", "mailto:alice@example.com"),
        ("see https://a:b@example.com and so on", f"see https://a:{HIDDEN}@example.com and so on"),
    ],
)
def test_passwords_in_urls_are_masked(text: str, masked_text: str) -> None:
    assert masked({"uri": text, "list": [text]}) == {"uri": masked_text, "list": [masked_text]}
