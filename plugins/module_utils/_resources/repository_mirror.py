# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Repository mirrors: configured, switched off, started and cancelled."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Mapping

from .._core.errors import BadInput
from .._core.times import format_time, parse_duration, parse_time_option
from .._http.address import credentials_in_url
from .._module.context import ModuleContext, Result
from .._quay.mirrors import CANCEL, NEVER_RUN, STARTED, SYNC_NOW, UNDER_WAY, Mirror, Mirrors
from .._quay.repositories import MIRROR, NORMAL, Repositories, RepositoryName
from .reconcile import ABSENT, PRESENT, CachedRead, Comparison, reconcile

_PLAIN = ("enabled", "external_reference", "external_registry_username", "verify_tls", "unsigned_images", "robot")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_LISTS = ("tags", "architectures")
_SPANS = ("sync_interval", "skopeo_timeout")
_FIELDS = (*_PLAIN, *_PROXIES, *_LISTS, *_SPANS, "sync_start_date", "mode", "sync_status")
_NEEDED = ("external_reference", "robot", "tags", "sync_start_date")
_USER, _SECRET = ("external_registry_username", "external_registry_password")
# What a diff tells of the password, which Quay never tells.
_NEW = "new"
_ABSENT = "absent"
_UNKNOWN = "unknown"
_DEFAULTS: Mapping[str, Any] = {
    _USER: "",
    _SECRET: _ABSENT,
    "verify_tls": True,
    "unsigned_images": False,
    **dict.fromkeys(_PROXIES, ""),
    "architectures": [],
    "sync_interval": 86400,
    "skopeo_timeout": 300,
    "mode": MIRROR,
    "sync_status": NEVER_RUN,
}
# Quay's own limit.
_SHORTEST_TIMEOUT = 300
_LOCATION = re.compile(r"(?!.*://)[^\s/@?#%\\]+/[^\s@?#%\\]+")


def ensure_repository_mirror(context: ModuleContext) -> Result:
    """The module quay_repository_mirror."""
    name = RepositoryName.parse(context.params["repository"])
    if context.params["sync"] and context.params["state"] == ABSENT:
        raise BadInput("sync goes with state=present")
    desired = _desired(context, name)
    resource = MirrorResource(context, name, desired.get("sync_start_date"))
    present = resource.prefetch()
    if context.params["state"] == ABSENT:
        comparison = _switch_off(context, resource, present)
    else:
        comparison = reconcile(context, resource, PRESENT, _declared(context, desired, present), _DEFAULTS)
    after = comparison.after or {}
    return comparison.result({"repository": str(name), **{field: after.get(field) for field in _FIELDS}})


def _switch_off(context: ModuleContext, resource: MirrorResource, present: Mapping[str, Any] | None) -> Comparison:
    """Quay never forgets a mirror (DELETE is taken for another repository's, and does nothing): it is disabled."""
    if present is None:
        return Comparison(None, None)
    mode = NORMAL if present["mode"] == MIRROR else present["mode"]
    return reconcile(context, resource, PRESENT, {"enabled": False, "mode": mode}, {})


def _desired(context: ModuleContext, name: RepositoryName) -> dict[str, Any]:
    """What the play names, as it is compared. Raises BadInput for what Quay would refuse or stumble over."""
    params = context.params
    desired: dict[str, Any] = {field: params[field] for field in (*_PLAIN, *_PROXIES) if params[field] is not None}
    for field in _LISTS:
        if params[field] is not None:
            desired[field] = sorted(set(params[field]))
    for field in _SPANS:
        duration = parse_duration(params[field], field)
        if duration is not None:
            desired[field] = int(duration.total_seconds())
    start = parse_time_option(params["sync_start_date"], "sync_start_date")
    if start is not None:
        desired["sync_start_date"] = format_time(start)
    _check(context, desired, name)
    return desired


def _check(context: ModuleContext, desired: Mapping[str, Any], name: RepositoryName) -> None:
    reference = desired.get("external_reference")
    if reference is not None and not _LOCATION.fullmatch(reference):
        context.hide_login_in(reference)
        raise BadInput(
            "external_reference must be a repository without scheme, tag and user, such as "
            "registry.example.com/library/base"
        )
    robot = desired.get("robot")
    if robot is not None and not robot.startswith(f"{name.namespace}+"):
        raise BadInput(
            f"robot: '{robot}' is no robot of the namespace {name.namespace}; write {name.namespace}+robot. "
            "Quay mirrors with robots of the repository's own namespace only"
        )
    if desired.get("tags") == [] or "" in desired.get("tags", ()):
        raise BadInput("tags must name at least one tag or pattern; * stands for all tags")
    if desired.get("sync_interval") == 0:
        raise BadInput("sync_interval must be more than 0")
    if desired.get("skopeo_timeout", _SHORTEST_TIMEOUT) < _SHORTEST_TIMEOUT:
        raise BadInput("skopeo_timeout must be at least 5m")
    for field in _PROXIES:
        context.refuse_login_in(field, desired.get(field, ""), "Quay shows it to whoever sees the mirror")


