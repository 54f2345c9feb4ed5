# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Image builds that Quay runs (/api/v1/repository/{repository}/build/): typed records in, typed records out.

Quay serves these endpoints with FEATURE_BUILD_SUPPORT off, too; builds then wait for a worker that does not exist.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping

from .._core.times import parse_time
from .._http.address import encode_part
from .._http.client import QuayClient
from .._http.errors import NotFound

WAITING = "waiting"
COMPLETE = "complete"
CANCELLED = "cancelled"
# Quay retries a build in the phase "internalerror". When it gives up, it sets the phase "expired".
FAILED = ("error", "expired", CANCELLED)
FINISHED = (COMPLETE, *FAILED)
# The list of builds has no pages, and Quay limits it to 5 by default. Unfinished builds are among the newest.
_LIST_LIMIT = 100


@dataclass(frozen=True)
class Source:
    """The input of a build and the tags that it writes. Two builds with equal sources produce the same image."""

    archive_url: str
    dockerfile_path: str
    context: str
    tags: tuple[str, ...]
    pull_robot: str | None

    def body(self) -> dict[str, Any]:
        """The body of POST .../build/. The field for the tags is docker_tags; Quay ignores a field named tags."""
        body: dict[str, Any] = {
            "archive_url": self.archive_url,
            "dockerfile_path": self.dockerfile_path,
            "context": self.context,
            "docker_tags": list(self.tags),
        }
        return {**body, "pull_robot": self.pull_robot} if self.pull_robot else body


@dataclass(frozen=True)
class Build:
    """One build. ``step`` (current) and ``steps`` (total) are Dockerfile commands; None unless an image is built."""

    uuid: str
    phase: str
    source: Source
    started_at: datetime | None
    error: str
    step: int | None
    steps: int | None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Build:
        status = data.get("status")
        status = status if isinstance(status, dict) else {}
        return cls(
            uuid=str(data.get("id") or ""),
            phase=str(data.get("phase") or ""),
            source=Source(
                archive_url=str(data.get("archive_url") or ""),
                dockerfile_path=str(data.get("dockerfile_path") or ""),
                context=str(data.get("context") or ""),
                tags=tuple(str(tag) for tag in data.get("tags") or ()),
                pull_robot=(data.get("pull_robot") or {}).get("name"),
            ),
            started_at=parse_time(data.get("started")),
            error=str(data.get("error") or ""),
            step=status.get("current_command"),
            steps=status.get("total_commands"),
        )

    @property
    def finished(self) -> bool:
        return self.phase in FINISHED


class Builds:
    """The builds of one repository (/api/v1/repository/{repository}/build/).

    Scopes: repo:read to list, repo:write to start a build and read its log, repo:admin to cancel. A source with a pull
    robot also needs org:admin.
    """

    def __init__(self, client: QuayClient, repository_path: str) -> None:
        """``repository_path``: the API path of the repository, as RepositoryName.path returns it."""
        self._client = client
        self.path = f"{repository_path}/build/"

    def running(self) -> list[Build]:
        """Return the builds that are waiting or running, newest first (GET .../build/)."""
        response = self._client.get(self.path, {"limit": _LIST_LIMIT})
        return [build for build in map(Build.of, response.list_of("builds")) if not build.finished]

    def get(self, uuid: str) -> Build | None:
        """Return one build, or None if Quay answers 404 (GET .../build/{uuid})."""
        try:
            return Build.of(self._client.get(self._path_of(uuid)).object_with("id"))
        except NotFound:
            return None

    def start(self, source: Source) -> Build:
        """Start a build and return it (POST .../build/). Each call starts a new build, also for an equal source."""
        return Build.of(self._client.post(self.path, source.body()).json_object())

    def cancel(self, uuid: str) -> None:
        """Cancel a build (DELETE .../build/{uuid}). Quay answers 201, and 400 for a build that has finished."""
        self._client.delete(self._path_of(uuid))

    def last_lines(self, uuid: str, count: int) -> list[str]:
        """Return the last ``count`` lines of a build's log, without empty lines (GET .../build/{uuid}/logs).

        The list is empty once Quay has archived the log: it then answers with a URL instead of the lines.
        """
        logs = self._client.get(f"{self._path_of(uuid)}/logs", {"start": -count}).json_object().get("logs")
        messages = [str(entry.get("message") or "") for entry in logs or () if isinstance(entry, dict)]
        lines = [line.rstrip() for message in messages for line in message.splitlines()]
        return [line for line in lines if line][-count:]

    def _path_of(self, uuid: str) -> str:
        return self.path + encode_part(uuid)


def dockerfile_of(subdirectory: str | None, dockerfile_path: str | None, context: str | None) -> tuple[str, str]:
    """Return the path of the Dockerfile and the build context that Quay derives from these options.

    ``dockerfile_path`` takes precedence over ``subdirectory``. The context defaults to the folder of the Dockerfile.
    """
    if dockerfile_path is not None:
        return dockerfile_path, posixpath.dirname(dockerfile_path) if context is None else context
    if subdirectory is None:
        subdirectory = "/" if context is None else context
    return posixpath.join(subdirectory, "Dockerfile"), subdirectory if context is None else context
