# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The description of the API (GET /api/v1/discovery), generated from the routes of the stand-in.

`discovery.json` has the data of each operation from a development version of Quay, with its errors (of several
definitions with the same name it has only one) but without the texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .. import config as configuration
from ..quay import quay
from ..routing import API, Route, Routes, flag
from ..scopes import ALL_SCOPES

routes = Routes()

_FACTS = json.loads(Path(__file__).with_name("discovery.json").read_text())
_NAME = re.compile(r"<(?:\w+:)?\w+>|\{\w+\}")
_FAILURES = {"400": "Bad Request", "401": "Session required", "403": "Unauthorized access", "404": "Not found"}
_SUCCESS = {"POST": ("201", "Successful creation"), "DELETE": ("204", "Deleted")}

_described: list[Routes] = []


def set_described_routes(subjects: Iterable[Routes]) -> None:
    """Set the routes to describe."""
    _described[:] = subjects


def _shape(path: str) -> str:
    """Return the path with the names of its parameters removed."""
    return _NAME.sub("{}", path)


_BY_SHAPE = {_shape(key): (key.split(" ", 1)[1], facts) for key, facts in _FACTS["operations"].items()}


def facts_of(route: Route) -> tuple[str, dict[str, Any]] | None:
    """Return the path and the facts of the operation of a route, or none if Quay does not describe it."""
    return _BY_SHAPE.get(_shape(f"{route.method} {route.path}"))


def described_routes() -> Iterator[Route]:
    """The routes of the API."""
    for subject in _described:
        yield from (route for route in subject.routes if route.path.startswith(f"{API}/"))


@routes.add("GET", "/discovery", anonymous=True)
def get() -> dict[str, Any]:
    with_internal = flag("internal", default=False)
    paths: dict[str, dict[str, Any]] = {}
    for route in described_routes():
        found = facts_of(route)
        if found and route.is_available() and (with_internal or not found[1]["internal"]):
            path, facts = found
            item = paths.setdefault(path, _item(path, facts))
            item[route.method.lower()] = _operation(route.method, facts, with_internal)
    return {
        "swagger": "2.0",
        "host": quay().config["SERVER_HOSTNAME"],
        "basePath": "/",
        "schemes": [quay().config["PREFERRED_URL_SCHEME"]],
        "info": {"version": "v1", "title": "Quay Frontend", "termsOfService": "", "description": "", "contact": {}},
        "securityDefinitions": {"oauth2_implicit": _security()},
        "paths": paths,
        "definitions": _FACTS["definitions"],
        "tags": [{"name": tag, "description": ""} for tag in sorted({item["x-tag"] for item in paths.values()})],
    }


def _sentence(name: str) -> str:
    """Return a description from a name: createOrgRobot becomes "Create org robot."."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize() + "."


def _security() -> dict[str, Any]:
    return {
        "type": "oauth2",
        "flow": "implicit",
        "authorizationUrl": f"{configuration.app_url(quay().config)}/oauth/authorize",
        "scopes": dict.fromkeys(ALL_SCOPES, ""),
    }


def _with_descriptions(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [parameter | {"description": f"The {parameter['name']}."} for parameter in parameters]


def _item(path: str, facts: dict[str, Any]) -> dict[str, Any]:
    item = {"x-name": facts["source"], "x-path": path, "x-tag": facts["tag"]}
    return item | ({"parameters": _with_descriptions(facts["path_parameters"])} if facts["path_parameters"] else {})


def _operation(method: str, facts: dict[str, Any], with_internal: bool) -> dict[str, Any]:
    status, success_text = _SUCCESS.get(method, ("200", "Successful invocation"))
    failure = {"schema": {"$ref": "#/definitions/ApiError"}}
    described: dict[str, Any] = {
        "operationId": facts["id"],
        "parameters": _with_descriptions(facts["parameters"]),
        "description": _sentence(facts["id"]),
        "tags": [facts["tag"]],
        "responses": {code: {"description": text} | failure for code, text in _FAILURES.items()},
    }
    described["responses"][status] = {"description": success_text}
    if facts["scopes"]:
        described["security"] = [{"oauth2_implicit": facts["scopes"]}]
    if with_internal and facts["fresh_login"]:
        described["x-requires-fresh-login"] = True
    return described
