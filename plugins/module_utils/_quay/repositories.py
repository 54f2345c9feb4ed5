# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Repositories and their permissions (/api/v1/repository/{repository}): typed records in, typed records out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping

from .._core.errors import BadInput, RefusedCredential
from .._http.address import api_path, encode_part
from .._http.client import QuayClient
from .._http.errors import ApiError, Forbidden, NotFound

NORMAL = "normal"
MIRROR = "mirror"
TEAM = "team"
ROBOT = "robot"
USER = "user"
_NAMESPACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_MAX_NAME_LENGTH = 255
# Repository names may contain slashes, and these words alone mark a sub-resource of a repository: DELETE of
# "acme/app/tag/v1" deletes the tag v1 of acme/app. Quay answers 204 to DELETE even if nothing exists at the path.
_RESERVED_WORDS = frozenset(
    (
        "aggregatelogs",
        "authorizedemail",
        "autoprunepolicy",
        "build",
        "changestate",
        "changetrust",
        "changevisibility",
        "exportlogs",
        "immutabilitypolicy",
        "logs",
        "manifest",
        "mirror",
        "notification",
        "permissions",
        "signatures",
        "tag",
        "tokens",
        "trigger",
    )
)


@dataclass(frozen=True)
class RepositoryName:
    """A repository's full name, namespace/name. ``name`` may contain slashes."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> RepositoryName:
        """Split a full name. Raises BadInput if Quay would not accept it or its API cannot address it."""
        namespace, slash, name = text.partition("/")
        is_valid = slash and _NAMESPACE.fullmatch(namespace) and _NAME.fullmatch(name)
        if not is_valid or len(name) > _MAX_NAME_LENGTH:
            raise BadInput(
                f"repository: '{text}' is not a valid repository name. Write namespace/repository; the repository part "
                f"has up to {_MAX_NAME_LENGTH} lower-case letters, digits and . _ - /, starting with a letter or digit"
            )
        reserved = [part for part in name.split("/")[1:] if part in _RESERVED_WORDS]
        if reserved:
            raise BadInput(
                f"repository: Quay's API cannot address '{text}', because /{reserved[0]} is reserved there for a "
                "sub-resource of a repository. Use another name"
            )
        return cls(namespace, name)

    @property
    def path(self) -> str:
        """The repository's API path."""
        return api_path("repository", self.namespace, *self.name.split("/"))

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Repository:
    """One repository. ``visibility``: public or private. ``mode``: normal, read_only or mirror (Quay's state)."""

    visibility: str
    description: str
    mode: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Repository:
        return cls(
            visibility="public" if data.get("is_public") else "private",
            description=str(data.get("description") or ""),
            mode=str(data.get("state") or NORMAL).lower(),
        )


class Repositories:
    """One repository (/api/v1/repository/{namespace}/{name}, scope repo:admin)."""

    def __init__(self, client: QuayClient, name: RepositoryName) -> None:
        self._client = client
        self._name = name

    def get(self) -> Repository | None:
        """Return the repository, or None if it does not exist (GET /repository/{repository}).

        Raises Forbidden if the login may not see it, and RefusedCredential if it may see but not change it. Quay
        returns a public repository to any request, including one with an invalid token.
        """
        try:
            data = self._client.get(self._name.path, {"includeTags": "false"}).object_with("name")
        except NotFound:
            return None
        except Forbidden as error:
            raise error.with_hint(self._hint) from None
        if not data.get("can_admin") and not data.get("can_write"):
            raise RefusedCredential(
                f"repository: {self._name} is visible, but this login may not change it. Check that the user "
                "administers the repository, and that the token is valid and has the scope repo:admin (Quay shows a "
                "public repository even to an invalid token)"
            )
        return Repository.of(data)

    def create(self, visibility: str, description: str) -> None:
        """Create the repository (POST /repository; scope repo:create or org:admin)."""
        body = {
            "namespace": self._name.namespace,
            "repository": self._name.name,
            "visibility": visibility,
            "description": description,
        }
        try:
            self._client.post(api_path("repository"), body)
        except ApiError as error:
            # For an unknown namespace Quay answers 403, or 500 to a superuser.
            raise error.with_hint(self._hint) if error.status in (403, 500) else error from None

    def set_description(self, description: str) -> None:
        """Change the description (PUT /repository/{repository}; scope repo:write)."""
        self._client.put(self._name.path, {"description": description})

    def set_visibility(self, visibility: str) -> None:
        """Change the visibility: public or private (POST /repository/{repository}/changevisibility)."""
        self._client.post(f"{self._name.path}/changevisibility", {"visibility": visibility})

    def set_mode(self, mode: str) -> None:
        """Change the mode: normal, read_only or mirror (PUT /repository/{repository}/changestate).

        Quay has this endpoint only with FEATURE_REPO_MIRROR.
        """
        self._client.put(f"{self._name.path}/changestate", {"state": mode.upper()})

    def delete(self) -> None:
        """Delete the repository (DELETE /repository/{repository}). Quay answers 204 even if it did not exist."""
        self._client.delete(self._name.path)

    def roles(self, kind: str) -> dict[tuple[str, str], str]:
        """Return the roles of teams, or of users and robots, by kind and name (GET .../permissions/team/ or user/)."""
        permissions = self._client.get(f"{self._permissions(kind)}/").json_object().get("permissions")
        entries = permissions if isinstance(permissions, dict) else {}
        return {(_kind_of(kind, name), name): str(entry.get("role")) for name, entry in entries.items()}

    def grant_role(self, kind: str, name: str, role: str) -> None:
        """Grant or change a role: read, write or admin (PUT .../permissions/user/{name}, which is idempotent)."""
        self._client.put(f"{self._permissions(kind)}/{encode_part(name)}", {"role": role})

    def revoke_role(self, kind: str, name: str) -> None:
        """Revoke the role (DELETE .../permissions/user/{name})."""
        self._client.delete(f"{self._permissions(kind)}/{encode_part(name)}")

    def _permissions(self, kind: str) -> str:
        return f"{self._name.path}/permissions/{TEAM if kind == TEAM else USER}"

    @property
    def _hint(self) -> str:
        return (
            f"Check that the namespace '{self._name.namespace}' exists and that the login administers its repositories"
        )


def _kind_of(kind: str, name: str) -> str:
    if kind == TEAM:
        return TEAM
    return ROBOT if "+" in name else USER
