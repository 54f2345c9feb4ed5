# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Robots of organizations and of users, with their tokens and their federation."""

from __future__ import annotations

from typing import Any

from flask import abort, request

from .. import names, rights, tokens
from ..errors import MessageError, bad_request, unknown_robot
from ..quay import quay
from ..routing import Routes, flag, json_body, require, require_user_admin
from ..serialization import avatar, rfc2822
from ..state import Robot
from ..usage_log import log

routes = Routes()

_NEW = {
    "type": "object",
    "properties": {
        "description": {"type": "string", "maxLength": 255},
        "unstructured_metadata": {"type": "object"},
    },
}
_FEDERATION = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"issuer": {"type": "string"}, "subject": {"type": "string"}},
        "required": ["issuer", "subject"],
    },
}

_ORGANIZATION = "/organization/<orgname>/robots"
_USER = "/user/robots"


def _administered(orgname: str | None) -> str:
    """Return the namespace whose robots the caller may administer: an organization or their own."""
    if orgname is None:
        return require_user_admin().username
    require(rights.can_administer_organization(orgname))
    return orgname


def _refuse_unknown_organization(orgname: str | None) -> None:
    if orgname is not None and orgname not in quay().state.organizations:
        raise MessageError(f"Organization does not exist: {orgname}")


def find_robot(namespace: str, shortname: str) -> Robot:
    robot = quay().state.robots.get(f"{namespace}+{shortname}")
    if robot is None:
        raise unknown_robot()
    return robot


@routes.add("GET", _ORGANIZATION)
def list_of_organization(orgname: str) -> dict[str, Any]:
    require(rights.is_organization_member(orgname))
    is_admin = rights.can_administer_organization(orgname)
    return _list(orgname, with_token=is_admin, with_permissions=is_admin)


@routes.add("GET", _USER)
def list_of_user() -> dict[str, Any]:
    return _list(require_user_admin().username, with_token=True, with_permissions=True)


def _list(namespace: str, *, with_token: bool, with_permissions: bool) -> dict[str, Any]:
    with_token = with_token and flag("token", default=True)
    with_permissions = with_permissions and flag("permissions", default=False)
    limit = request.args.get("limit", type=int)
    robots = sorted(quay().state.robots_of(namespace), key=_latest_use, reverse=True)
    views = [_list_view(robot, with_token, with_permissions) for robot in robots]
    if limit is None:
        return {"robots": views}
    return {"robots": _cut_rows(views, limit) if with_permissions else views[:limit]}


def _latest_use(robot: Robot) -> tuple[bool, float]:
    # The order of PostgreSQL: unused robots come first in descending order. The rest of the order is undefined.
    return (robot.last_accessed is None, robot.last_accessed.timestamp() if robot.last_accessed else 0.0)


