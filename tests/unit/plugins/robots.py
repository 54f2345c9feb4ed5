# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots, their usage logs and the verification of secrets, as a fake Quay sends them."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, Mapping
from urllib.parse import quote

from ansible_collections.tokensmith.quay.plugins.module_utils._quay.robots import Robot
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import (
    COMMON,
    Reply,
    Request,
    error,
    ok,
    registry_token,
)

UNKNOWN_ROBOT = ok({"message": "Could not find robot with specified username"}, 400)
FORBIDDEN = error(403, "Unauthorized", "insufficient_scope")


def as_json(robot: Robot) -> dict[str, Any]:
    """A robot as Quay sends it. Its metadata is left out if it is None, as in lists."""
    data: dict[str, Any] = {
        "name": robot.name,
        "created": quay_time(robot.created_at),
        "last_accessed": quay_time(robot.last_accessed),
        "description": robot.description,
    }
    if robot.token is not None:
        data["token"] = robot.token
    if robot.metadata is not None:
        data["unstructured_metadata"] = dict(robot.metadata)
    return data


def robot_reply(robot: Robot) -> Reply:
    return ok(as_json(robot))


def robot_list(*robots: Robot) -> Reply:
    """The list of all robots of a namespace."""
    return ok({"robots": [as_json(robot) for robot in robots]})


def quay_time(moment: datetime | None) -> str | None:
    """A time as Quay writes it in most responses."""
    return None if moment is None else moment.strftime("%a, %d %b %Y %H:%M:%S -0000")


def change_days(*moments: datetime) -> Reply:
    """The days on which the token of some robot was regenerated."""
    days = [{"kind": "regenerate_robot_token", "count": 1, "datetime": quay_time(moment)} for moment in moments]
    return ok({"aggregated": days})


def changes(times: Mapping[str, datetime]) -> Reply:
    """The log of one day: when the token of each robot was regenerated, by the robot's short name."""
    entries = [
        {"kind": "regenerate_robot_token", "metadata": {"robot": robot}, "datetime": quay_time(moment)}
        for robot, moment in times.items()
    ]
    return ok({"logs": entries})


def deletion_days(*moments: datetime) -> Reply:
    """The days on which some robot was deleted."""
    return ok({"aggregated": [{"kind": "delete_robot", "count": 1, "datetime": quay_time(day)} for day in moments]})


def deletions(times: Mapping[str, datetime]) -> Reply:
    """The log of one day: when each robot was deleted, by the robot's short name."""
    entries = [
        {"kind": "delete_robot", "metadata": {"robot": robot}, "datetime": quay_time(moment)}
        for robot, moment in times.items()
    ]
    return ok({"logs": entries})


def verified(**claims: Any) -> Reply:
    """The registry accepts a secret."""
    return ok({"token": registry_token(**claims)})


def verification(username: str, secret: str, namespace: str = "acme") -> Request:
    """The request that verifies a secret."""
    pair = base64.b64encode(f"{username}:{secret}".encode()).decode()
    scope = quote(f"repository:{namespace}/credential-proof:pull", safe="")
    target = f"/v2/auth?service=quay.example.com&scope={scope}"
    return Request("GET", target, {**COMMON, "Authorization": f"Basic {pair}"})
