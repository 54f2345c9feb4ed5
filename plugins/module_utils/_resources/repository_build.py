# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_repository_build: builds of images inside Quay, started, awaited and cancelled (.../repository/{name}/build)."""

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
from .reconcile import ABSENT, attempt
from .repository_checks import require_repository

# Lines of a failed build's log that the error message repeats.
_LAST_LINES = 20


class BuildFailed(QuayError):
    """The build failed, was cancelled, or did not finish within wait_timeout."""


def ensure_repository_build(context: ModuleContext) -> Result:
    """Run quay_repository_build: start a build or join a running one, wait for it, or cancel it."""
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
        return _wait_and_report(context, watcher, present, present.source, started=False)
    source = _source_from_options(context)
    if context.server.feature("BUILD_SUPPORT") is False:
        raise BadInput(
            "This Quay does not build images (FEATURE_BUILD_SUPPORT is off). It would accept the build and never run "
            "it, so nothing was sent"
        )
    # Quay starts a new build on each request. If a build of the same source is running, join it.
    running = _running_build(builds, source)
    if running is not None:
        return _wait_and_report(context, watcher, running, source, started=False)
    _check_startable(context, name)
    started = None if context.check_mode else _start(builds, source)
    return _wait_and_report(context, watcher, started, source, started=True)


def _source_from_options(context: ModuleContext) -> Source:
    """Return what the play wants to build. Raises BadInput for values that Quay refuses or answers 500 to."""
    params = context.params
    url = str(params["archive_url"])
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https") or not url.isascii():
        raise BadInput("archive_url must be a URL that begins with https:// or http:// and has only ASCII characters")
    if "@" in urlsplit(url).netloc:
        context.refuse_login_in("archive_url", url, "Quay shows it to everybody who may push")
    tags = params["tags"]
    if not tags or "" in tags or len(set(tags)) < len(tags):
        raise BadInput("tags must name at least one tag, and each tag only once")
    robot = params["pull_robot"]
    if robot and "+" not in robot:
        raise BadInput(f"pull_robot: '{robot}' is not the full name of a robot; write organization+robot")
    path, build_context = dockerfile_of(params["subdirectory"], params["dockerfile_path"], params["context"])
    return Source(url, path, build_context, tuple(tags), robot or None)


def _check_startable(context: ModuleContext, name: RepositoryName) -> None:
    """Raise an error for a build that Quay would refuse, so that check mode fails as well."""
    repository = require_repository(Repositories(context.client, name).get(), name)
    if repository.mode != NORMAL:
        raise BadInput(
            f"The repository {name} is in the mode {repository.mode} and takes no builds. Set mode=normal with "
            "quay_repository"
        )
    context.server.refuse_if_read_only("POST", f"{name.path}/build/")


def _running_build(builds: Builds, source: Source) -> Build | None:
    return next((build for build in builds.running() if build.source == source), None)


def _start(builds: Builds, source: Source) -> Build:
    """Start the build once. If the response is lost, return the build of this source that is running now."""
    try:
        return builds.start(source)
    except QuayError as error:
        started = _running_build(builds, source) if error.outcome_unknown else None
        if started is None:
            raise
        return started


def _wait_and_report(
    context: ModuleContext, watcher: BuildWatcher, build: Build | None, source: Source, *, started: bool
) -> Result:
    """Wait for the build if the play wants it, and return the module's result. ``build`` is None in check mode."""
    waits = bool(context.params["wait"])
    if build is not None and waits and not context.check_mode:
        build = watcher.wait_until_finished(build)
    predicted_phase = None if waits else WAITING
    values = {
        "repository": str(watcher.name),
        **_source_values(source),
        "uuid": build.uuid if build else None,
        "phase": build.phase if build else predicted_phase,
        "started_at": format_time(build.started_at) if build else None,
        "progress": None if waits and context.check_mode else watcher.progress,
    }
    after = _source_values(source)
    return Result(started, values, {} if started else after, after)


