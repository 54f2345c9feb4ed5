# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Quay's own description of its API: the Swagger 2.0 document of GET /api/v1/discovery, which anybody may read.

What it says of paths, names and parameters is so. Its response codes are a template, its scopes documentation, and
where resources of two source files of Quay have a definition of the same name, it has only one of the two: NewToken
(createAppToken, createOrganizationApplicationToken), UpdateOrg, UpdateUser. Such a definition is taken for none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping
from urllib.parse import quote

from .._core.errors import BadInput
from .._core.json_schema import SchemaChecker, is_kind, name_of, read_as, resolve, suggestion
from .._http.auth import Auth
from .._http.client import QuayClient

_DISCOVERY = "/api/v1/discovery"
_ANONYMOUS = Auth()
_METHODS = ("get", "put", "post", "delete", "patch")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# What may stand in the path of a URL unencoded; a percent sign begins what is encoded already.
_IN_PATH = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation, in its path or in its query."""

    name: str
    place: str
    kind: str
    required: bool
    description: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Parameter:
        return cls(
            str(data.get("name")),
            str(data.get("in")),
            str(data.get("type") or "string"),
            bool(data.get("required")),
            _line(data.get("description")),
        )


@dataclass(frozen=True)
class Operation:
    """One thing that the API can do. ``body`` is its schema; None where it takes none, {} where nothing is known."""

    name: str
    method: str
    path: str
    summary: str
    tags: tuple[str, ...]
    scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Any] | None

    def check_query(self, query: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The query as it is sent, and what is wrong with it."""
        known = {parameter.name: parameter for parameter in self.parameters if parameter.place == "query"}
        problems = [
            f"parameters lacks '{parameter.name}', which {self.name} requires"
            for parameter in known.values()
            if parameter.required and parameter.name not in query
        ]
        checked = {}
        for name, value in query.items():
            if name not in known:
                of_all = [parameter.name for parameter in self.parameters]
                problems.append(f"parameters has '{name}', which {self.name} does not take{suggestion(name, of_all)}")
                checked[name] = value
                continue
            checked[name] = read_as(value, [known[name].kind])
            if not _is_of(checked[name], known[name].kind):
                problems.append(f"parameters.{name} must be {known[name].kind}")
        return checked, problems


class Catalogue:
    """All operations of one server."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        definitions = document.get("definitions")
        self._definitions: Mapping[str, Any] = definitions if isinstance(definitions, dict) else {}
        paths = document.get("paths")
        self._paths: Mapping[str, Any] = paths if isinstance(paths, dict) else {}
        self._ambiguous = self._definitions_of_several()
        self.operations = tuple(self._read())

    @classmethod
    def of(cls, client: QuayClient, *, internal: bool) -> Catalogue:
        """Ask the server: one request, without a login, for no login sees more."""
        params = {"internal": "true"} if internal else {}
        response = client.get(_DISCOVERY, params, auth=_ANONYMOUS)
        if not isinstance(response.json_object().get("paths"), dict):
            raise response.unexpected("the response is no description of an API as Quay sends it")
        return cls(response.json_object())

    def named(self, name: str) -> Operation:
        """The operation of this id; raises BadInput that tells similar ones."""
        found = next((operation for operation in self.operations if operation.name == name), None)
        if found is None:
            hint = suggestion(name, [operation.name for operation in self.operations])
            raise BadInput(
                f"operation: this Quay has no operation '{name}'{hint}. Other Quays may have it: a feature can be off "
                "here, or this version too old. quay_operation_info lists what there is"
            )
        return found

    def at(self, method: str, path: str) -> Operation:
        """The operation at a path without placeholders; raises BadInput that says what there is instead.

        Below a repository Quay takes any unknown path for a longer repository name, so the most exact path counts.
        """
        fitting = [known for known in self._paths if _pattern(known).fullmatch(path)]
        if not fitting:
            hint = suggestion(path, self._paths)
            raise BadInput(f"path: this Quay's description of its API does not list {path}{hint}")
        exact = max(fitting, key=lambda known: (len(_PLACEHOLDER.sub("", known)), known))
        desired = "GET" if method == "HEAD" else method
        here = {operation.method: operation for operation in self.operations if operation.path == exact}
        if desired not in here:
            raise BadInput(f"method: this Quay has no {method} at {exact}; there are: {', '.join(sorted(here))}")
        return here[desired]

    def check_body(self, operation: Operation, body: Any) -> tuple[Any, list[str]]:
        """The body as it is sent, and what is wrong with it."""
        if operation.body is None:
            return body, [f"body: {operation.name} takes no body"] if body is not None else []
        checker = SchemaChecker(self._definitions)
        return checker.coerce({} if body is None else body, operation.body, "body"), checker.problems

    def _definitions_of_several(self) -> set[str]:
        """The names of definitions to which resources of more than one of Quay's source files refer."""
        sources: dict[str, set[str]] = {}
        for item in self._paths.values():
            source = str(item.get("x-name", "")).rpartition(".")[0]
            for method in _METHODS:
                name = name_of(_schema_of_body(item.get(method) or {}) or {})
                if name is not None:
                    sources.setdefault(name, set()).add(source)
        return {name for name, used in sources.items() if len(used) > 1}

    def _read(self) -> Iterator[Operation]:
        for path, item in sorted(self._paths.items()):
            for method in _METHODS:
                if isinstance(item.get(method), dict):
                    yield self._operation(path, method.upper(), item, item[method])

    def _operation(self, path: str, method: str, item: Mapping[str, Any], data: Mapping[str, Any]) -> Operation:
        listed = [*item.get("parameters", ()), *data.get("parameters", ())]
        parameters = {one["name"]: Parameter.of(one) for one in listed if one.get("in") in ("path", "query")}
        scopes = [scope for need in data.get("security", ()) for listed in need.values() for scope in listed]
        body = _schema_of_body(data)
        if body is not None:
            body = {} if name_of(body) in self._ambiguous else resolve(body, self._definitions)
        return Operation(
            str(data.get("operationId")),
            method,
            path,
            _line(data.get("description")),
            tuple(map(str, data.get("tags", ()))),
            tuple(map(str, scopes)),
            # A name that stands in the path is a path's, whatever else is said of it.
            tuple(sorted(parameters.values(), key=lambda one: (one.place != "path", not one.required, one.name))),
            body,
        )


