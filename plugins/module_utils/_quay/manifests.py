# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Manifests at the registry (C(/v2)), and what refers to them: typed records in, typed records out."""

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
    """One manifest that refers to another: a signature, a bill of materials."""

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
    """A digest as it is; raises BadInput for anything else."""
    if not _DIGEST.fullmatch(text):
        raise BadInput(f"digest: '{text}' is no digest such as sha256: with 64 hexadecimal digits")
    return text


def check_tag(text: str) -> str:
    """A tag as it is; raises BadInput for anything else."""
    if not _TAG.fullmatch(text):
        raise BadInput(f"tag: '{text}' is no tag; for a digest use digest")
    return text


class Manifests:
    """The manifests of one repository, read with a registry token that allows to pull."""

    def __init__(self, client: QuayClient, repository: str, token: str) -> None:
        self._client = client
        self._repository = repository
        self._root = f"/v2/{repository}"
        self._auth = RegistryAuth(token)

    def digest_of(self, tag: str) -> str:
        """The digest of a tag's manifest (GET /v2/{repository}/manifests/{tag}); Quay logs it as a pull."""
        path = f"{self._root}/manifests/{tag}"
        try:
            response = self._client.get(path, auth=self._auth)
        except NotFound as error:
            raise self._missing(error, f"tag '{tag}'") from None
        digest = response.headers.get(_DIGEST_HEADER, "")
        if not _DIGEST.fullmatch(digest):
            raise response.unexpected(f"the response has no header {_DIGEST_HEADER} with a digest")
        return digest

    def referrers(self, digest: str, artifact_type: str | None) -> list[Referrer] | None:
        """What refers to a manifest (GET /v2/{repository}/referrers/{digest}); None where this Quay cannot say.

        The specification wants an empty list for an unknown digest; Quay answers 400.
        """
        params = {} if artifact_type is None else {"artifactType": artifact_type}
        try:
            response = self._client.get(f"{self._root}/referrers/{digest}", params, auth=self._auth)
        except EndpointMissing:
            return None
        except NotFound as error:
            if error.error_type is None:
                return None
            raise self._missing(error, f"manifest {digest}") from None
        except ApiError as error:
            if error.error_type == "MANIFEST_INVALID":
                raise self._missing(error, f"manifest {digest}") from None
            raise
        return [Referrer.of(item) for item in response.list_of("manifests")]

    def tagged_referrers(self, digest: str) -> list[Referrer]:
        """What the specification's fallback tag C(sha256-...) lists; clients write it where there is no API."""
        try:
            response = self._client.get(f"{self._root}/manifests/{fallback_tag(digest)}", auth=self._auth)
        except NotFound as error:
            if error.error_type == "NAME_UNKNOWN":
                raise self._missing(error, f"manifest {digest}") from None
            return []
        return [Referrer.of(item) for item in response.list_of("manifests")]

    def _missing(self, error: ApiError, what: str) -> BadInput:
        if error.error_type == "NAME_UNKNOWN":
            return BadInput(f"repository: there is no repository {self._repository}")
        return BadInput(f"The repository {self._repository} has no {what}")


def fallback_tag(digest: str) -> str:
    """The tag below which clients list referrers where the registry has no API for it."""
    algorithm, _colon, value = digest.partition(":")
    return f"{algorithm[:32]}-{value[:64]}"
