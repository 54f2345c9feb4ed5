# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notifications of a user, which the user interface shows: assigned tokens and invitations to teams."""

from __future__ import annotations

from typing import Any

from flask import request

from ..errors import not_found
from ..quay import quay
from ..routing import Routes, json_body, require_user_admin
from ..serialization import rfc2822
from ..state import Notification

routes = Routes()

ASSIGNED_AUTHORIZATION = "assigned_authorization"
TEAM_INVITE = "org_team_invite"

_UPDATE = {"type": "object", "properties": {"dismissed": {"type": "boolean"}}}


def notify(kind: str, username: str, metadata: dict[str, Any]) -> None:
    """Create a notification of a user."""
    state = quay().state
    notification = Notification(kind, username, metadata, quay().clock.now(), state.next_id())
    state.notifications[notification.uuid] = notification


def delete_notifications(kind: str, username: str) -> None:
    """Delete all notifications of this kind of a user."""
    state = quay().state
    kept = {key: item for key, item in state.notifications.items() if (item.kind, item.username) != (kind, username)}
    state.notifications = kept


@routes.add("GET", "/user/notifications")
def list_all() -> dict[str, Any]:
    user = require_user_admin()
    page = request.args.get("page", 0, type=int)
    limit = request.args.get("limit", 5, type=int)
    shown = [item for item in quay().state.notifications.values() if item.username == user.username]
    newest_first = sorted((item for item in shown if not item.dismissed), key=lambda item: -item.id)
    # Quay reads one more than the limit, and counts pages in this size. Page 0 is page 1.
    size = limit + 1
    start = max(page - 1, 0) * size
    found = newest_first[start : start + size]
    return {"notifications": [_view(item) for item in found[:limit]], "additional": len(found) > limit}


@routes.add("GET", "/user/notifications/<uuid>")
def get(uuid: str) -> dict[str, Any]:
    return _view(_own(uuid))


@routes.add("PUT", "/user/notifications/<uuid>")
def update(uuid: str) -> dict[str, Any]:
    body = json_body(_UPDATE)
    notification = _own(uuid)
    notification.dismissed = body.get("dismissed", False)
    return _view(notification)


def _own(uuid: str) -> Notification:
    user = require_user_admin()
    notification = quay().state.notifications.get(uuid)
    if notification is None or notification.username != user.username:
        raise not_found()
    return notification


def _view(notification: Notification) -> dict[str, Any]:
    return {
        "id": notification.uuid,
        "organization": None,
        "kind": notification.kind,
        "created": rfc2822(notification.created),
        "metadata": notification.metadata,
        "dismissed": notification.dismissed,
    }