def _declared(context: ModuleContext, desired: Mapping[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the play declares, in view of what is there: it decides on the password and on syncing."""
    missing = [field for field in _NEEDED if field not in desired]
    if present is None and missing:
        raise BadInput(f"The repository has no mirror yet; a new one needs {', '.join(missing)}")
    if desired.get("architectures") and context.server.feature("SPARSE_INDEX") is False:
        raise BadInput("architectures: this Quay mirrors all architectures, because FEATURE_SPARSE_INDEX is off")
    declared = {**desired, "mode": MIRROR}
    password_action = _password_action(context.params, present)
    if password_action is not None:
        declared[_SECRET] = password_action
    status = present["sync_status"] if present else NEVER_RUN
    if context.params["sync"] == "now" and status not in UNDER_WAY:
        declared["sync_status"] = SYNC_NOW
    if context.params["sync"] == "cancel" and status in UNDER_WAY:
        declared["sync_status"] = CANCEL
    return declared


def _password_action(params: Mapping[str, Any], present: Mapping[str, Any] | None) -> str | None:
    """What becomes of the password: sent, taken away, or left (None).

    Quay tells nothing of a stored password, so it is sent when the user changes, and else only on demand.
    """
    username, password, when = (params[option] for option in (_USER, _SECRET, "update_password"))
    if username is None:
        return None
    if password and not username:
        raise BadInput(f"{_SECRET} goes with a user name; {_USER} is empty")
    other_user = username != (present[_USER] if present else "")
    if other_user and username and present and not password:
        raise BadInput(f"{_USER} changes to {username}, so {_SECRET} is needed: Quay would go on using the old user's")
    if other_user and not username:
        return _ABSENT
    return _NEW if password and (other_user or when == "always") else None


class MirrorResource(CachedRead):
    """One repository's mirror, with the repository's mode, without which Quay does not mirror."""

    def __init__(self, context: ModuleContext, name: RepositoryName, start: str | None) -> None:
        super().__init__()
        self._context = context
        self._name = name
        self._start = start
        self._repositories = Repositories(context.client, name)
        self._mirrors = Mirrors(context.client, name.path)
        self._has_proxies = False
        self._password_action_taken = ""
        self._asked_to_sync = False
        self.what = f"the mirror of {name}"
        self.path = self._mirrors.path

    def _fetch(self) -> Mapping[str, Any] | None:
        repository = self._repositories.get()
        if repository is None:
            if self._context.params["state"] == ABSENT:
                return None
            raise BadInput(f"repository: there is no {self._name}; create it with quay_repository")
        mirror = self._mirrors.get()
        if mirror is None:
            self._refuse_without_feature()
            return None
        self._has_proxies = mirror.has_proxies
        return self._fields(mirror, repository.mode)

    def create(self, desired: Mapping[str, Any]) -> None:
        fields = {field: desired[field] for field in _FIELDS if field not in ("mode", "sync_status")}
        if not fields["architectures"]:
            # Even an empty list would need FEATURE_SPARSE_INDEX on some servers.
            del fields["architectures"]
        self._mirrors.create(self._with_password(fields, desired[_SECRET]))
        self._sync(desired["sync_status"])

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        fields = {field: value for field, value in changes.items() if field not in ("mode", "sync_status", _SECRET)}
        if _SECRET in changes:
            fields[_USER] = changes.get(_USER, present[_USER])
        if fields:
            fields = self._with_password(fields, changes.get(_SECRET, ""))
            self._mirrors.update(fields, has_proxies=self._has_proxies)
        if "mode" in changes:
            self._repositories.set_mode(changes["mode"])
        self._sync(changes.get("sync_status", ""))

    def delete(self) -> None:
        """Not in Quay's power."""

    def _with_password(self, fields: dict[str, Any], password_action: str) -> dict[str, Any]:
        """Quay takes a password beside a user name only, and for none of both two nulls."""
        if password_action == _NEW:
            fields[_SECRET] = self._context.params[_SECRET]
        elif password_action == _ABSENT:
            fields.update({_USER: None, _SECRET: None})
        self._password_action_taken = password_action
        return fields

    def _sync(self, status: str) -> None:
        if status == SYNC_NOW:
            self._mirrors.sync_now()
            self._asked_to_sync = True
        if status == CANCEL:
            self._mirrors.cancel_sync()

    def _fields(self, mirror: Mirror, mode: str) -> dict[str, Any]:
        fields: dict[str, Any] = {field: getattr(mirror, field) for field in (*_PLAIN, *_PROXIES, *_SPANS)}
        fields.update({field: _without_password(fields[field]) for field in _PROXIES})
        fields.update({field: list(getattr(mirror, field)) for field in _LISTS})
        stored = _UNKNOWN if mirror.external_registry_username else _ABSENT
        fields[_SECRET] = self._password_action_taken or stored
        on_schedule = self._start and _on_schedule(mirror, parse_time_option(self._start, "sync_start_date"))
        fields["sync_start_date"] = self._start if on_schedule else format_time(mirror.sync_start_date)
        fields["mode"] = mode
        synced = self._asked_to_sync and mirror.status in STARTED
        fields["sync_status"] = SYNC_NOW if synced else mirror.status
        return fields

    def _refuse_without_feature(self) -> None:
        if self._context.server.feature("REPO_MIRROR") is False and self._context.params["state"] != ABSENT:
            raise BadInput("This Quay does not mirror repositories (FEATURE_REPO_MIRROR is off)")


def _on_schedule(mirror: Mirror, start: datetime | None) -> bool:
    """Whether Quay's date lies on the schedule that began at ``start``.

    After each sync Quay moves the date on by whole intervals, and by up to a second that the sum loses.
    """
    if mirror.sync_start_date is None or start is None:
        return False
    seconds = (mirror.sync_start_date - start).total_seconds()
    if abs(seconds) < 1:
        return True
    if seconds < 0 or mirror.sync_interval < 1:
        return False
    intervals, rest = divmod(seconds, mirror.sync_interval)
    return rest <= intervals


def _without_password(proxy: str) -> str:
    secret = credentials_in_url(proxy) if "@" in proxy else None
    return proxy.replace(secret, "***") if secret else proxy
