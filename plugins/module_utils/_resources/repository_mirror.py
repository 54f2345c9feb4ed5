# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""quay_repository_mirror: the mirror configuration of a repository, and its syncs (.../repository/{name}/mirror)."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Iterator, Mapping

from .._core.errors import BadInput
from .._core.names import check_length
from .._core.times import format_time, parse_duration, parse_time_option
from .._http.address import credentials_in_url
from .._http.errors import ApiError
from .._module.context import ModuleContext, Result
from .._quay.mirrors import CANCEL, NEVER_RUN, STARTED, SYNC_NOW, UNDER_WAY, Mirror, Mirrors
from .._quay.repositories import MIRROR, NORMAL, Repositories, RepositoryName
from .reconcile import ABSENT, PRESENT, CachedRead, Comparison, reconcile
from .repository_checks import check_robot_namespace, require_repository

_ALWAYS = "always"
_SCALARS = ("enabled", "external_reference", "external_registry_username", "verify_tls", "unsigned_images", "robot")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_LISTS = ("tags", "architectures")
_DURATIONS = ("sync_interval", "skopeo_timeout")
_FIELDS = (*_SCALARS, *_PROXIES, *_LISTS, *_DURATIONS, "sync_start_date", "mode", "sync_status")
# Fields that separate requests set.
_SEPARATE = ("mode", "sync_status")
_REQUIRED = ("external_reference", "robot", "tags")
_USERNAME, _PASSWORD = ("external_registry_username", "external_registry_password")
# A value of update_password.
_ALWAYS = "always"
# How comparisons and diffs represent the password, which Quay never returns.
_NEW = "new"
_NONE = "absent"
_UNKNOWN = "unknown"
# The fields of a new mirror. An existing one keeps what the play does not name.
_DEFAULTS: Mapping[str, Any] = {
    "enabled": True,
    _USERNAME: "",
    _PASSWORD: _NONE,
    "verify_tls": True,
    "unsigned_images": False,
    **dict.fromkeys(_PROXIES, ""),
    "architectures": [],
    "sync_interval": 86400,
    "skopeo_timeout": 300,
    "mode": MIRROR,
    "sync_status": NEVER_RUN,
}
# Seconds; Quay's own limit.
_MIN_SKOPEO_TIMEOUT = 300
# Hints for Quay's messages about external_reference.
_HINTS = {
    "location is not allowed": "external_reference names a host in a private network. Quay mirrors from such a host "
    "only if SSRF_ALLOWED_HOSTS in its configuration lists it",
    "Cannot resolve hostname": "Check external_reference. The Quay server itself must be able to resolve the name",
}
_LOCATION = re.compile(r"(?!.*://)[^\s/@?#%\\]+/[^\s@?#%\\]+")


def ensure_repository_mirror(context: ModuleContext) -> Result:
    """Run quay_repository_mirror: create, change or disable the mirror of one repository; start or cancel a sync."""
    name = RepositoryName.parse(context.params["repository"])
    if context.params["sync"] and context.params["state"] == ABSENT:
        raise BadInput("sync needs state=present")
    given = _fields_from_options(context, name)
    resource = MirrorResource(context, name, given.get("sync_start_date"))
    present = resource.prefetch()
    if context.params["state"] == ABSENT:
        comparison = _disable(context, resource, present)
    else:
        defaults = {**_DEFAULTS, "sync_start_date": _hour_of(context.client.now())}
        comparison = reconcile(context, resource, PRESENT, _declared(context, given, present), defaults)
    after = comparison.after or {}
    return comparison.result({"repository": str(name), **{field: after.get(field) for field in _FIELDS}})


def _disable(context: ModuleContext, resource: MirrorResource, present: Mapping[str, Any] | None) -> Comparison:
    """Disable the mirror. Quay cannot delete it: it answers 204 to DELETE .../mirror, and deletes nothing."""
    if present is None:
        return Comparison(None, None)
    mode = NORMAL if present["mode"] == MIRROR else present["mode"]
    return reconcile(context, resource, PRESENT, {"enabled": False, "mode": mode}, {})


def _fields_from_options(context: ModuleContext, name: RepositoryName) -> dict[str, Any]:
    """Return the fields that the options name, as comparisons hold them: durations in seconds, times in ISO 8601.

    Raises BadInput for values that Quay refuses or answers 500 to.
    """
    params = context.params
    fields: dict[str, Any] = {field: params[field] for field in (*_SCALARS, *_PROXIES) if params[field] is not None}
    for field in _LISTS:
        if params[field] is not None:
            fields[field] = sorted(set(params[field]))
    for field in _DURATIONS:
        duration = parse_duration(params[field], field)
        if duration is not None:
            fields[field] = int(duration.total_seconds())
    start = parse_time_option(params["sync_start_date"], "sync_start_date")
    if start is not None:
        fields["sync_start_date"] = format_time(start)
    _check_fields(context, fields, name)
    return fields


