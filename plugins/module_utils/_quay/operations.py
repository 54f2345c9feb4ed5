# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Quay's description of its own API: the public Swagger 2.0 document of GET /api/v1/discovery.

Its paths, operation ids and parameters are accurate. Its response codes are a template, and its scopes are informative
only. If two source files of Quay use one name for two definitions, the document contains only one of them: NewToken
(createAppToken, createOrganizationApplicationToken), UpdateOrg and UpdateUser. Such a definition is ignored.
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
# Characters that need no encoding in the path of a URL. A percent sign starts a character that is encoded already.
_UNENCODED = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation. ``place``: path or query. ``kind``: a Swagger type such as string or integer."""

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
            _first_paragraph(data.get("description")),
        )


@dataclass(frozen=True)
class Operation:
    """One operation of the API. ``name`` is its operationId; ``path`` has placeholders such as {orgname}.

    ``body`` is the schema of its body: None if it accepts no body, {} (anything is allowed) if the schema is unknown.
    """

    name: str
    method: str
    path: str
    summary: str
    tags: tuple[str, ...]
    scopes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    body: Mapping[str, Any] | None

    def check_query(self, query: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the query with its values converted to the parameters' types, and a message for each problem."""
        known = {parameter.name: parameter for parameter in self.parameters if parameter.place == "query"}
        problems = [
            f"parameters lacks '{parameter.name}', which {self.name} requires"
            for parameter in known.values()
            if parameter.required and parameter.name not in query
        ]
        converted = {}
        for name, value in query.items():
            if name not in known:
                names = [parameter.name for parameter in self.parameters]
                problems.append(f"parameters has '{name}', which {self.name} does not accept{suggestion(name, names)}")
                converted[name] = value
                continue
            converted[name] = read_as(value, [known[name].kind])
            if not _fits_query(converted[name], known[name].kind):
                problems.append(f"parameters.{name} must be {known[name].kind}")
        return converted, problems


