# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_referrers_info: the referrers of an image."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from functional.harness import Harness, assert_refused
from standin.state import Manifest

MODULE = "quay_referrers_info"
V2 = "/v2/acme/app"
AUTH = "GET /v2/auth"
CONFIG = "GET /config"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.example.signature+json"
BILL = "application/vnd.example.bill.v1+json"


def push(
    harness: Harness, content: dict[str, Any], tag: str | None = None, media_type: str = MANIFEST
) -> dict[str, Any]:
    """Add a manifest to acme/app. Returns its descriptor."""
    raw = json.dumps({"schemaVersion": 2, "mediaType": media_type, **content}).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    repository = harness.quay.state.repositories["acme", "app"]
    repository.manifests[digest] = Manifest(digest, media_type, raw)
    if tag:
        repository.tags[tag] = digest
    return {"mediaType": media_type, "digest": digest, "size": len(raw)}


@pytest.fixture
def image(harness: Harness) -> str:
    return str(push(harness, {"layers": []}, "1.0")["digest"])


@pytest.fixture
def referrers(harness: Harness, image: str) -> list[dict[str, Any]]:
    """A signature and a bill of materials of the image, as the module returns them. Another image has one, too."""
    subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
    found = []
    for kind, notes in ((SIGNATURE, {"by": "alice"}), (BILL, {})):
        pushed = push(harness, {"subject": subject, "artifactType": kind, "annotations": notes})
        found.append(
            {
                "digest": pushed["digest"],
                "media_type": MANIFEST,
                "size": pushed["size"],
                "artifact_type": kind,
                "annotations": notes,
            }
        )
    push(harness, {"subject": {**subject, "digest": "sha256:" + "0" * 64}, "artifactType": BILL})
    return found


def test_referrers_by_digest(each_login: Harness, image: str, referrers: list[dict[str, Any]]) -> None:
    harness = each_login
    runs = harness.four_runs(MODULE, {"repository": "acme/app", "digest": image})
    assert runs.requests == [[CONFIG, AUTH, f"GET {V2}/referrers/{image}"]] * 4
    expected = {"repository": "acme/app", "digest": image, "referrers": referrers, "source": "api"}
    assert runs.first.content == expected
    assert not runs.first.changed


def test_referrers_by_tag(each_login: Harness, image: str, referrers: list[dict[str, Any]]) -> None:
    harness = each_login
    result = harness.run(MODULE, {"repository": "acme/app", "tag": "1.0"})
    assert harness.requests == [CONFIG, AUTH, f"GET {V2}/manifests/1.0", f"GET {V2}/referrers/{image}"]
    assert (result["digest"], result["referrers"]) == (image, referrers)


@pytest.mark.parametrize("kind", [SIGNATURE, BILL])
def test_one_type(harness: Harness, image: str, referrers: list[dict[str, Any]], kind: str) -> None:
    """The + of a type is encoded, because Quay decodes it as a blank otherwise."""
    result = harness.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": kind})
    assert result["referrers"] == [item for item in referrers if item["artifact_type"] == kind]
    assert [entry.query for entry in harness.quay.journal][-1] == f"artifactType={kind.replace('+', '%2B')}"


def test_server_that_ignores_the_filter(harness: Harness, image: str, referrers: list[dict[str, Any]]) -> None:
    body = json.dumps({"manifests": [{"digest": "sha256:a", "artifactType": kind} for kind in (SIGNATURE, BILL)]})
    harness.quay.faults.add("status", path="referrers", status=200, body=body, headers={"Content-Type": INDEX})
    result = harness.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": BILL})
    assert [item["artifact_type"] for item in result["referrers"]] == [BILL]
    assert len(referrers) == 2


def test_image_without_referrers(harness: Harness, image: str) -> None:
    assert harness.run(MODULE, {"repository": "acme/app", "digest": image})["referrers"] == []


def test_robot_login(harness: Harness, image: str, referrers: list[dict[str, Any]]) -> None:
    harness.login = {"quay_username": "acme+ci", "quay_password": harness.accounts.robot_token}
    assert harness.run(MODULE, {"repository": "acme/app", "digest": image})["referrers"] == referrers


