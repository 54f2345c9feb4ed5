# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests in the registry, and their referrers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._http.auth import MANIFEST_TYPES
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, UnexpectedResponse
from ansible_collections.tokensmith.quay.plugins.module_utils._quay.manifests import (
    Manifests,
    Referrer,
    check_digest,
    check_tag,
    fallback_tag,
)
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import COMMON, FakeQuay, Reply, Request, ok, page

DIGEST = "sha256:" + "0a" * 32
HEADERS = {**COMMON, "Accept": ", ".join(MANIFEST_TYPES), "Authorization": "Bearer jwt"}
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.example.signature+json"
REFERRER_JSON = {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:s",
    "size": 7,
    "artifactType": SIGNATURE,
    "annotations": {"by": "ann"},
}
REFERRER = Referrer("sha256:s", "application/vnd.oci.image.manifest.v1+json", 7, SIGNATURE, {"by": "ann"})


def index(*descriptors: dict[str, Any]) -> Reply:
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(descriptors)}).encode()
    return Reply(200, body, [("Content-Type", INDEX)])


def registry_error(code: str, status: int = 404) -> Reply:
    return ok({"errors": [{"code": code, "message": "no", "detail": {}}]}, status)


@pytest.fixture
def manifests(quay: FakeQuay) -> Manifests:
    return Manifests(quay.client(), "acme/app", "jwt")


@pytest.mark.parametrize("text", [DIGEST, "sha512:" + "f" * 128, "sha256+b64:" + "0" * 64])
def test_valid_digest(text: str) -> None:
    assert check_digest(text) == text


@pytest.mark.parametrize("text", ["", "latest", "sha256:", "sha256:xyz", DIGEST + "/..", "sha256:" + "A" * 64])
def test_invalid_digest(text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid digest"):
        check_digest(text)


@pytest.mark.parametrize("text", ["latest", "1.0", "_x", "a" * 128])
def test_valid_tag(text: str) -> None:
    assert check_tag(text) == text


@pytest.mark.parametrize("text", ["", "-x", ".", "..", "a/b", DIGEST, "a" * 129, "a?b"])
def test_invalid_tag(text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid tag"):
        check_tag(text)


def test_fallback_tag() -> None:
    assert fallback_tag(DIGEST) == DIGEST.replace(":", "-")
    assert fallback_tag("sha512:" + "f" * 128) == "sha512-" + "f" * 64


def test_digest_of_a_tag(quay: FakeQuay, manifests: Manifests) -> None:
    quay.answers(Reply(200, b"{}", [("Content-Type", INDEX), ("Docker-Content-Digest", DIGEST)]))
    assert manifests.digest_of("1.0") == DIGEST
    assert quay.requests == [Request("GET", "/v2/acme/app/manifests/1.0", HEADERS)]


def test_response_without_a_digest(quay: FakeQuay, manifests: Manifests) -> None:
    quay.answers(index())
    with pytest.raises(UnexpectedResponse, match="Docker-Content-Digest"):
        manifests.digest_of("1.0")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("MANIFEST_UNKNOWN", "The repository acme/app has no tag '1.0'"),
        ("TAG_EXPIRED", "The repository acme/app has no tag '1.0'"),
        ("NAME_UNKNOWN", "there is no repository acme/app"),
    ],
)
def test_unknown_tag(quay: FakeQuay, manifests: Manifests, code: str, message: str) -> None:
    quay.answers(registry_error(code))
    with pytest.raises(BadInput, match=message):
        manifests.digest_of("1.0")


@pytest.mark.parametrize(
    ("kind", "query"), [(None, ""), (SIGNATURE, "?artifactType=application%2Fvnd.example.signature%2Bjson")]
)
def test_referrers(quay: FakeQuay, manifests: Manifests, kind: str | None, query: str) -> None:
    quay.answers(index(REFERRER_JSON, {"digest": "sha256:t"}))
    assert manifests.referrers(DIGEST, kind) == [REFERRER, Referrer("sha256:t", "", 0, "", {})]
    assert quay.requests == [Request("GET", f"/v2/acme/app/referrers/{DIGEST}{query}", HEADERS)]


@pytest.mark.parametrize("reply", [ok({"error": "Not Found"}, 404), page(404)])
def test_server_without_the_referrers_api(quay: FakeQuay, manifests: Manifests, reply: Reply) -> None:
    quay.answers(reply)
    assert manifests.referrers(DIGEST, None) is None


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (registry_error("MANIFEST_INVALID", 400), "acme/app has no manifest sha256:"),
        (registry_error("NAME_UNKNOWN"), "there is no repository acme/app"),
    ],
)
def test_unknown_manifest(quay: FakeQuay, manifests: Manifests, reply: Reply, message: str) -> None:
    quay.answers(reply)
    with pytest.raises(BadInput, match=message):
        manifests.referrers(DIGEST, None)


def test_other_errors_are_raised(quay: FakeQuay, manifests: Manifests) -> None:
    quay.answers(registry_error("DENIED", 400))
    with pytest.raises(ApiError, match="Quay answered 400"):
        manifests.referrers(DIGEST, None)


def test_tagged_referrers(quay: FakeQuay, manifests: Manifests) -> None:
    quay.answers(index(REFERRER_JSON), registry_error("MANIFEST_UNKNOWN"), registry_error("NAME_UNKNOWN"))
    assert manifests.tagged_referrers(DIGEST) == [REFERRER]
    assert manifests.tagged_referrers(DIGEST) == []
    with pytest.raises(BadInput, match="there is no repository acme/app"):
        manifests.tagged_referrers(DIGEST)
    assert quay.calls == [("GET", f"/v2/acme/app/manifests/{DIGEST.replace(':', '-')}")] * 3
