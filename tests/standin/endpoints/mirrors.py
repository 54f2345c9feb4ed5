# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors of repositories: configuration, and requests for a sync. Nothing is copied."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from typing import Any

from .. import rights
from ..errors import MessageError, bad_request, internal_error, not_found, unknown_robot
from ..quay import quay
from ..routing import Routes, json_body, require
from ..state import Mirror, Repository
from ..usage_log import log
from .repositories import find_repository, split

routes = Routes()

_TEXT_OR_NULL = {"type": ["string", "null"]}
_PROPERTIES = {
    "is_enabled": {"type": "boolean"},
    "external_reference": {"type": "string"},
    "external_registry_username": _TEXT_OR_NULL,
    "external_registry_password": _TEXT_OR_NULL,
    "sync_start_date": {"type": "string"},
    "sync_interval": {"type": "integer", "minimum": 0},
    "robot_username": {"type": "string"},
    "root_rule": {
        "type": "object",
        "required": ["rule_kind", "rule_value"],
        "properties": {
            "rule_kind": {"type": "string", "enum": ["tag_glob_csv"]},
            "rule_value": {"type": "array", "items": {"type": "string"}},
        },
    },
    "external_registry_config": {
        "type": "object",
        "properties": {
            "verify_tls": {"type": "boolean"},
            "unsigned_images": {"type": "boolean"},
            "proxy": {
                "type": "object",
                "properties": dict.fromkeys(("http_proxy", "https_proxy", "no_proxy"), _TEXT_OR_NULL),
            },
        },
    },
    "skopeo_timeout_interval": {"type": "integer", "minimum": 300},
    "architecture_filter": {"type": ["array", "null"], "items": {"type": "string"}},
}
_REQUIRED = ["external_reference", "sync_interval", "sync_start_date", "root_rule", "skopeo_timeout_interval"]
_NEW = {"type": "object", "required": _REQUIRED, "properties": _PROPERTIES}
_UPDATE = {"type": "object", "properties": _PROPERTIES}

_MIRROR = "/repository/<repository:repository>/mirror"
_DATE = "%Y-%m-%dT%H:%M:%SZ"
_RUNNING = ("SYNC_NOW", "SYNCING")


