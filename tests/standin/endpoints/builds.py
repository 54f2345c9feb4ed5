# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds: start, list, cancel. Nothing is built; tests set the phase."""

from __future__ import annotations

import hashlib
import posixpath
from typing import Any

from flask import request

from .. import rights
from ..errors import MessageError, bad_request, internal_error, not_found, unauthorized
from ..quay import caller, quay
from ..routing import API, Routes, json_body, require
from ..serialization import rfc2822
from ..state import Build, Repository
from ..usage_log import log
from .repositories import find_repository, split

routes = Routes()

_TEXT = {"type": "string"}
_NEW = {
    "type": "object",
    "properties": {
        "file_id": _TEXT,
        "archive_url": _TEXT,
        "subdirectory": _TEXT,
        "dockerfile_path": _TEXT,
        "context": _TEXT,
        "pull_robot": _TEXT,
        "docker_tags": {"type": "array", "items": _TEXT, "minItems": 1, "uniqueItems": True},
    },
}
_BUILDS = "/repository/<repository:repository>/build/"
_FINISHED = ("complete", "error", "internalerror", "expired", "cancelled")
_STATES = ("NORMAL", "READ_ONLY", "MIRROR")


@routes.add("GET", _BUILDS)
def list_builds(repository: str) -> dict[str, Any]:
    found = _readable(repository)
    builds = sorted(found.builds, key=lambda build: build.started, reverse=True) if found else []
    since = request.args.get("since", type=int)
    if since is not None:
        builds = [build for build in builds if build.started.timestamp() >= since]
    return {"builds": [_view(repository, build) for build in builds[: request.args.get("limit", 5, type=int)]]}


@routes.add("POST", _BUILDS)
def start(repository: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Start a build. Quay accepts it even if FEATURE_BUILD_SUPPORT is off."""
    namespace, name = split(repository)
    require(rights.can_write_repository(namespace, name))
    found = find_repository(repository)
    _refuse_unless_normal(found)
    body = json_body(_NEW)
    _check_source(body)
    _check_robot(body.get("pull_robot"))
    if found is None:
        raise not_found()
    if not body["archive_url"].isascii():
        internal_error()
    context, path = _dockerfile(body)
    build = Build(
        started=quay().clock.now(),
        archive_url=body["archive_url"],
        dockerfile_path=path,
        context=context,
        tags=body.get("docker_tags", ["latest"]),
        manual_user=caller().name or "",
        pull_robot=body.get("pull_robot") or None,
    )
    found.builds.append(build)
    metadata = {"build_id": build.uuid, "docker_tags": build.tags, "repo": name, "namespace": namespace}
    log("build_dockerfile", namespace, metadata | {"is_manual": True, "manual_user": caller().name}, repository=name)
    return _view(repository, build), 201, {"Location": f"{API}/repository/{repository}/build/{build.uuid}/status"}


def _check_source(body: dict[str, Any]) -> None:
    if not body.get("file_id") and not body.get("archive_url"):
        raise bad_request("file_id or archive_url required")
    if body.get("archive_url") and not body["archive_url"].startswith(("http://", "https://")):
        raise bad_request("Invalid Archive URL: Must be http or https")
    if body.get("file_id"):
        raise bad_request(f"File {body['file_id']} could not be found or is invalid")


def _check_robot(name: str | None) -> None:
    if not name:
        return
    if "+" not in name:
        raise unauthorized()
    if name not in quay().state.robots:
        raise not_found()
    if not rights.can_administer_organization(name.split("+")[0]):
        raise unauthorized()


def _dockerfile(body: dict[str, Any]) -> tuple[str, str]:
    context = body.get("context", "/")
    if "dockerfile_path" in body:
        path = body["dockerfile_path"]
        return (context if "context" in body else posixpath.dirname(path)), path
    folder = body.get("subdirectory", context)
    return folder, f"{folder.removesuffix('/')}/Dockerfile"


@routes.add("GET", f"{_BUILDS}<uuid>")
def get(repository: str, uuid: str) -> dict[str, Any]:
    build = _find(repository, uuid)
    if build is None:
        raise not_found()
    return _view(repository, build)


@routes.add("GET", f"{_BUILDS}<uuid>/status")
def get_status(repository: str, uuid: str) -> dict[str, Any]:
    build = _find(repository, uuid)
    if build is None:
        raise MessageError(f"Unable to locate a build by id: {uuid}")
    return _view(repository, build)


@routes.add("GET", f"{_BUILDS}<uuid>/logs")
def get_logs(repository: str, uuid: str) -> dict[str, Any]:
    build = _find(repository, uuid)
    if not quay().feature("READER_BUILD_LOGS"):
        require(rights.can_write_repository(*split(repository)))
    if build is None:
        raise MessageError(f"Unable to locate a build by id: {uuid}")
    first = request.args.get("start", 0, type=int)
    return {"start": first, "total": len(build.lines), "logs": [{"message": line} for line in build.lines[first:]]}


@routes.add("DELETE", f"{_BUILDS}<uuid>")
def cancel(repository: str, uuid: str) -> tuple[str, int]:
    namespace, name = split(repository)
    require(rights.can_administer_repository(namespace, name))
    _refuse_unless_normal(find_repository(repository))
    build = _find(repository, uuid)
    if build is None:
        raise not_found()
    if build.phase in _FINISHED:
        raise bad_request("Build is currently running or has finished")
    build.phase = "cancelled"
    log("cancel_build", namespace, {"build_uuid": uuid}, repository=name)
    return "Okay", 201


def _readable(full_name: str) -> Repository | None:
    found = find_repository(full_name)
    require(bool(found and found.is_public) or rights.can_read_repository(*split(full_name)))
    return found


def _find(full_name: str, uuid: str) -> Build | None:
    found = _readable(full_name)
    return next((build for build in found.builds if build.uuid == uuid), None) if found else None


def _refuse_unless_normal(found: Repository | None) -> None:
    if found is not None and found.state != "NORMAL":
        raise MessageError(f"Repository is in read only or mirror mode: {_STATES.index(found.state)}", 503)


def _view(full_name: str, build: Build) -> dict[str, Any]:
    namespace, name = split(full_name)
    writes = rights.can_write_repository(namespace, name)
    robot = {"name": build.pull_robot, "kind": "user", "is_robot": True} if build.pull_robot else None
    view: dict[str, Any] = {
        "id": build.uuid,
        "phase": build.phase,
        "started": rfc2822(build.started),
        "display_name": hashlib.sha224(build.archive_url.encode()).hexdigest()[:7],
        "status": build.status,
        "subdirectory": build.dockerfile_path,
        "dockerfile_path": build.dockerfile_path,
        "context": build.context,
        "tags": build.tags,
        "manual_user": build.manual_user,
        "is_writer": writes,
        "trigger": None,
        "trigger_metadata": {},
        "resource_key": None,
        "pull_robot": robot,
        "repository": {"namespace": namespace, "name": name},
        "error": None,
    }
    return view | {"archive_url": build.archive_url} if writes else view
