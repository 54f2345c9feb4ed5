# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Builds of images inside Quay: typed records in, typed records out."""

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
# A build in the phase "internalerror" is tried again; when Quay gives it up, it calls it "expired".
FAILED = ("error", "expired", CANCELLED)
FINISHED = (COMPLETE, *FAILED)
# Quay does not page its list of builds; running ones are among the newest.
_LISTED = 100


@dataclass(frozen=True)
class Source:
    """What is built, and into which tags: two builds of one source are the same work."""

    archive_url: str
    dockerfile_path: str
    context: str
    tags: tuple[str, ...]
    pull_robot: str | None

    def body(self) -> dict[str, Any]:
        """As Quay takes it. A field of the name tags, of which the guide speaks, Quay would ignore."""
        body: dict[str, Any] = {
            "archive_url": self.archive_url,
            "dockerfile_path": self.dockerfile_path,
            "context": self.context,
            "docker_tags": list(self.tags),
        }
        return {**body, "pull_robot": self.pull_robot} if self.pull_robot else body


@dataclass(frozen=True)
class Build:
    """One build as Quay tells it. ``step`` and ``steps`` are there while an image is being built."""

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
    """The builds of one repository (/api/v1/repository/{repository}/build/, scope repo:write, to cancel repo:admin)."""

    def __init__(self, client: QuayClient, repository_path: str) -> None:
        self._client = client
        self.path = f"{repository_path}/build/"

    def running(self) -> list[Build]:
        """The builds that are waiting or running, newest first."""
        response = self._client.get(self.path, {"limit": _LISTED})
        return [build for build in map(Build.of, response.list_of("builds")) if not build.finished]

    def get(self, uuid: str) -> Build | None:
        """One build, or None."""
        try:
            return Build.of(self._client.get(self._path_of(uuid)).object_with("id"))
        except NotFound:
            return None

    def start(self, source: Source) -> Build:
        """Ask for a build; each request is a new one, also where FEATURE_BUILD_SUPPORT is off and nothing builds."""
        return Build.of(self._client.post(self.path, source.body()).json_object())

    def cancel(self, uuid: str) -> None:
        """DELETE .../build/{uuid}: 201 "Okay"."""
        self._client.delete(self._path_of(uuid))

    def last_lines(self, uuid: str, count: int) -> list[str]:
        """The last lines of a build's log; none where Quay has put the log away."""
        logs = self._client.get(f"{self._path_of(uuid)}/logs", {"start": -count}).json_object().get("logs")
        messages = [str(entry.get("message") or "") for entry in logs or () if isinstance(entry, dict)]
        lines = [line.rstrip() for message in messages for line in message.splitlines()]
        return [line for line in lines if line][-count:]

    def _path_of(self, uuid: str) -> str:
        return self.path + encode_part(uuid)


def dockerfile_of(subdirectory: str | None, dockerfile_path: str | None, context: str | None) -> tuple[str, str]:
    """Where Quay looks for the Dockerfile, and the folder that it builds in, from what the play says of them."""
    if dockerfile_path is not None:
        return dockerfile_path, posixpath.dirname(dockerfile_path) if context is None else context
    folder = subdirectory if subdirectory is not None else "/" if context is None else context
    return posixpath.join(folder, "Dockerfile"), folder if context is None else context