class DetailError(MessageError):
    """Some errors of mirrors have only the key `detail`."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail, status)
        self.body = {"detail": detail}


def _administered(full_name: str) -> Repository:
    require(rights.can_administer_repository(*split(full_name)))
    found = find_repository(full_name)
    if found is None:
        raise not_found()
    return found


def _mirrored(full_name: str) -> tuple[Repository, Mirror]:
    found = _administered(full_name)
    if found.mirror is None:
        raise not_found()
    return found, found.mirror


@routes.add("GET", _MIRROR, feature="REPO_MIRROR")
def get(repository: str) -> dict[str, Any]:
    _found, mirror = _mirrored(repository)
    return {
        "is_enabled": mirror.enabled,
        "mirror_type": "PULL",
        "external_reference": mirror.external_reference,
        "external_registry_username": mirror.username,
        "external_registry_config": mirror.registry,
        "sync_interval": mirror.sync_interval,
        "sync_start_date": _date(mirror.sync_start_date),
        "sync_expiration_date": None,
        "sync_retries_remaining": mirror.retries,
        "sync_status": mirror.status,
        "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": mirror.tags},
        "robot_username": mirror.robot,
        "skopeo_timeout_interval": mirror.skopeo_timeout,
        "architecture_filter": mirror.architectures,
    }


def _date(moment: datetime | None) -> str | None:
    return moment.replace(tzinfo=None).isoformat() + "Z" if moment else None


@routes.add("POST", _MIRROR, feature="REPO_MIRROR")
def create(repository: str) -> tuple[str, int]:
    require(rights.can_administer_repository(*split(repository)))
    body = json_body(_NEW)
    found = _administered(repository)
    if found.mirror is not None:
        raise DetailError(f"Mirror configuration already exits for repository {repository}", 409)
    _check_location(body["external_reference"])
    _check_architectures(body.get("architecture_filter"))
    start = _parsed_date(body["sync_start_date"])
    tags = _checked_tags(body["root_rule"])
    if "robot_username" not in body:
        internal_error()
    robot = _checked_robot(found, body["robot_username"])
    _grant_write(found, robot)
    if body.keys() - _PROPERTIES.keys():
        internal_error()
    found.mirror = Mirror(
        external_reference=body["external_reference"],
        robot=robot,
        tags=tags,
        sync_interval=body["sync_interval"],
        sync_start_date=start,
        skopeo_timeout=body["skopeo_timeout_interval"],
        username=body.get("external_registry_username") or None,
        password=body.get("external_registry_password") or None,
        registry=body.get("external_registry_config") or {},
        architectures=body.get("architecture_filter") or [],
        enabled=body.get("is_enabled", True),
    )
    found.state = "MIRROR"
    _log(found, "external_reference", body["external_reference"])
    return "", 201


@routes.add("PUT", _MIRROR, feature="REPO_MIRROR")
def update(repository: str) -> tuple[str, int]:
    require(rights.can_administer_repository(*split(repository)))
    body = json_body(_UPDATE)
    found, mirror = _mirrored(repository)
    _check_update(body)
    if "robot_username" in body:
        mirror.robot = _checked_robot(found, body["robot_username"])
        _grant_write(found, mirror.robot)
    if "sync_start_date" in body:
        mirror.sync_start_date = _parsed_date(body["sync_start_date"])
    if "root_rule" in body:
        mirror.tags = _checked_tags(body["root_rule"])
    mirror.enabled = body.get("is_enabled", mirror.enabled)
    mirror.external_reference = body.get("external_reference", mirror.external_reference)
    mirror.sync_interval = body.get("sync_interval", mirror.sync_interval)
    mirror.skopeo_timeout = body.get("skopeo_timeout_interval", mirror.skopeo_timeout)
    if "architecture_filter" in body:
        mirror.architectures = body["architecture_filter"] or []
    if "external_registry_username" in body:
        # Unlike in a new configuration, an empty name stays empty.
        mirror.username = body["external_registry_username"]
        mirror.password = body.get("external_registry_password", mirror.password)
    _change_registry(mirror.registry, body.get("external_registry_config", {}))
    for key in sorted(body.keys() & _PROPERTIES.keys()):
        hidden = key == "external_registry_password" and body[key]
        _log(found, key, "********" if hidden else body[key])
    return "", 201


def _check_update(body: dict[str, Any]) -> None:
    if "external_reference" in body:
        _check_location(body["external_reference"])
    if "sync_start_date" in body:
        _parsed_date(body["sync_start_date"])
    _check_architectures(body.get("architecture_filter"))
    if "external_registry_password" not in body:
        return
    if "external_registry_username" not in body:
        raise DetailError("Unable to set a new password without also specifying a username.")
    if body["external_registry_username"] is None and body["external_registry_password"] is not None:
        raise DetailError("Unable to delete username while setting a password.")


def _change_registry(registry: dict[str, Any], changes: dict[str, Any]) -> None:
    registry.update({key: changes[key] for key in ("verify_tls", "unsigned_images") if key in changes})
    for key in ("http_proxy", "https_proxy", "no_proxy"):
        if key not in changes.get("proxy", {}):
            continue
        if "proxy" not in registry:
            # Quay loses the first proxy: it only creates the dictionary.
            registry["proxy"] = {}
        else:
            registry["proxy"][key] = changes["proxy"][key]


@routes.add("POST", f"{_MIRROR}/sync-now", feature="REPO_MIRROR")
def sync_now(repository: str) -> tuple[str, int]:
    found, mirror = _mirrored(repository)
    if mirror.status == "SYNCING":
        raise not_found()
    mirror.status, mirror.retries = "SYNC_NOW", max(mirror.retries, 1)
    _log(found, "sync_status", "SYNC_NOW")
    return "", 204


@routes.add("POST", f"{_MIRROR}/sync-cancel", feature="REPO_MIRROR")
def cancel_sync(repository: str) -> tuple[str, int]:
    found, mirror = _mirrored(repository)
    if mirror.status not in _RUNNING:
        raise not_found()
    mirror.status, mirror.retries = "CANCEL", 0
    _log(found, "sync_status", "SYNC_CANCEL")
    return "", 204


def _check_location(reference: str) -> None:
    if re.search(r"\s", reference):
        raise bad_request("External registry reference must not include whitespace")
    if "://" in reference:
        raise bad_request("External registry reference must not include a URL scheme")
    host, _slash, path = reference.partition("/")
    if not path:
        raise bad_request("External registry reference must include a repository path")
    name = host.partition(":")[0]
    # No DNS lookup: names below .invalid do not resolve, all others do.
    if name.endswith(".invalid"):
        raise bad_request(f"Cannot resolve hostname '{name}'")
    if name == "localhost" or _is_private(name):
        raise bad_request("The provided registry location is not allowed")


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _check_architectures(wanted: list[str] | None) -> None:
    if wanted and not quay().feature("SPARSE_INDEX"):
        raise DetailError("Architecture filtering requires FEATURE_SPARSE_INDEX to be enabled.")


def _parsed_date(text: str) -> datetime:
    try:
        return datetime.strptime(text, _DATE).replace(tzinfo=UTC)
    except ValueError:
        raise DetailError("Incorrect DateTime format for sync_start_date.") from None


def _checked_tags(rule: dict[str, Any]) -> list[str]:
    tags: list[str] = rule["rule_value"]
    if not tags:
        raise bad_request("validation failed: rule_value for TAG_GLOB_CSV must be a list with at least one rule")
    return tags


def _checked_robot(repository: Repository, name: str) -> str:
    robot = quay().state.robots.get(name)
    if robot is None:
        raise unknown_robot()
    if robot.namespace != repository.namespace:
        raise MessageError("Invalid robot")
    return name


def _grant_write(repository: Repository, robot: str) -> None:
    if repository.user_roles.get(robot) in (None, "read"):
        repository.user_roles[robot] = "write"


def _log(repository: Repository, changed: str, to: Any) -> None:
    namespace, name = repository.namespace, repository.name
    metadata = {"repo": name, "namespace": namespace, "changed": changed, "to": to}
    log("repo_mirror_config_changed", namespace, metadata, repository=name)
