# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Builds of images inside Quay: started or joined, awaited, cancelled."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Callable
from urllib.parse import urlsplit

from ansible_collections.tokensmith.quay.plugins.module_utils._builds import (
    CANCELLED,
    COMPLETE,
    WAITING,
    Build,
    Builds,
    Source,
    dockerfile_of,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import BadInput, QuayError, Unconfirmed
from ansible_collections.tokensmith.quay.plugins.module_utils._repositories import (
    NORMAL,
    Repositories,
    RepositoryName,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._runner import Call, Outcome
from ansible_collections.tokensmith.quay.plugins.module_utils._times import iso, parse_duration, spoken
from ansible_collections.tokensmith.quay.plugins.module_utils._upkeep import ABSENT

_LAST_LINES = 20


class BuildFailed(QuayError):
    """The build ended, and not well; or it did not end in time."""


def ensure_repository_build(call: Call) -> Outcome:
    """The module quay_repository_build."""
    params = call.params
    name = RepositoryName.parse(params["repository"])
    builds = Builds(call.client, name.path)
    watch = Watch(call, builds, name)
    if params["state"] == ABSENT:
        return _cancel(call, builds, name)
    if params["uuid"]:
        present = builds.get(params["uuid"])
        if present is None:
            raise BadInput(f"uuid: the repository {name} has no build {params['uuid']}")
        return _awaited(call, name, watch, present, present.source, started=False)
    source = _source(call)
    if call.server.feature("BUILD_SUPPORT") is False:
        raise BadInput(
            "This Quay does not build images (FEATURE_BUILD_SUPPORT is off). It would take the build and let it wait "
            "for ever, so nothing was sent"
        )
    # Quay starts a new build on each request. The same work, already under way, is not asked for twice.
    running = [build for build in builds.under_way() if build.source == source]
    if running:
        return _awaited(call, name, watch, running[0], source, started=False)
    _refuse_unbuildable(call, name)
    started = None if call.check_mode else _start(builds, source)
    return _awaited(call, name, watch, started, source, started=True)


def _source(call: Call) -> Source:
    """What the play wants to be built. Raises BadInput for what Quay would refuse or stumble over."""
    params = call.params
    url = str(params["archive_url"])
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https") or not url.isascii():
        raise BadInput("archive_url must be a URL that begins with https:// (or http://), in ASCII")
    if "@" in urlsplit(url).netloc:
        call.refuse_login_in("archive_url", url, "Quay shows it to whoever may push")
    tags = params["tags"]
    if not tags or "" in tags or len(set(tags)) < len(tags):
        raise BadInput("tags must name at least one tag, and none twice")
    robot = params["pull_robot"]
    if robot and "+" not in robot:
        raise BadInput(f"pull_robot: '{robot}' is no robot's full name; write organization+robot")
    path, context = dockerfile_of(params["subdirectory"], params["dockerfile_path"], params["context"])
    return Source(url, path, context, tuple(tags), robot or None)


def _refuse_unbuildable(call: Call, name: RepositoryName) -> None:
    """What Quay would refuse, known beforehand so that check mode knows it, too."""
    repository = Repositories(call.client, name).get()
    if repository is None:
        raise BadInput(f"repository: there is no {name}; create it with quay_repository")
    if repository.mode != NORMAL:
        raise BadInput(f"The repository {name} is in the mode {repository.mode} and takes no builds")
    call.server.refuse_if_read_only("POST", f"{name.path}/build/")


def _start(builds: Builds, source: Source) -> Build:
    """Ask once. After an unclear answer, a build of this source that is now under way is the one; none was before."""
    try:
        return builds.start(source)
    except QuayError as error:
        made = [build for build in builds.under_way() if build.source == source] if error.unclear else []
        if not made:
            raise
        return made[0]


def _awaited(
    call: Call, name: RepositoryName, watch: Watch, build: Build | None, source: Source, *, started: bool
) -> Outcome:
    waits = bool(call.params["wait"])
    if build is not None and waits and not call.check_mode:
        build = watch.until_over(build)
    foreseen = None if waits else WAITING
    values = {
        "repository": str(name),
        **_public(source),
        "uuid": build.uuid if build else None,
        "phase": build.phase if build else foreseen,
        "started_at": iso(build.started_at) if build else None,
        "progress": None if waits and call.check_mode else watch.progress,
    }
    after = _public(source)
    return Outcome(started, values, {} if started else after, after)


def _cancel(call: Call, builds: Builds, name: RepositoryName) -> Outcome:
    uuid = call.params["uuid"]
    present = builds.get(uuid)
    cancels = present is not None and not present.over
    if cancels:
        call.server.refuse_if_read_only("DELETE", f"{builds.path}{uuid}")
    if cancels and not call.check_mode:
        _cancel_once(builds, uuid)
    empty: dict[str, Any] = dict.fromkeys(("archive_url", "dockerfile_path", "context", "tags", "pull_robot"))
    phase = present.phase if present else None
    values = {
        "repository": str(name),
        **(_public(present.source) if present else empty),
        "uuid": uuid,
        "phase": CANCELLED if cancels else phase,
        "started_at": iso(present.started_at) if present else None,
        "progress": [],
    }
    return Outcome(cancels, values, {"phase": phase}, {"phase": values["phase"]})


def _cancel_once(builds: Builds, uuid: str) -> None:
    failure: QuayError | None = None
    try:
        builds.cancel(uuid)
    except QuayError as error:
        if not error.unclear:
            raise
        failure = error
    found = builds.get(uuid)
    if found is not None and not found.over:
        raise failure or Unconfirmed(f"Quay reported success, but the build {uuid} is in the phase {found.phase}")


def _public(source: Source) -> dict[str, Any]:
    return {
        "archive_url": source.archive_url,
        "dockerfile_path": source.dockerfile_path,
        "context": source.context,
        "tags": list(source.tags),
        "pull_robot": source.pull_robot,
    }


class Watch:
    """Looks at a build again and again, and remembers each step that it saw."""

    def __init__(
        self,
        call: Call,
        builds: Builds,
        name: RepositoryName,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress: list[dict[str, Any]] = []
        self._call = call
        self._builds = builds
        self._name = name
        self._sleep = sleep
        self._clock = clock
        self._timeout = parse_duration(call.params["wait_timeout"], "wait_timeout") or timedelta(0)
        self._interval = parse_duration(call.params["wait_interval"], "wait_interval") or timedelta(0)

    def note(self, build: Build) -> None:
        """Remember what is new of the build."""
        seen = {"phase": build.phase, "step": build.step, "steps": build.steps}
        last = self.progress[-1] if self.progress else {}
        if seen != {key: last.get(key) for key in seen}:
            self.progress.append({**seen, "seen_at": iso(self._call.client.now())})

    def until_over(self, build: Build) -> Build:
        """Wait until the build is over. Raises BuildFailed where it fails, is cancelled or takes too long."""
        deadline = self._clock() + self._timeout.total_seconds()
        self.note(build)
        while not build.over:
            left = deadline - self._clock()
            if left <= 0:
                raise BuildFailed(
                    f"The build {build.uuid} of {self._name} is still in the phase {build.phase} after "
                    f"{spoken(self._timeout)} (wait_timeout). It goes on; run the task again to wait for it, or cancel "
                    "it with state=absent and its uuid"
                )
            self._sleep(min(left, self._interval.total_seconds()))
            build = self._builds.get(build.uuid) or build
            self.note(build)
        if build.phase != COMPLETE:
            raise BuildFailed(self._obituary(build))
        return build

    def _obituary(self, build: Build) -> str:
        phases = ", ".join(dict.fromkeys(str(step["phase"]) for step in self.progress))
        words = [f"The build {build.uuid} of {self._name} ended in the phase {build.phase} (seen: {phases})"]
        if build.error:
            words.append(build.error)
        try:
            lines = self._builds.last_lines(build.uuid, _LAST_LINES)
        except QuayError as error:
            words.append(f"Its log cannot be read: {error}")
            lines = []
        if lines:
            words.append("Its last lines:\n" + "\n".join(lines))
        return ". ".join(words)
