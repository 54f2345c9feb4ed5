# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""JSON values compared with the schemas of a Swagger document, or with the values of a play. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Callable, Iterable, Mapping

_KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False}


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelled name, in parentheses: similar names, else all names if they are few."""
    names = sorted(known)
    folded = {candidate.lower(): candidate for candidate in names}
    found = [folded[match] for match in get_close_matches(name.lower(), list(folded), n=3, cutoff=0.6)]
    if found:
        return f" (did you mean {' or '.join(found)}?)"
    return f" (there are: {', '.join(names)})" if 0 < len(names) <= 20 else ""


class SchemaChecker:
    """Compares values with schemas of one document, and collects the problems."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self.problems: list[str] = []

    def coerce(self, value: Any, schema: Mapping[str, Any], where: str) -> Any:
        """The value, with texts such as "300" and "true" (from templates) converted to the schema's type."""
        schema = resolve(schema, self._definitions)
        kinds = _kinds_of(schema)
        value = read_as(value, kinds)
        if kinds and not any(is_kind(value, kind) for kind in kinds):
            self._note(where, f"must be {' or '.join(kinds)}")
            return value
        if schema.get("enum") and value not in schema["enum"]:
            self._note(where, f"must be one of {', '.join(map(str, schema['enum']))}")
        if isinstance(value, dict):
            return self._object(value, schema, where)
        if isinstance(value, list):
            return self._array(value, schema, where)
        self._limits(value, schema, where)
        return value

    def _note(self, where: str, what: str) -> None:
        self.problems.append(f"{where} {what}")

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], where: str) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        for name in schema.get("required", ()):
            if name not in value:
                self._note(where, f"lacks '{name}', which is required")
        coerced = {}
        for name, item in value.items():
            if name in properties:
                item = self.coerce(item, properties[name], f"{where}.{name}")
            elif properties and not schema.get("additionalProperties"):
                self._note(where, f"has '{name}', which Quay does not know here{suggestion(name, properties)}")
            coerced[name] = item
        return coerced

    def _array(self, value: list[Any], schema: Mapping[str, Any], where: str) -> list[Any]:
        if len(value) < schema.get("minItems", 0):
            self._note(where, f"needs {schema['minItems']} or more items")
        if schema.get("uniqueItems") and any(item in value[:number] for number, item in enumerate(value)):
            self._note(where, "has an item twice")
        items = schema.get("items")
        if not isinstance(items, dict):
            return value
        return [self.coerce(item, items, f"{where}[{number}]") for number, item in enumerate(value)]

    def _limits(self, value: Any, schema: Mapping[str, Any], where: str) -> None:
        if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
            self._note(where, f"is longer than {schema['maxLength']} characters")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and value < schema.get("minimum", value):
            self._note(where, f"must be {schema['minimum']} or more")


def is_kind(value: Any, kind: str) -> bool:
    """Whether a value has a type as Swagger names it; one that is not known may be anything."""
    return _KINDS[kind](value) if kind in _KINDS else True


def resolve(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema itself, where a reference stands for it; an empty one, which allows anything, where it is missing."""
    name = name_of(schema)
    if name is None:
        return schema
    found = definitions.get(name)
    return found if isinstance(found, dict) and name_of(found) is None else {}


def name_of(schema: Mapping[str, Any]) -> str | None:
    """The name of the definition that a schema refers to."""
    reference = schema.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else None


def _kinds_of(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type") or []
    return [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]


def read_as(value: Any, kinds: Iterable[str]) -> Any:
    """A text read as one of these types, where it can be; any other value as it is."""
    if not isinstance(value, str) or "string" in kinds:
        return value
    for kind in kinds:
        try:
            if kind == "integer":
                return int(value)
            if kind == "number":
                return float(value)
        except ValueError:
            continue
        if kind == "boolean" and value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
    return value


def contains(value: Any, desired: Any) -> bool:
    """Whether a value has all that is wanted: a mapping these keys, a list an item for each of these items."""
    if isinstance(desired, dict):
        return isinstance(value, dict) and all(key in value and contains(value[key], desired[key]) for key in desired)
    if isinstance(desired, list):
        return isinstance(value, list) and all(any(contains(item, want) for item in value) for want in desired)
    return bool(value == desired and isinstance(value, bool) == isinstance(desired, bool))