# --- servers without the referrers API


def push_fallback_tag(harness: Harness, image: str, *descriptors: dict[str, Any]) -> None:
    push(harness, {"manifests": list(descriptors)}, image.replace(":", "-"), INDEX)


def test_feature_is_off(harness: Harness, image: str) -> None:
    signature = {"digest": "sha256:s", "mediaType": MANIFEST, "size": 7, "artifactType": SIGNATURE}
    push_fallback_tag(harness, image, signature, {**signature, "artifactType": BILL})
    harness.quay.config["FEATURE_REFERRERS_API"] = False
    result = harness.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": SIGNATURE})
    assert harness.requests == [CONFIG, AUTH, f"GET {V2}/manifests/{image.replace(':', '-')}"]
    assert result["referrers"] == [
        {"digest": "sha256:s", "media_type": MANIFEST, "size": 7, "artifact_type": SIGNATURE, "annotations": {}}
    ]
    assert result["source"] == "tag"
    assert result.warned("does not offer the referrers API (FEATURE_REFERRERS_API is off)")


@pytest.mark.parametrize("case", ["feature", "endpoint"])
def test_server_without_a_usable_config(harness: Harness, image: str, case: str) -> None:
    harness.quay.faults.add("html_200", path="^/config", times=None)
    if case == "feature":
        harness.quay.config["FEATURE_REFERRERS_API"] = False
    else:
        harness.quay.faults.add("status", path="referrers", status=404, body="<title>404 Not Found</title>")
    result = harness.run(MODULE, {"repository": "acme/app", "digest": image})
    assert (result["referrers"], result["source"]) == ([], "tag")
    assert result.warned("does not offer the referrers API")


# --- errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"digest": "1.0"}, "digest: '1.0' is not a valid digest"),
        ({"digest": "sha256:" + "G" * 64}, "is not a valid digest"),
        ({"tag": "sha256:" + "0" * 64}, "is not a valid tag"),
        ({"tag": "a/b"}, "is not a valid tag"),
        ({}, "one of the following is required: digest, tag"),
        ({"tag": "1.0", "digest": "sha256:" + "0" * 64}, "mutually exclusive"),
        ({"tag": "1.0", "repository": "app"}, "is not a valid repository name"),
    ],
)
def test_bad_input(harness: Harness, arguments: dict[str, str], words: str) -> None:
    assert_refused(harness, MODULE, {"repository": "acme/app", **arguments}, words)
    assert harness.requests == []


def test_unknown_tag(harness: Harness) -> None:
    assert_refused(harness, MODULE, {"repository": "acme/app", "tag": "no"}, "acme/app has no tag 'no'")


def test_unknown_digest(harness: Harness) -> None:
    digest = "sha256:" + "0" * 64
    assert_refused(harness, MODULE, {"repository": "acme/app", "digest": digest}, f"acme/app has no manifest {digest}")


@pytest.mark.parametrize("reference", [{"tag": "1.0"}, {"digest": "sha256:" + "0" * 64}])
@pytest.mark.parametrize("feature", [True, False])
def test_unknown_repository(harness: Harness, reference: dict[str, str], feature: bool) -> None:
    harness.quay.config["FEATURE_REFERRERS_API"] = feature
    repositories = set(harness.quay.state.repositories)
    arguments = {"repository": "acme/nope", **reference}
    assert_refused(harness, MODULE, arguments, "there is no repository acme/nope")
    assert set(harness.quay.state.repositories) == repositories


def test_login_without_the_right(harness: Harness, image: str) -> None:
    harness.login = harness.accounts.bob.by_password
    words = "does not allow bob to pull from acme/app"
    assert_refused(harness, MODULE, {"repository": "acme/app", "digest": image}, words)


def test_wrong_login(harness: Harness, image: str) -> None:
    harness.login = {"quay_token": "X" * 40}
    assert_refused(harness, MODULE, {"repository": "acme/app", "digest": image}, "could not be validated")
