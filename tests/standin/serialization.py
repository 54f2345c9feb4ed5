# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of response bodies that several endpoints share: times, avatars, applications."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.utils import formatdate
from typing import Any

from .quay import quay

_COLORS = ("#969696", "#aec7e8", "#ff7f0e", "#ffbb78", "#2ca02c", "#98df8a", "#d62728", "#ff9896")


def rfc2822(moment: datetime | None) -> str | None:
    """Format a time as the older endpoints do: whole seconds and `-0000`."""
    return formatdate(int(moment.timestamp())) if moment else None


def iso8601(moment: datetime | None) -> str | None:
    """Format a time as the newer endpoints do: microseconds and `Z`."""
    return moment.replace(tzinfo=None).isoformat() + "Z" if moment else None


def avatar(name: str, kind: str, identity: str | None = None) -> dict[str, str]:
    value = hashlib.sha256((identity or name).strip().lower().encode()).hexdigest()
    return {"name": name, "hash": value, "color": _COLORS[int(value[0], 16) % len(_COLORS)], "kind": kind}


def account_avatar(name: str) -> dict[str, str]:
    """The avatar of a user, organization or robot."""
    state = quay().state
    if name in state.organizations:
        return avatar(name, "org", state.organizations[name].email)
    if name in state.users:
        return avatar(name, "user", state.users[name].email)
    return avatar(name, "robot")


def application_summary(client_id: str, *, with_client_id: bool = False) -> dict[str, Any]:
    """An OAuth application as shown to its users."""
    application = quay().state.applications[client_id]
    view: dict[str, Any] = {"name": application.name}
    if with_client_id:
        view["clientId"] = application.client_id
    return view | {
        "description": application.description,
        "url": application.application_uri,
        "avatar": avatar(application.name, "app", application.avatar_email),
        "organization": {"name": application.namespace, "avatar": account_avatar(application.namespace)},
    }