def _check_fields(context: ModuleContext, fields: Mapping[str, Any], name: RepositoryName) -> None:
    reference = fields.get("external_reference")
    if reference is not None and not _LOCATION.fullmatch(reference):
        context.hide_login_in(reference)
        raise BadInput(
            "external_reference must be a repository without scheme, tag or user name, such as "
            "registry.example.com/library/base"
        )
    check_length(reference, "external_reference")
    robot = fields.get("robot")
    if robot is not None:
        check_robot_namespace("robot", robot, name, "Quay mirrors with robots of the repository's own namespace only")
    if fields.get("tags") == [] or "" in fields.get("tags", ()):
        raise BadInput("tags must name at least one tag or pattern, and none may be empty; * matches all tags")
    if fields.get("sync_interval") == 0:
        raise BadInput("sync_interval must be more than 0")
    if fields.get("skopeo_timeout", _MIN_SKOPEO_TIMEOUT) < _MIN_SKOPEO_TIMEOUT:
        raise BadInput("skopeo_timeout must be at least 5m")
    if context.params["update_password"] == _ALWAYS and not context.params[_PASSWORD]:
        raise BadInput(f"update_password: always needs {_PASSWORD}")
    for field in _PROXIES:
        context.refuse_login_in(field, fields.get(field, ""), "Quay shows it to everybody who can see the mirror")


