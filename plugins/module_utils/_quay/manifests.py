# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Manifests of the registry API (/v2) and their referrers: typed records in, typed records out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from .._core.errors import BadInput
from .._http.auth import RegistryAuth
from .._http.client import QuayClient
from .._http.errors import ApiError, EndpointMissing, NotFound

_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST_HEADER = "Docker-Content-Digest"


@dataclass(frozen=True)
class Referrer:
    """One manifest that refers to another one, such as a signature or an SBOM. ``size``: bytes of the manifest."""

    digest: str
    media_type: str
    size: int
    artifact_type: str
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Referrer:
        return cls(
            digest=str(data.get("digest") or ""),
            media_type=str(data.get("mediaType") or ""),
            size=int(data.get("size") or 0),
            artifact_type=str(data.get("artifactType") or ""),
            annotations={str(key): str(value) for key, value in (data.get("annotations") or {}).items()},
        )


def check_digest(text: str) -> str:
    """Return a digest unchanged. Raises BadInput if it is not valid."""
    if not _DIGEST.fullmatch(text):
        raise BadInput(f"digest: '{text}' is not a valid digest. Write sha256: followed by 64 lower-case hex digits")
    return text


def check_tag(text: str) -> str:
    """Return a tag unchanged. Raises BadInput if it is not valid."""
    if not _TAG.fullmatch(text):
        raise BadInput(
            f"tag: '{text}' is not a valid tag. Write 1 to 128 letters, digits and . _ - (not . or - first); use the "
            "option digest for a digest"
        )
    return text


class Manifests:
    """The manifests of one repository (/v2/{repository}), read with a registry token for the action pull."""

    def __init__(self, client: QuayClient, repository: str, token: str) -> None:
        """``repository``: namespace/name. ``token``: a registry token (GET /v2/auth), not an OAuth token."""
        self._client = client
        self._repository = repository
        self._root = f"/v2/{repository}"
        self._auth = RegistryAuth(token)

    def digest_of(self, tag: str) -> str:
        """Return the digest of a tag's manifest (GET /v2/{repository}/manifests/{tag}). Quay logs a pull.

        Raises BadInput if the tag or the repository does not exist.
        """
        path = f"{self._root}/manifests/{tag}"
        try:
            response = self._client.get(path, auth=self._auth)
        except NotFound as error:
            raise self._not_found(error, f"tag '{tag}'") from None
        digest = response.headers.get(_DIGEST_HEADER, "")
        if not _DIGEST.fullmatch(digest):
            raise response.unexpected(f"the response has no header {_DIGEST_HEADER} with a digest")
        return digest

    def referrers(self, digest: str, artifact_type: str | None) -> list[Referrer] | None:
        """Return the referrers of a manifest, or None if this server does not offer the referrers API.

        GET /v2/{repository}/referrers/{digest}; ``artifact_type`` is the media type to filter by. Raises BadInput if
        the manifest or the repository does not exist. For an unknown digest Quay answers 400 MANIFEST_INVALID, although
        the OCI specification requires 200 and an empty list.
        """
        query = {} if artifact_type is None else {"artifactType": artifact_type}
        try:
            response = self._client.get(f"{self._root}/referrers/{digest}", query, auth=self._auth)
        except EndpointMissing:
            return None
        except NotFound as error:
            if error.error_type is None:
                return None
            raise self._not_found(error, f"manifest {digest}") from None
        except ApiError as error:
            if error.error_type == "MANIFEST_INVALID":
                raise self._not_found(error, f"manifest {digest}") from None
            raise
        return [Referrer.of(item) for item in response.list_of("manifests")]

    def tagged_referrers(self, digest: str) -> list[Referrer]:
        """Return the referrers that the fallback tag lists (GET /v2/{repository}/manifests/sha256-...).

        Clients write this tag to a registry without the referrers API. The list is empty if there is no such tag.
        Raises BadInput if the repository does not exist.
        """
        try:
            response = self._client.get(f"{self._root}/manifests/{fallback_tag(digest)}", auth=self._auth)
        except NotFound as error:
            if error.error_type == "NAME_UNKNOWN":
                raise self._not_found(error, f"manifest {digest}") from None
            return []
        return [Referrer.of(item) for item in response.list_of("manifests")]

    def _not_found(self, error: ApiError, what: str) -> BadInput:
        if error.error_type == "NAME_UNKNOWN":
            return BadInput(
                f"repository: there is no repository {self._repository} at {self._client.origin}. Check repository and "
                "quay_host"
            )
        return BadInput(f"The repository {self._repository} has no {what}. Check that the image has been pushed")


def fallback_tag(digest: str) -> str:
    """Return the tag that lists the referrers of a digest in registries without the referrers API (OCI 1.1)."""
    algorithm, _colon, value = digest.partition(":")
    return f"{algorithm[:32]}-{value[:64]}"
