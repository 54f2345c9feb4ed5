# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""quay_referrers_info: what refers to an image."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from functional.refusals import assert_refused
from functional.world import World
from standin.state import Manifest

MODULE = "quay_referrers_info"
V2 = "/v2/acme/app"
AUTH = "GET /v2/auth"
CONFIG = "GET /config"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.example.signature+json"
BILL = "application/vnd.example.bill.v1+json"


def push(world: World, content: dict[str, Any], tag: str | None = None, media_type: str = MANIFEST) -> dict[str, Any]:
    """Put a manifest into acme/app; returns its descriptor."""
    raw = json.dumps({"schemaVersion": 2, "mediaType": media_type, **content}).encode()
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    repository = world.quay.state.repositories["acme", "app"]
    repository.manifests[digest] = Manifest(digest, media_type, raw)
    if tag:
        repository.tags[tag] = digest
    return {"mediaType": media_type, "digest": digest, "size": len(raw)}


@pytest.fixture
def image(world: World) -> str:
    return str(push(world, {"layers": []}, "1.0")["digest"])


@pytest.fixture
def referrers(world: World, image: str) -> list[dict[str, Any]]:
    """A signature and a bill of the image, as the module tells them; and something about another image."""
    subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
    told = []
    for kind, notes in ((SIGNATURE, {"by": "alice"}), (BILL, {})):
        pushed = push(world, {"subject": subject, "artifactType": kind, "annotations": notes})
        told.append(
            {
                "digest": pushed["digest"],
                "media_type": MANIFEST,
                "size": pushed["size"],
                "artifact_type": kind,
                "annotations": notes,
            }
        )
    push(world, {"subject": {**subject, "digest": "sha256:" + "0" * 64}, "artifactType": BILL})
    return told


def test_referrers_by_digest(each_login: World, image: str, referrers: list[dict[str, Any]]) -> None:
    world = each_login
    runs = world.four_runs(MODULE, {"repository": "acme/app", "digest": image})
    assert runs.requests == [[CONFIG, AUTH, f"GET {V2}/referrers/{image}"]] * 4
    expected = {"repository": "acme/app", "digest": image, "referrers": referrers, "source": "api"}
    assert runs.first.content == expected
    assert not runs.first.changed


def test_referrers_by_tag(each_login: World, image: str, referrers: list[dict[str, Any]]) -> None:
    world = each_login
    result = world.run(MODULE, {"repository": "acme/app", "tag": "1.0"})
    assert world.requests == [CONFIG, AUTH, f"GET {V2}/manifests/1.0", f"GET {V2}/referrers/{image}"]
    assert (result["digest"], result["referrers"]) == (image, referrers)


@pytest.mark.parametrize("kind", [SIGNATURE, BILL])
def test_one_type(world: World, image: str, referrers: list[dict[str, Any]], kind: str) -> None:
    """The + of a type is encoded: Quay reads a bare one as a blank, and finds nothing."""
    result = world.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": kind})
    assert result["referrers"] == [item for item in referrers if item["artifact_type"] == kind]
    assert [entry.query for entry in world.quay.journal][-1] == f"artifactType={kind.replace('+', '%2B')}"


def test_filter_that_the_server_does_not_know(world: World, image: str, referrers: list[dict[str, Any]]) -> None:
    body = json.dumps({"manifests": [{"digest": "sha256:a", "artifactType": kind} for kind in (SIGNATURE, BILL)]})
    world.quay.faults.add("status", path="referrers", status=200, body=body, headers={"Content-Type": INDEX})
    result = world.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": BILL})
    assert [item["artifact_type"] for item in result["referrers"]] == [BILL]
    assert len(referrers) == 2


def test_image_without_referrers(world: World, image: str) -> None:
    assert world.run(MODULE, {"repository": "acme/app", "digest": image})["referrers"] == []


def test_robot_asks(world: World, image: str, referrers: list[dict[str, Any]]) -> None:
    world.login = {"quay_username": "acme+ci", "quay_password": world.people.robot_token}
    assert world.run(MODULE, {"repository": "acme/app", "digest": image})["referrers"] == referrers


# --- where there is no API


def fall_back(world: World, image: str, *descriptors: dict[str, Any]) -> None:
    push(world, {"manifests": list(descriptors)}, image.replace(":", "-"), INDEX)


def test_feature_is_off(world: World, image: str) -> None:
    signature = {"digest": "sha256:s", "mediaType": MANIFEST, "size": 7, "artifactType": SIGNATURE}
    fall_back(world, image, signature, {**signature, "artifactType": BILL})
    world.quay.config["FEATURE_REFERRERS_API"] = False
    result = world.run(MODULE, {"repository": "acme/app", "digest": image, "artifact_type": SIGNATURE})
    assert world.requests == [CONFIG, AUTH, f"GET {V2}/manifests/{image.replace(':', '-')}"]
    assert result["referrers"] == [
        {"digest": "sha256:s", "media_type": MANIFEST, "size": 7, "artifact_type": SIGNATURE, "annotations": {}}
    ]
    assert result["source"] == "tag"
    assert result.warned("does not offer the referrers API (FEATURE_REFERRERS_API is off)")


@pytest.mark.parametrize("answer", ["feature", "endpoint"])
def test_server_that_does_not_say_that_it_is_off(world: World, image: str, answer: str) -> None:
    world.quay.faults.add("html_200", path="^/config", times=None)
    if answer == "feature":
        world.quay.config["FEATURE_REFERRERS_API"] = False
    else:
        world.quay.faults.add("status", path="referrers", status=404, body="<title>404 Not Found</title>")
    result = world.run(MODULE, {"repository": "acme/app", "digest": image})
    assert (result["referrers"], result["source"]) == ([], "tag")
    assert result.warned("does not offer the referrers API")


# --- what is refused


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
def test_bad_input(world: World, arguments: dict[str, str], words: str) -> None:
    assert_refused(world, MODULE, {"repository": "acme/app", **arguments}, words)
    assert world.requests == []


def test_unknown_tag(world: World) -> None:
    assert_refused(world, MODULE, {"repository": "acme/app", "tag": "no"}, "acme/app has no tag 'no'")


def test_unknown_digest(world: World) -> None:
    digest = "sha256:" + "0" * 64
    assert_refused(world, MODULE, {"repository": "acme/app", "digest": digest}, f"acme/app has no manifest {digest}")


@pytest.mark.parametrize("reference", [{"tag": "1.0"}, {"digest": "sha256:" + "0" * 64}])
@pytest.mark.parametrize("feature", [True, False])
def test_unknown_repository(world: World, reference: dict[str, str], feature: bool) -> None:
    world.quay.config["FEATURE_REFERRERS_API"] = feature
    repositories = set(world.quay.state.repositories)
    arguments = {"repository": "acme/nope", **reference}
    assert_refused(world, MODULE, arguments, "there is no repository acme/nope")
    assert set(world.quay.state.repositories) == repositories


def test_login_without_the_right(world: World, image: str) -> None:
    world.login = world.people.bob.by_password
    words = "does not allow bob to pull from acme/app"
    assert_refused(world, MODULE, {"repository": "acme/app", "digest": image}, words)


def test_login_that_is_wrong(world: World, image: str) -> None:
    world.login = {"quay_token": "X" * 40}
    assert_refused(world, MODULE, {"repository": "acme/app", "digest": image}, "could not be validated")