def _cut_rows(views: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Apply the limit as Quay does: to joined rows of team and repository, so a robot may be incomplete."""
    cut = []
    for view in views:
        teams, repositories = view["teams"] or [None], view["repositories"] or [None]
        rows = [(team, repository) for repository in repositories for team in teams][:limit]
        if not rows:
            break
        limit -= len(rows)
        kept_teams = [team for team in view["teams"] if any(team == row[0] for row in rows)]
        kept_repositories = [name for name in view["repositories"] if any(name == row[1] for row in rows)]
        cut.append({**view, "teams": kept_teams, "repositories": kept_repositories})
    return cut


@routes.add("GET", f"{_ORGANIZATION}/<shortname>")
@routes.add("GET", f"{_USER}/<shortname>")
def get(shortname: str, orgname: str | None = None) -> dict[str, Any]:
    namespace = _administered(orgname)
    _refuse_unknown_organization(orgname)
    robot = find_robot(namespace, shortname)
    return robot_view(robot) | {"unstructured_metadata": robot.metadata}


@routes.add("PUT", f"{_ORGANIZATION}/<shortname>", mints=True)
@routes.add("PUT", f"{_USER}/<shortname>", mints=True)
def create(shortname: str, orgname: str | None = None) -> tuple[dict[str, Any], int]:
    body = json_body(_NEW, optional=True) or {}
    namespace = _administered(orgname)
    _refuse_unknown_organization(orgname)
    _refuse_bad_name(namespace, shortname)
    metadata = body.get("unstructured_metadata")
    robot = Robot(
        name=f"{namespace}+{shortname}",
        token=tokens.robot_token(),
        created=quay().clock.now(),
        id=quay().state.next_id(),
        description=body.get("description") or "",
        metadata=metadata or {},
    )
    quay().state.robots[robot.name] = robot
    logged = {"robot": shortname, "description": body.get("description"), "unstructured_metadata": metadata}
    log("create_robot", namespace, logged)
    return robot_view(robot) | {"unstructured_metadata": metadata}, 201


def _refuse_bad_name(namespace: str, shortname: str) -> None:
    if quay().config["ROBOTS_DISALLOW"]:
        raise bad_request("Robot accounts have been disabled. Please contact your administrator.")
    problem = names.account_name_problem(shortname)
    if problem:
        raise bad_request(f"The name for the robot '{shortname}' is invalid: {problem}")
    if f"{namespace}+{shortname}" in quay().state.robots:
        raise bad_request(f"Existing robot with name: {namespace}+{shortname}")
    if len(f"{namespace}+{shortname}") > names.MAX_LENGTH:
        raise MessageError(names.TOO_LONG)


@routes.add("DELETE", f"{_ORGANIZATION}/<shortname>")
@routes.add("DELETE", f"{_USER}/<shortname>")
def delete(shortname: str, orgname: str | None = None) -> tuple[str, int]:
    namespace = _administered(orgname)
    robot = find_robot(namespace, shortname)
    mirrors = [repository.mirror for repository in quay().state.repositories.values() if repository.mirror]
    if any(mirror.robot == robot.name for mirror in mirrors):
        raise bad_request("Robot is being used by a mirror")
    quay().state.remove_account_references(robot.name)
    del quay().state.robots[robot.name]
    log("delete_robot", namespace, {"robot": shortname})
    return "", 204


@routes.add("POST", f"{_ORGANIZATION}/<shortname>/regenerate", mints=True)
@routes.add("POST", f"{_USER}/<shortname>/regenerate", mints=True)
def regenerate(shortname: str, orgname: str | None = None) -> dict[str, Any]:
    namespace = _administered(orgname)
    _refuse_unknown_organization(orgname)
    robot = find_robot(namespace, shortname)
    robot.token = tokens.robot_token()
    log("regenerate_robot_token", namespace, {"robot": shortname})
    return robot_view(robot)


@routes.add("GET", f"{_ORGANIZATION}/<shortname>/permissions")
@routes.add("GET", f"{_USER}/<shortname>/permissions")
def get_permissions(shortname: str, orgname: str | None = None) -> dict[str, Any]:
    namespace = require_user_admin().username
    if orgname is not None:
        namespace = orgname
        if not rights.can_administer_organization(orgname):
            abort(403)
        _refuse_unknown_organization(orgname)
    robot = find_robot(namespace, shortname)
    held = [repo for repo in quay().state.repositories.values() if robot.name in repo.user_roles]
    return {
        "permissions": [
            {"repository": {"name": repo.name, "is_public": repo.is_public}, "role": repo.user_roles[robot.name]}
            for repo in held
        ]
    }


@routes.add("GET", f"{_ORGANIZATION}/<shortname>/federation")
@routes.add("GET", f"{_USER}/<shortname>/federation")
def get_federation(shortname: str, orgname: str | None = None) -> list[dict[str, str]]:
    return find_robot(_administered(orgname), shortname).federation


@routes.add("POST", f"{_ORGANIZATION}/<shortname>/federation")
@routes.add("POST", f"{_USER}/<shortname>/federation")
def set_federation(shortname: str, orgname: str | None = None) -> list[dict[str, str]]:
    if orgname is None:
        require_user_admin()
    body = json_body(_FEDERATION)
    namespace = _administered(orgname)
    config = _federation_config(body)
    find_robot(namespace, shortname).federation = config
    log("create_robot_federation", namespace, {"config": config, "robot": shortname})
    return config


def _federation_config(body: list[dict[str, str]]) -> list[dict[str, str]]:
    config: list[dict[str, str]] = []
    for item in body:
        issuer, subject = item["issuer"], item["subject"]
        if not issuer or not subject:
            raise bad_request("Missing one or more required fields (issuer, subject)")
        if not issuer.startswith(("http://", "https://")):
            raise bad_request("Issuer must be a URL (http:// or https://)")
        entry = {"issuer": issuer, "subject": subject}
        if entry in config:
            raise bad_request("Duplicate federation config entry")
        config.append(entry)
    return config


@routes.add("DELETE", f"{_ORGANIZATION}/<shortname>/federation")
@routes.add("DELETE", f"{_USER}/<shortname>/federation")
def delete_federation(shortname: str, orgname: str | None = None) -> tuple[str, int]:
    namespace = _administered(orgname)
    find_robot(namespace, shortname).federation = []
    log("delete_robot_federation", namespace, {"robot": shortname})
    return "", 204


def robot_view(robot: Robot) -> dict[str, Any]:
    return _base_view(robot) | {"token": robot.token}


def _base_view(robot: Robot) -> dict[str, Any]:
    return {
        "name": robot.name,
        "created": rfc2822(robot.created),
        "last_accessed": rfc2822(robot.last_accessed),
        "description": robot.description,
    }


def _list_view(robot: Robot, with_token: bool, with_permissions: bool) -> dict[str, Any]:
    view = robot_view(robot) if with_token else _base_view(robot)
    if with_permissions:
        state = quay().state
        view |= {
            "teams": [
                {"name": team.name, "avatar": avatar(team.name, "team")} for _org, team in state.teams_of(robot.name)
            ],
            "repositories": [repo.name for repo in state.repositories.values() if robot.name in repo.user_roles],
        }
    return view
