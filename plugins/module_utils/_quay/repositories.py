# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Repositories and who may do what with them: typed records in, typed records out."""

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
_LONGEST_NAME = 255
# Names of repositories may hold slashes, and Quay tells what lies below a repository by these words alone: DELETE of
# "acme/app/tag/v1" deletes the tag v1 of acme/app, and DELETE of what is not there answers 204 like any other.
_TAKEN = frozenset(
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
    """A repository's full name; the part after the namespace may hold slashes."""

    namespace: str
    name: str

    @classmethod
    def parse(cls, text: str) -> RepositoryName:
        """Split a full name; raises BadInput for one that Quay would not accept, or that its API cannot reach."""
        namespace, slash, name = text.partition("/")
        if not slash or not _NAMESPACE.fullmatch(namespace) or not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            raise BadInput(
                f"repository: '{text}' is no repository name. Write namespace/repository; the repository part has "
                "lower-case letters, digits and . _ - /, and begins with a letter or a digit"
            )
        taken = [part for part in name.split("/")[1:] if part in _TAKEN]
        if taken:
            raise BadInput(
                f"repository: Quay's API cannot reach '{text}', because it takes /{taken[0]} for a part of the "
                "repository before it. Use another name"
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
    """One repository as Quay tells it."""

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
    """Calls about one repository (/api/v1/repository/{namespace}/{name}, scope repo:admin)."""

    def __init__(self, client: QuayClient, name: RepositoryName) -> None:
        self._client = client
        self._name = name

    def get(self) -> Repository | None:
        """The repository, or None. Raises Forbidden where the login may not see it.

        GET /repository/{repository} shows a public repository to everybody, a dead token included.
        """
        try:
            data = self._client.get(self._name.path, {"includeTags": "false"}).object_with("name")
        except NotFound:
            return None
        except Forbidden as error:
            raise error.with_hint(self._hint) from None
        if not data.get("can_admin") and not data.get("can_write"):
            raise RefusedCredential(
                f"The login can see {self._name}, as everybody can, but may not change it (scope repo:admin); "
                "or Quay does not accept the login at all"
            )
        return Repository.of(data)

    def create(self, visibility: str, description: str) -> None:
        """Create it (POST /repository; scope repo:create or org:admin)."""
        body = {
            "namespace": self._name.namespace,
            "repository": self._name.name,
            "visibility": visibility,
            "description": description,
        }
        try:
            self._client.post(api_path("repository"), body)
        except ApiError as error:
            # An unknown namespace is a 403, and a 500 for a superuser.
            raise error.with_hint(self._hint) if error.status in (403, 500) else error from None

    def describe(self, description: str) -> None:
        """PUT /repository/{repository}."""
        self._client.put(self._name.path, {"description": description})

    def show(self, visibility: str) -> None:
        """POST /repository/{repository}/changevisibility."""
        self._client.post(f"{self._name.path}/changevisibility", {"visibility": visibility})

    def switch(self, mode: str) -> None:
        """PUT /repository/{repository}/changestate, which is there only with FEATURE_REPO_MIRROR."""
        self._client.put(f"{self._name.path}/changestate", {"state": mode.upper()})

    def delete(self) -> None:
        """DELETE /repository/{repository}: 204, whether or not there was one."""
        self._client.delete(self._name.path)

    def roles(self, kind: str) -> dict[tuple[str, str], str]:
        """The roles of users and robots, or of teams, by kind and name (GET .../permissions/user/ or team/)."""
        found = self._client.get(f"{self._permissions(kind)}/").json_object().get("permissions")
        entries = found if isinstance(found, dict) else {}
        return {(_kind_of(kind, name), name): str(entry.get("role")) for name, entry in entries.items()}

    def grant(self, kind: str, name: str, role: str) -> None:
        """Give a role, or another one (PUT .../permissions/user/{name}; the same role again is no error)."""
        self._client.put(f"{self._permissions(kind)}/{encode_part(name)}", {"role": role})

    def withdraw(self, kind: str, name: str) -> None:
        """Take the role away (DELETE .../permissions/user/{name})."""
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