def _declared(context: ModuleContext, given: Mapping[str, Any], present: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields to reconcile: the given ones, the mode, and whether to send a password or to start a sync."""
    missing = [field for field in _REQUIRED if field not in given]
    if present is None and missing:
        raise BadInput(
            f"The repository {context.params['repository']} has no mirror yet; a new one needs {', '.join(missing)}"
        )
    if given.get("architectures") and context.server.feature("SPARSE_INDEX") is False:
        raise BadInput(
            "architectures: this Quay mirrors all architectures, because FEATURE_SPARSE_INDEX is off. Remove the option"
        )
    declared = {**given}
    if present is None or given.get("enabled"):
        declared["mode"] = MIRROR
    else:
        _check_mode(context, present)
    password_action = _password_action(context.params, present)
    if password_action is not None:
        declared[_PASSWORD] = password_action
    status = present["sync_status"] if present else NEVER_RUN
    if context.params["sync"] == "now" and status not in UNDER_WAY:
        declared["sync_status"] = SYNC_NOW
    if context.params["sync"] == "cancel" and status in UNDER_WAY:
        declared["sync_status"] = CANCEL
    return declared


def _check_mode(context: ModuleContext, present: Mapping[str, Any]) -> None:
    """Raise BadInput for a sync that Quay would never start. Warn of a mirror that is enabled without effect.

    Quay syncs only into the mode mirror. There it starts a requested sync even if the mirror is disabled.
    """
    if present["mode"] == MIRROR:
        return
    reason = (
        f"the repository {context.params['repository']} is in the mode {present['mode']}, and Quay syncs only into the "
        "mode mirror"
    )
    if context.params["sync"] == "now":
        raise BadInput(f"sync: {reason}. Add enabled: true, which sets this mode")
    if context.params["enabled"] is None and present["enabled"]:
        context.warn(f"The mirror is enabled, but {reason}. To set this mode, add enabled: true.")


def _hour_of(now: datetime) -> str | None:
    """Return the beginning of the hour. A new mirror that starts then is synced soon, and check mode predicts it."""
    return format_time(now.replace(minute=0, second=0, microsecond=0))


def _password_action(params: Mapping[str, Any], present: Mapping[str, Any] | None) -> str | None:
    """Return what to do with the password: send it (_NEW), remove it (_NONE) or keep it (None).

    Quay does not return a stored password, so it cannot be compared. It is sent when the user name changes, and in
    every run with update_password=always.
    """
    username, password, when = (params[option] for option in (_USERNAME, _PASSWORD, "update_password"))
    if username is None:
        return None
    if password and not username:
        raise BadInput(f"{_PASSWORD} needs a user name, and {_USERNAME} is empty")
    user_changes = username != (present[_USERNAME] if present else "")
    if user_changes and username and present and not password:
        raise BadInput(
            f"{_USERNAME} changes to {username}, so {_PASSWORD} is required: without it, Quay would keep the password "
            "of the former user"
        )
    if user_changes and not username:
        return _NONE
    return _NEW if password and (user_changes or when == _ALWAYS) else None


class MirrorResource(CachedRead):
    """The mirror of one repository, and the repository's mode: Quay mirrors only into the mode ``mirror``.

    ``start``: the declared sync_start_date in ISO 8601.
    """

    def __init__(self, context: ModuleContext, name: RepositoryName, start: str | None) -> None:
        super().__init__(context)
        self._name = name
        self._start = start
        self._repositories = Repositories(context.client, name)
        self._mirrors = Mirrors(context.client, name.path)
        self._has_proxies = False  # in Quay, as last read
        self._password_action = ""  # of this run
        self._requested_sync = False
        self.what = f"the mirror of {name}"
        self.path = self._mirrors.path

    def _fetch(self) -> Mapping[str, Any] | None:
        repository = self._repositories.get()
        if repository is None and self._deletes:
            return None
        mode = require_repository(repository, self._name).mode
        mirror = self._mirrors.get()
        if mirror is None:
            self._check_mirroring_enabled()
            return None
        self._has_proxies = mirror.has_proxies
        return self._fields(mirror, mode)

    def create(self, desired: Mapping[str, Any]) -> None:
        fields = {field: desired[field] for field in _FIELDS if field not in _SEPARATE}
        if not fields["architectures"]:
            # Without FEATURE_SPARSE_INDEX, some servers refuse even an empty list.
            del fields["architectures"]
        with _explained():
            self._mirrors.create(self._with_password(fields, desired[_PASSWORD]))
        self._sync(desired["sync_status"])

    def update(self, present: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
        fields = {field: value for field, value in changes.items() if field not in (*_SEPARATE, _PASSWORD)}
        if _PASSWORD in changes:
            fields[_USERNAME] = changes.get(_USERNAME, present[_USERNAME])
        if fields:
            fields = self._with_password(fields, changes.get(_PASSWORD, ""))
            with _explained():
                self._mirrors.update(fields, has_proxies=self._has_proxies)
        if "mode" in changes:
            self._repositories.set_mode(changes["mode"])
        self._sync(changes.get("sync_status", ""))

    def delete(self) -> None:
        """Do nothing: Quay cannot delete a mirror, see ``_disable``."""

    def _with_password(self, fields: dict[str, Any], action: str) -> dict[str, Any]:
        """Add the password to a request. Quay takes it only with a user name; two nulls remove both."""
        if action == _NEW:
            fields[_PASSWORD] = self._context.params[_PASSWORD]
        elif action == _NONE:
            fields.update({_USERNAME: None, _PASSWORD: None})
        self._password_action = action
        return fields

    def _sync(self, status: str) -> None:
        if status == SYNC_NOW:
            self._mirrors.sync_now()
            self._requested_sync = True
        if status == CANCEL:
            self._mirrors.cancel_sync()

    def _fields(self, mirror: Mirror, mode: str) -> dict[str, Any]:
        fields: dict[str, Any] = {field: getattr(mirror, field) for field in (*_SCALARS, *_PROXIES, *_DURATIONS)}
        fields.update({field: _without_password(fields[field]) for field in _PROXIES})
        fields.update({field: list(getattr(mirror, field)) for field in _LISTS})
        stored = _UNKNOWN if mirror.external_registry_username else _NONE
        fields[_PASSWORD] = self._password_action or stored
        on_schedule = self._start and _is_on_schedule(mirror, parse_time_option(self._start, "sync_start_date"))
        fields["sync_start_date"] = self._start if on_schedule else format_time(mirror.sync_start_date)
        fields["mode"] = mode
        started = self._requested_sync and mirror.status in STARTED
        fields["sync_status"] = SYNC_NOW if started else mirror.status
        return fields

    def _check_mirroring_enabled(self) -> None:
        if self._context.server.feature("REPO_MIRROR") is False and not self._deletes:
            raise BadInput("This Quay does not mirror repositories (FEATURE_REPO_MIRROR is off)")


@contextmanager
def _explained() -> Iterator[None]:
    """Add a hint to an error of Quay about the other registry. Quay looks the registry up when it is configured."""
    try:
        yield
    except ApiError as error:
        hint = next((hint for words, hint in _HINTS.items() if words in error.message), None)
        raise error.with_hint(hint) if hint else error from None


def _is_on_schedule(mirror: Mirror, start: datetime | None) -> bool:
    """Return whether the mirror's start date is on the schedule that began at ``start``.

    After each sync, Quay advances the date by complete intervals, and loses up to a second each time.
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