def expand(path: str, parameters: Mapping[str, Any]) -> tuple[str, set[str]]:
    """Fill in the placeholders of a path; also tells which parameters they took. Raises BadInput where one is missing.

    A repository's name keeps its slashes, everything else is encoded.
    """
    names = _PLACEHOLDER.findall(path)
    for name in names:
        if name not in parameters:
            raise BadInput(f"parameters: '{name}' is missing, which stands in {path}")
    return _PLACEHOLDER.sub(lambda found: _part(found.group(1), parameters[found.group(1)]), path), set(names)


def check_path(path: str) -> str:
    """A path as it can be sent; raises BadInput for what is none."""
    if not path.startswith("/") or path.startswith("//") or "?" in path or "#" in path or "\\" in path:
        raise BadInput(
            f"path must begin with one slash and end before a query, as in /api/v1/user/; not '{path}'. "
            "A query goes into parameters"
        )
    if any(part in (".", "..") for part in path.split("/")):
        raise BadInput(f"path must not hold . or .. as a part: '{path}'")
    return quote(path, safe=_IN_PATH + "{}")


def text_of(value: Any, where: str) -> Any:
    """A parameter's value as it stands in a URL; a list stands for the parameter several times."""
    if isinstance(value, list):
        return [text_of(item, where) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadInput(f"{where} must be a text, a number, a boolean, or a list of these")


def _part(name: str, value: Any) -> str:
    text = text_of(value, f"parameters.{name}")
    parts = text.split("/") if isinstance(text, str) and name == "repository" else [text]
    for part in parts:
        # Quay takes an encoded slash for a slash.
        if not isinstance(part, str) or part in ("", ".", "..") or "/" in part:
            raise BadInput(f"parameters.{name}: '{text}' cannot be the name of anything in Quay")
    return "/".join(quote(part, safe="") for part in parts)


def _pattern(path: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{\w+\})", path)
    return re.compile("".join(_piece(piece) for piece in pieces))


def _piece(piece: str) -> str:
    if piece == "{repository}":
        return r"[^/]+(?:/[^/]+)+"
    return r"[^/]+" if _PLACEHOLDER.fullmatch(piece) else re.escape(piece)


def _is_of(value: Any, kind: str) -> bool:
    """Whether a value can stand for this type in a query, where everything is text."""
    return not isinstance(value, (dict, list)) if kind == "string" else is_kind(value, kind)


def _schema_of_body(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    bodies = (one.get("schema") for one in data.get("parameters", ()) if one.get("in") == "body")
    return next((schema for schema in bodies if isinstance(schema, dict)), None)


def _line(text: Any) -> str:
    """The first sentence of a description, on one line."""
    return " ".join(str(text or "").split("\n\n", maxsplit=1)[0].split())