class Catalogue:
    """All operations of one server: versions and features of Quay differ by them."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """``document``: the parsed Swagger document, whose ``paths`` is an object."""
        definitions = document.get("definitions")
        self._definitions: Mapping[str, Any] = definitions if isinstance(definitions, dict) else {}
        paths = document.get("paths")
        self._paths: Mapping[str, Any] = paths if isinstance(paths, dict) else {}
        self._ambiguous = self._ambiguous_definitions()
        self.operations = tuple(self._parse())

    @classmethod
    def of(cls, client: QuayClient, *, internal: bool) -> Catalogue:
        """Read the document from the server by one anonymous request (GET /discovery).

        ``internal``: include the operations that Quay marks as internal. Raises UnexpectedResponse for another
        document.
        """
        query = {"internal": "true"} if internal else {}
        response = client.get(_DISCOVERY, query, auth=_ANONYMOUS)
        if not isinstance(response.json_object().get("paths"), dict):
            raise response.unexpected("the response is not a description of an API as Quay sends it")
        return cls(response.json_object())

    def named(self, name: str) -> Operation:
        """Return the operation with this operationId. Raises BadInput, which suggests similar ones."""
        operation = next((operation for operation in self.operations if operation.name == name), None)
        if operation is None:
            hint = suggestion(name, [operation.name for operation in self.operations])
            raise BadInput(
                f"operation: this server has no operation '{name}'{hint}. Its Quay version may be too old, or the "
                "feature may be disabled. Use quay_operation_info to list all operations"
            )
        return operation

    def at(self, method: str, path: str) -> Operation:
        """Return the operation at a path without placeholders. Raises BadInput, which suggests paths or methods.

        A repository name may contain slashes, so several paths can match. The one with the longest fixed text counts.
        """
        matches = [known for known in self._paths if _path_pattern(known).fullmatch(path)]
        if not matches:
            hint = suggestion(path, self._paths)
            raise BadInput(f"path: this server's description of its API does not list {path}{hint}")
        most_specific = max(matches, key=lambda known: (len(_PLACEHOLDER.sub("", known)), known))
        described_method = "GET" if method == "HEAD" else method
        by_method = {operation.method: operation for operation in self.operations if operation.path == most_specific}
        if described_method not in by_method:
            available = ", ".join(sorted(by_method))
            raise BadInput(f"method: this server has no {method} at {most_specific} (available: {available})")
        return by_method[described_method]

    def check_body(self, operation: Operation, body: Any) -> tuple[Any, list[str]]:
        """Return the body with its values converted to the types of the schema, and a message for each problem."""
        if operation.body is None:
            return body, [f"body: {operation.name} accepts no body"] if body is not None else []
        checker = SchemaChecker(self._definitions)
        return checker.coerce({} if body is None else body, operation.body, "body"), checker.problems

    def _ambiguous_definitions(self) -> set[str]:
        """The names of the definitions that more than one source file of Quay refers to (x-name has the file)."""
        sources: dict[str, set[str]] = {}
        for item in self._paths.values():
            source = str(item.get("x-name", "")).rpartition(".")[0]
            for method in _METHODS:
                name = name_of(_body_schema(item.get(method) or {}) or {})
                if name is not None:
                    sources.setdefault(name, set()).add(source)
        return {name for name, files in sources.items() if len(files) > 1}

    def _parse(self) -> Iterator[Operation]:
        for path, item in sorted(self._paths.items()):
            for method in _METHODS:
                if isinstance(item.get(method), dict):
                    yield self._parse_operation(path, method.upper(), item, item[method])

    def _parse_operation(self, path: str, method: str, item: Mapping[str, Any], data: Mapping[str, Any]) -> Operation:
        """``item``: what the document has for the path. ``data``: what it has for this method of the path."""
        declared = [*item.get("parameters", ()), *data.get("parameters", ())]
        parameters = {entry["name"]: Parameter.of(entry) for entry in declared if entry.get("in") in ("path", "query")}
        scopes = [scope for entry in data.get("security", ()) for group in entry.values() for scope in group]
        body = _body_schema(data)
        if body is not None:
            body = {} if name_of(body) in self._ambiguous else resolve(body, self._definitions)
        return Operation(
            str(data.get("operationId")),
            method,
            path,
            _first_paragraph(data.get("description")),
            tuple(map(str, data.get("tags", ()))),
            tuple(map(str, scopes)),
            tuple(sorted(parameters.values(), key=_parameter_order)),
            body,
        )


def expand(path: str, parameters: Mapping[str, Any]) -> tuple[str, set[str]]:
    """Fill in the placeholders of a path. Return it with the names of the parameters that it used.

    Values are percent-encoded; the parameter repository keeps its slashes. Raises BadInput if a parameter is missing or
    cannot be part of a path.
    """
    names = _PLACEHOLDER.findall(path)
    for name in names:
        if name not in parameters:
            raise BadInput(f"parameters: '{name}' is missing. The path {path} requires it")
    return _PLACEHOLDER.sub(lambda match: _encode_value(match[1], parameters[match[1]]), path), set(names)


def check_path(path: str, option: str) -> str:
    """Return a path percent-encoded, with its placeholders. Raises BadInput naming ``option`` if it is not valid."""
    if not path.startswith("/") or path.startswith("//") or "?" in path or "#" in path or "\\" in path:
        raise BadInput(
            f"{option}: '{path}' is not a valid path. Write an absolute path without host and query, such as "
            "/api/v1/user/, and set parameters for the query"
        )
    if any(part in (".", "..") for part in path.split("/")):
        raise BadInput(f"{option}: '{path}' is not a valid path. It must not contain . or .. as a part")
    return quote(path, safe=_UNENCODED + "{}")


def text_of(value: Any, where: str) -> Any:
    """Return a parameter's value as text for a URL; a list as a list of texts, for a parameter that is repeated.

    ``where`` names the option in the BadInput that any other type raises.
    """
    if isinstance(value, list):
        return [text_of(item, where) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise BadInput(f"{where} must be a string, a number, a boolean, or a list of these")


def _encode_value(name: str, value: Any) -> str:
    """The text that replaces the placeholder of a parameter."""
    text = text_of(value, f"parameters.{name}")
    parts = text.split("/") if isinstance(text, str) and name == "repository" else [text]
    for part in parts:
        # Quay decodes an encoded slash before it routes the request.
        if not isinstance(part, str) or part in ("", ".", "..") or "/" in part:
            raise BadInput(f"parameters.{name}: '{text}' cannot be the name of anything in Quay")
    return "/".join(quote(part, safe="") for part in parts)


def _path_pattern(path: str) -> re.Pattern[str]:
    """A pattern for the paths that result from filling in the placeholders."""
    segments = re.split(r"(\{\w+\})", path)
    return re.compile("".join(_segment_pattern(segment) for segment in segments))


def _segment_pattern(segment: str) -> str:
    if segment == "{repository}":
        return r"[^/]+(?:/[^/]+)+"
    return r"[^/]+" if _PLACEHOLDER.fullmatch(segment) else re.escape(segment)


def _fits_query(value: Any, kind: str) -> bool:
    """Whether a value is valid for this type in a query. A string can be any scalar, because a query is text."""
    return not isinstance(value, (dict, list)) if kind == "string" else is_kind(value, kind)


def _parameter_order(parameter: Parameter) -> tuple[bool, bool, str]:
    return parameter.place != "path", not parameter.required, parameter.name


def _body_schema(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    schemas = (entry.get("schema") for entry in data.get("parameters", ()) if entry.get("in") == "body")
    return next((schema for schema in schemas if isinstance(schema, dict)), None)


def _first_paragraph(text: Any) -> str:
    """The first paragraph of a description, on one line."""
    return " ".join(str(text or "").split("\n\n", maxsplit=1)[0].split())
