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

from .._core.errors import BadInput, QuayError, Unconfirmed
from .._core.times import format_duration, format_time, parse_duration
from .._module.context import ModuleContext, Result
from .._quay.builds import CANCELLED, COMPLETE, WAITING, Build, Builds, Source, dockerfile_of
from .._quay.repositories import NORMAL, Repositories, RepositoryName
from .reconcile import ABSENT

_LAST_LINES = 20


class BuildFailed(QuayError):
    """The build ended, and not well; or it did not end in time."""


def ensure_repository_build(context: ModuleContext) -> Result:
    """The module quay_repository_build."""
    params = context.params
    name = RepositoryName.parse(params["repository"])
    builds = Builds(context.client, name.path)
    watcher = BuildWatcher(context, builds, name)
    if params["state"] == ABSENT:
        return _cancel(context, builds, name)
    if params["uuid"]:
        present = builds.get(params["uuid"])
        if present is None:
            raise BadInput(f"uuid: the repository {name} has no build {params['uuid']}")
        return _wait_and_report(context, name, watcher, present, present.source, started=False)
    source = _source(context)
    if context.server.feature("BUILD_SUPPORT") is False:
        raise BadInput(
            "This Quay does not build images (FEATURE_BUILD_SUPPORT is off). It would take the build and let it wait "
            "for ever, so nothing was sent"
        )
    # Quay starts a new build on each request. The same work, already under way, is not asked for twice.
    running = [build for build in builds.running() if build.source == source]
    if running:
        return _wait_and_report(context, name, watcher, running[0], source, started=False)
    _refuse_unbuildable(context, name)
    started = None if context.check_mode else _start(builds, source)
    return _wait_and_report(context, name, watcher, started, source, started=True)


def _source(context: ModuleContext) -> Source:
    """What the play wants to be built. Raises BadInput for what Quay would refuse or stumble over."""
    params = context.params
    url = str(params["archive_url"])
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https") or not url.isascii():
        raise BadInput("archive_url must be a URL that begins with https:// (or http://), in ASCII")
    if "@" in urlsplit(url).netloc:
        context.refuse_login_in("archive_url", url, "Quay shows it to whoever may push")
    tags = params["tags"]
    if not tags or "" in tags or len(set(tags)) < len(tags):
        raise BadInput("tags must name at least one tag, and none twice")
    robot = params["pull_robot"]
    if robot and "+" not in robot:
        raise BadInput(f"pull_robot: '{robot}' is no robot's full name; write organization+robot")
    path, build_context = dockerfile_of(params["subdirectory"], params["dockerfile_path"], params["context"])
    return Source(url, path, build_context, tuple(tags), robot or None)


def _refuse_unbuildable(context: ModuleContext, name: RepositoryName) -> None:
    """What Quay would refuse, known beforehand so that check mode knows it, too."""
    repository = Repositories(context.client, name).get()
    if repository is None:
        raise BadInput(f"repository: there is no {name}; create it with quay_repository")
    if repository.mode != NORMAL:
        raise BadInput(f"The repository {name} is in the mode {repository.mode} and takes no builds")
    context.server.refuse_if_read_only("POST", f"{name.path}/build/")


def _start(builds: Builds, source: Source) -> Build:
    """Ask once. After an unclear answer, a build of this source that is now under way is the one; none was before."""
    try:
        return builds.start(source)
    except QuayError as error:
        made = [build for build in builds.running() if build.source == source] if error.outcome_unknown else []
        if not made:
            raise
        return made[0]


def _wait_and_report(
    context: ModuleContext,
    name: RepositoryName,
    watcher: BuildWatcher,
    build: Build | None,
    source: Source,
    *,
    started: bool,
) -> Result:
    waits = bool(context.params["wait"])
    if build is not None and waits and not context.check_mode:
        build = watcher.wait_until_finished(build)
    foreseen = None if waits else WAITING
    values = {
        "repository": str(name),
        **_public(source),
        "uuid": build.uuid if build else None,
        "phase": build.phase if build else foreseen,
        "started_at": format_time(build.started_at) if build else None,
        "progress": None if waits and context.check_mode else watcher.progress,
    }
    after = _public(source)
    return Result(started, values, {} if started else after, after)


def _cancel(context: ModuleContext, builds: Builds, name: RepositoryName) -> Result:
    uuid = context.params["uuid"]
    present = builds.get(uuid)
    cancels = present is not None and not present.finished
    if cancels:
        context.server.refuse_if_read_only("DELETE", f"{builds.path}{uuid}")
    if cancels and not context.check_mode:
        _cancel_once(builds, uuid)
    empty: dict[str, Any] = dict.fromkeys(("archive_url", "dockerfile_path", "context", "tags", "pull_robot"))
    phase = present.phase if present else None
    values = {
        "repository": str(name),
        **(_public(present.source) if present else empty),
        "uuid": uuid,
        "phase": CANCELLED if cancels else phase,
        "started_at": format_time(present.started_at) if present else None,
        "progress": [],
    }
    return Result(cancels, values, {"phase": phase}, {"phase": values["phase"]})


def _cancel_once(builds: Builds, uuid: str) -> None:
    failure: QuayError | None = None
    try:
        builds.cancel(uuid)
    except QuayError as error:
        if not error.outcome_unknown:
            raise
        failure = error
    found = builds.get(uuid)
    if found is not None and not found.finished:
        raise failure or Unconfirmed(f"Quay reported success, but the build {uuid} is in the phase {found.phase}")


def _public(source: Source) -> dict[str, Any]:
    return {
        "archive_url": source.archive_url,
        "dockerfile_path": source.dockerfile_path,
        "context": source.context,
        "tags": list(source.tags),
        "pull_robot": source.pull_robot,
    }


class BuildWatcher:
    """Looks at a build again and again, and remembers each step that it saw."""

    def __init__(
        self,
        context: ModuleContext,
        builds: Builds,
        name: RepositoryName,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.progress: list[dict[str, Any]] = []
        self._context = context
        self._builds = builds
        self._name = name
        self._sleep = sleep
        self._clock = clock
        self._timeout = parse_duration(context.params["wait_timeout"], "wait_timeout") or timedelta(0)
        self._interval = parse_duration(context.params["wait_interval"], "wait_interval") or timedelta(0)

    def note(self, build: Build) -> None:
        """Remember what is new of the build."""
        seen = {"phase": build.phase, "step": build.step, "steps": build.steps}
        last = self.progress[-1] if self.progress else {}
        if seen != {key: last.get(key) for key in seen}:
            self.progress.append({**seen, "seen_at": format_time(self._context.client.now())})

    def wait_until_finished(self, build: Build) -> Build:
        """Wait until the build is over. Raises BuildFailed where it fails, is cancelled or takes too long."""
        deadline = self._clock() + self._timeout.total_seconds()
        self.note(build)
        while not build.finished:
            left = deadline - self._clock()
            if left <= 0:
                raise BuildFailed(
                    f"The build {build.uuid} of {self._name} is still in the phase {build.phase} after "
                    f"{format_duration(self._timeout)} (wait_timeout). It goes on; run the task again to wait for it, or cancel "
                    "it with state=absent and its uuid"
                )
            self._sleep(min(left, self._interval.total_seconds()))
            build = self._builds.get(build.uuid) or build
            self.note(build)
        if build.phase != COMPLETE:
            raise BuildFailed(self._failure_message(build))
        return build

    def _failure_message(self, build: Build) -> str:
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
