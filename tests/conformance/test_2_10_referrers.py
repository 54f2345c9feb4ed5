# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Part 1, sections 2.10 and 2.12: referrers, responses of the registry, and former endpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from conformance.client import (
    MANIFEST,
    Client,
    Secret,
    assert_error,
    assert_html,
    assert_message,
    assert_registry_error,
    digest_of,
    registry_token,
    unique,
)
from conformance.images import manifest, push_blob, push_manifest
from conformance.resources import Resources
from standin import Standin

INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Pushed:
    """A repository with an image and a signature of it."""

    name: str
    token: Secret
    image: str
    signature: str

    @property
    def path(self) -> str:
        return f"/v2/{self.name}/referrers/{self.image}"


@pytest.fixture
def pushed(resources: Resources) -> Pushed:
    name = f"{resources.org}/{resources.repository()}"
    login = (resources.target.username, resources.target.password)
    token = registry_token(resources.target, login, f"repository:{name}:pull,push")
    image = manifest()
    subject = {"mediaType": MANIFEST, "digest": digest_of(image), "size": len(image)}
    signature = manifest(artifactType="application/vnd.example+sig", subject=subject, annotations={"a": "b"})
    with Client(resources.target, bearer=token) as client:
        push_blob(client, name)
        for reference, content in (("v1", image), (digest_of(signature), signature)):
            response = push_manifest(client, name, reference, content)
            assert response.status_code == 201, response.text
            assert response.headers["Docker-Content-Digest"] == digest_of(content)
    return Pushed(name, token, digest_of(image), digest_of(signature))


def test_2_10_referrers_are_an_oci_index(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    response = new_client(bearer=pushed.token).get(pushed.path)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == INDEX
    body = response.json()
    assert (body["schemaVersion"], body["mediaType"]) == (2, INDEX)
    (found,) = body["manifests"]
    assert found.keys() == {"mediaType", "digest", "size", "artifactType", "annotations"}
    assert (found["mediaType"], found["digest"]) == (MANIFEST, pushed.signature)
    assert (found["artifactType"], found["annotations"]) == ("application/vnd.example+sig", {"a": "b"})


def test_2_10_pull_suffices(resources: Resources, pushed: Pushed, new_client: Callable[..., Client]) -> None:
    login = (resources.target.username, resources.target.password)
    token = registry_token(resources.target, login, f"repository:{pushed.name}:pull")
    assert new_client(bearer=token).get(pushed.path).status_code == 200


def test_2_10_none_is_an_empty_list(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    body = new_client(bearer=pushed.token).get(f"/v2/{pushed.name}/referrers/{pushed.signature}").json()
    assert body["manifests"] == []


def test_2_10_filter_by_artifact_type(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    client = new_client(bearer=pushed.token)
    encoded = client.get(f"{pushed.path}?artifactType=application/vnd.example%2Bsig")
    assert encoded.headers["OCI-Filters-Applied"] == "artifactType"
    assert [found["digest"] for found in encoded.json()["manifests"]] == [pushed.signature]
    raw = client.get(f"{pushed.path}?artifactType=application/vnd.example+sig")
    assert raw.json()["manifests"] == []


def test_2_10_unknown_digest_400(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    path = f"/v2/{pushed.name}/referrers/sha256:{'0' * 64}"
    assert_registry_error(new_client(bearer=pushed.token).get(path), 400, "MANIFEST_INVALID")


def test_2_10_unknown_repository_404(resources: Resources, pushed: Pushed, new_client: Callable[..., Client]) -> None:
    name = f"{resources.org}/{unique()}"
    login = (resources.target.username, resources.target.password)
    token = registry_token(resources.target, login, f"repository:{name}:pull")
    response = new_client(bearer=token).get(f"/v2/{name}/referrers/{pushed.image}")
    assert_registry_error(response, 404, "NAME_UNKNOWN")


def test_2_10_a_tag_404_html(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    assert_html(new_client(bearer=pushed.token).get(f"/v2/{pushed.name}/referrers/v1"), 404)


def test_2_10_without_a_token_401(pushed: Pushed, anonymous: Client) -> None:
    response = anonymous.get(pushed.path)
    assert_registry_error(response, 401, "UNAUTHORIZED")
    assert f'scope="repository:{pushed.name}:pull"' in response.headers["WWW-Authenticate"]


def test_2_10_a_token_for_another_repository_401(
    resources: Resources, pushed: Pushed, new_client: Callable[..., Client]
) -> None:
    login = (resources.target.username, resources.target.password)
    token = registry_token(resources.target, login, f"repository:{resources.org}/{resources.repository()}:pull")
    assert_registry_error(new_client(bearer=token).get(pushed.path), 401, "UNAUTHORIZED")


def test_2_10_other_secrets_are_no_registry_tokens(
    resources: Resources, pushed: Pushed, new_client: Callable[..., Client]
) -> None:
    login = (resources.target.username, resources.target.password)
    for client in (new_client(basic=login), new_client(bearer=resources.token("repo:read"))):
        assert_error(client.get(pushed.path), 401, "Invalid bearer token format")


def test_2_10_feature_off(pushed: Pushed, standin: Standin, new_client: Callable[..., Client]) -> None:
    standin.config["FEATURE_REFERRERS_API"] = False
    response = new_client(bearer=pushed.token).get(pushed.path)
    assert response.status_code == 404
    assert response.json().keys() == {"error"}


def test_2_10_manifests_and_tags(pushed: Pushed, new_client: Callable[..., Client]) -> None:
    client = new_client(bearer=pushed.token)
    response = client.get(f"/v2/{pushed.name}/manifests/v1", headers={"Accept": MANIFEST})
    assert response.status_code == 200
    assert digest_of(response.content) == pushed.image
    assert client.get(f"/v2/{pushed.name}/tags/list").json() == {"name": pushed.name, "tags": ["v1"]}


def test_2_12_access_tokens_of_repositories_410(resources: Resources) -> None:
    path = f"/api/v1/repository/{resources.org}/{resources.repository()}/tokens/"
    assert_message(resources.superuser.get(path), 410, "Handling of access tokens is no longer supported")


def test_2_12_clientkey_needs_the_password(resources: Resources, temporary_user: tuple[str, str]) -> None:
    with Client(resources.target) as client:
        client.sign_in(*temporary_user)
        assert client.post("/api/v1/user/clientkey", {"password": temporary_user[1]}).json().keys() == {"key"}
        assert client.post("/api/v1/user/clientkey", {"password": "wrong"}).status_code == 400
