# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Repository mirrors (/api/v1/repository/{repository}/mirror): typed records in, typed records out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Iterator, Mapping

from .._core.times import parse_time
from .._http.address import api_path
from .._http.client import QuayClient
from .._http.errors import EndpointMissing, Forbidden, NotFound
from .._http.paging import read_list
from .repositories import MIRROR

SYNC_NOW = "sync_now"
CANCEL = "cancel"
NEVER_RUN = "never_run"
# Requested or running.
UNDER_WAY = (SYNC_NOW, "syncing")
# Every status that a sync can have after it was requested.
STARTED = (*UNDER_WAY, "success", "fail")
_PROXY_FIELDS = ("http_proxy", "https_proxy", "no_proxy")
# Our names and those of Quay.
_WIRE_NAMES = {
    "enabled": "is_enabled",
    "external_reference": "external_reference",
    "external_registry_username": "external_registry_username",
    "external_registry_password": "external_registry_password",
    "robot": "robot_username",
    "sync_interval": "sync_interval",
    "sync_start_date": "sync_start_date",
    "skopeo_timeout": "skopeo_timeout_interval",
    "architectures": "architecture_filter",
}


@dataclass(frozen=True)
class Mirror:
    """One mirror configuration. Quay never returns the password, nor whether one is set.

    ``sync_interval`` and ``skopeo_timeout``: seconds. ``has_proxies``: whether Quay has a proxy object.
    """

    enabled: bool
    external_reference: str
    external_registry_username: str
    verify_tls: bool
    unsigned_images: bool
    http_proxy: str
    https_proxy: str
    no_proxy: str
    tags: tuple[str, ...]
    robot: str
    sync_interval: int
    sync_start_date: datetime | None
    skopeo_timeout: int
    architectures: tuple[str, ...]
    status: str
    has_proxies: bool

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Mirror:
        registry = _mapping(data.get("external_registry_config"))
        proxies = _mapping(registry.get("proxy"))
        return cls(
            enabled=bool(data.get("is_enabled")),
            external_reference=str(data.get("external_reference") or ""),
            # POST stores an empty name as null, PUT as an empty string.
            external_registry_username=str(data.get("external_registry_username") or ""),
            verify_tls=bool(registry.get("verify_tls", True)),
            unsigned_images=bool(registry.get("unsigned_images", False)),
            http_proxy=str(proxies.get("http_proxy") or ""),
            https_proxy=str(proxies.get("https_proxy") or ""),
            no_proxy=str(proxies.get("no_proxy") or ""),
            tags=tuple(sorted(str(tag) for tag in _mapping(data.get("root_rule")).get("rule_value") or ())),
            robot=str(data.get("robot_username") or ""),
            sync_interval=int(data.get("sync_interval") or 0),
            sync_start_date=parse_time(data.get("sync_start_date")),
            skopeo_timeout=int(data.get("skopeo_timeout_interval") or 0),
            architectures=tuple(sorted(str(name) for name in data.get("architecture_filter") or ())),
            status=str(data.get("sync_status") or NEVER_RUN).lower(),
            has_proxies="proxy" in registry,
        )


class Mirrors:
    """The mirror of one repository (/api/v1/repository/{repository}/mirror, scope repo:admin)."""

    def __init__(self, client: QuayClient, repository_path: str) -> None:
        """``repository_path``: the API path of the repository, as RepositoryName.path returns it."""
        self._client = client
        self.path = f"{repository_path}/mirror"

    def get(self) -> Mirror | None:
        """Return the configuration, or None if there is none or FEATURE_REPO_MIRROR is off (GET .../mirror)."""
        try:
            return Mirror.of(self._client.get(self.path).object_with("external_reference"))
        except NotFound:
            return None

    def create(self, fields: Mapping[str, Any]) -> None:
        """Create the configuration (POST .../mirror). ``fields`` must be complete: Quay answers 500 without a robot.

        Quay also sets the state of the repository to MIRROR and gives the robot the role write.
        """
        self._client.post(self.path, _body(fields))

    def update(self, fields: Mapping[str, Any], *, has_proxies: bool) -> None:
        """Change these fields (PUT .../mirror). ``has_proxies``: as the present Mirror has it."""
        body = _body(fields)
        self._client.put(self.path, body)
        if "proxy" in body.get("external_registry_config", {}) and not has_proxies:
            # While no proxy object is configured, Quay drops the first proxy of a request. Send them again.
            self._client.put(self.path, {"external_registry_config": body["external_registry_config"]})

    def sync_now(self) -> None:
        """Request a sync (POST .../mirror/sync-now). Quay answers 404 while a sync is running."""
        self._client.post(f"{self.path}/sync-now")

    def cancel_sync(self) -> None:
        """Cancel the sync (POST .../mirror/sync-cancel). Quay answers 404 if no sync is requested or running."""
        self._client.post(f"{self.path}/sync-cancel")


def repository_mirrored_by(client: QuayClient, namespace: str, robot: str) -> str | None:
    """Return a repository of the namespace whose mirror uses the robot, by its full name, or None.

    Reads like robots_of_mirrors.
    """
    return next((repository for repository, user in mirrors_of(client, namespace) if user == robot), None)


def robots_of_mirrors(client: QuayClient, namespace: str) -> set[str]:
    """Return the robots that mirrors of the namespace's repositories use, by their full names.

    Quay has no list of mirrors: this reads the list of repositories, and the mirror of each one that has the state
    MIRROR. A mirror that the login may not read (it requires the scope repo:admin) is passed over.
    """
    return {robot for _repository, robot in mirrors_of(client, namespace)}


def mirrors_of(client: QuayClient, namespace: str, *, readable_only: bool = True) -> Iterator[tuple[str, str]]:
    """Yield each mirrored repository of a namespace, by its full name, with the robot of its mirror.

    ``readable_only``: pass over mirrors that the login may not read. Otherwise raises Forbidden for one, with a hint.
    """
    for item in read_list(client, api_path("repository"), "repositories", {"namespace": namespace}):
        if str(item.get("state")).lower() == MIRROR:
            name = str(item.get("name"))
            try:
                mirror = Mirrors(client, api_path("repository", namespace, *name.split("/"))).get()
            except Forbidden as error:
                if readable_only:
                    continue
                raise error.with_hint(
                    "The login may not read the mirrors of repositories: a token needs the scope repo:admin"
                ) from None
            if mirror is not None:
                yield f"{namespace}/{name}", mirror.robot


def robot_of_organization_mirror(client: QuayClient, organization: str) -> str | None:
    """Return the robot that the mirror of a complete organization uses, or None (GET /organization/{org}/mirror).

    Only servers with FEATURE_ORG_MIRROR have it. Quay does not protect this robot from deletion.
    """
    try:
        data = client.get(api_path("organization", organization, "mirror")).json_object()
    except (NotFound, EndpointMissing):
        return None
    return str(data["robot_username"]) if data.get("robot_username") else None


def _body(fields: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {_WIRE_NAMES[name]: value for name, value in fields.items() if name in _WIRE_NAMES}
    if "tags" in fields:
        body["root_rule"] = {"rule_kind": "tag_glob_csv", "rule_value": list(fields["tags"])}
    registry: dict[str, Any] = {name: fields[name] for name in ("verify_tls", "unsigned_images") if name in fields}
    proxies = {name: fields[name] or None for name in _PROXY_FIELDS if name in fields}
    if proxies:
        registry["proxy"] = proxies
    if registry:
        body["external_registry_config"] = registry
    return body


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