def _cancel(context: ModuleContext, builds: Builds, name: RepositoryName) -> Result:
    uuid = context.params["uuid"]
    present = builds.get(uuid)
    cancels = present is not None and not present.finished
    if cancels:
        context.server.refuse_if_read_only("DELETE", f"{builds.path}{uuid}")
    if cancels and not context.check_mode:
        _cancel_and_confirm(builds, uuid)
    phase = present.phase if present else None
    values = {
        "repository": str(name),
        **_source_values(present.source if present else None),
        "uuid": uuid,
        "phase": CANCELLED if cancels else phase,
        "started_at": format_time(present.started_at) if present else None,
        "progress": [],
    }
    return Result(cancels, values, {"phase": phase}, {"phase": values["phase"]})


def _cancel_and_confirm(builds: Builds, uuid: str) -> None:
    error = attempt(lambda: builds.cancel(uuid))
    found = builds.get(uuid)
    if found is not None and not found.finished:
        raise error or Unconfirmed(
            f"Quay reported success, but the build {uuid} is in the phase {found.phase}. Run the task again"
        )


def _source_values(source: Source | None) -> dict[str, Any]:
    """Return the return keys that describe a source; all null if it is unknown."""
    if source is None:
        return dict.fromkeys(("archive_url", "dockerfile_path", "context", "tags", "pull_robot"))
    return {
        "archive_url": source.archive_url,
        "dockerfile_path": source.dockerfile_path,
        "context": source.context,
        "tags": list(source.tags),
        "pull_robot": source.pull_robot,
    }


class BuildWatcher:
    """Polls a build until it is finished. ``progress`` has each phase and step that was seen, oldest first."""

    def __init__(
        self,
        context: ModuleContext,
        builds: Builds,
        name: RepositoryName,
        sleep: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises BadInput for a malformed duration, and for polling without a pause."""
        self.name = name
        self.progress: list[dict[str, Any]] = []
        self._context = context
        self._builds = builds
        self._sleep = sleep or time.sleep
        self._clock = clock
        self._timeout = parse_duration(context.params["wait_timeout"], "wait_timeout") or timedelta(0)
        self._interval = parse_duration(context.params["wait_interval"], "wait_interval") or timedelta(0)
        if not self._interval:
            raise BadInput(
                "wait_interval must be more than 0: without a pause, requests would follow each other as fast as Quay "
                "answers. Write for example 10s"
            )

    def wait_until_finished(self, build: Build) -> Build:
        """Return the finished build. Raises BuildFailed if it fails, is cancelled, or exceeds wait_timeout."""
        deadline = self._clock() + self._timeout.total_seconds()
        self._record(build)
        while not build.finished:
            left = deadline - self._clock()
            if left <= 0:
                raise BuildFailed(
                    f"The build {build.uuid} of {self.name} is still in the phase {build.phase} after "
                    f"{format_duration(self._timeout)} (wait_timeout). It continues to run. Run the task again to wait "
                    "for it, or cancel it with state=absent and its uuid"
                )
            self._sleep(min(left, self._interval.total_seconds()))
            build = self._builds.get(build.uuid) or build
            self._record(build)
        if build.phase != COMPLETE:
            raise BuildFailed(self._failure_message(build))
        return build

    def _record(self, build: Build) -> None:
        """Add the build's phase and step to the progress if they are new."""
        current = {"phase": build.phase, "step": build.step, "steps": build.steps}
        last = self.progress[-1] if self.progress else {}
        if current != {key: last.get(key) for key in current}:
            self.progress.append({**current, "seen_at": format_time(self._context.client.now())})

    def _failure_message(self, build: Build) -> str:
        phases = ", ".join(dict.fromkeys(str(step["phase"]) for step in self.progress))
        sentences = [f"The build {build.uuid} of {self.name} ended in the phase {build.phase} (seen: {phases})"]
        if build.error:
            sentences.append(build.error)
        try:
            lines = self._builds.last_lines(build.uuid, _LAST_LINES)
        except QuayError as error:
            sentences.append(f"Its log cannot be read: {error}")
            lines = []
        if lines:
            sentences.append("Last lines of its log:\n" + "\n".join(lines))
        return ". ".join(sentences)
