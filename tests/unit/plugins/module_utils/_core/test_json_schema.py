# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON values compared with schemas, and with desired values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.json_schema import (
    SchemaChecker,
    contains,
    resolve,
    suggestion,
)

OBJECT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}


def problems(value: Any, schema: Any) -> Any:
    checker = SchemaChecker({"Thing": OBJECT})
    checker.coerce(value, schema, "body")
    return checker.problems


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "300", 300),
        ({"type": "integer"}, "3.5", "3.5"),
        ({"type": "integer"}, 3, 3),
        ({"type": "number"}, "3.5", 3.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "No", False),
        ({"type": "boolean"}, "perhaps", "perhaps"),
        ({"type": ["integer", "null"]}, "7", 7),
        ({"type": "string"}, "300", "300"),
        ({"type": ["string", "null"]}, "true", "true"),
        ({}, "300", "300"),
        ({"type": "object", "properties": {"age": {"type": "integer"}}}, {"age": "4"}, {"age": 4}),
        ({"type": "array", "items": {"type": "integer"}}, ["4", 5], [4, 5]),
    ],
)
def test_text_is_converted_to_the_type_of_the_schema(schema: Any, text: Any, value: Any) -> None:
    coerced = SchemaChecker({}).coerce(text, schema, "body")
    assert (coerced, type(coerced)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"name": "x"}, OBJECT),
        ({"name": "x", "age": 3}, {"$ref": "#/definitions/Thing"}),
        ({"anything": 1}, {"type": "object"}),
        ({"anything": 1}, {"type": "object", "properties": {}, "additionalProperties": True}),
        ({"x": 1}, {"type": "object", "properties": {"name": {}}, "additionalProperties": True}),
        (None, {"type": ["string", "null"]}),
        (None, {"enum": ["a", None]}),
        (5, {"type": "integer", "minimum": 5}),
        ("abc", {"type": "string", "maxLength": 3}),
        ({"x": 1}, {"$ref": "#/definitions/Missing"}),
        (1, {"type": "file"}),
    ],
)
def test_valid_value(value: Any, schema: Any) -> None:
    assert problems(value, schema) == []


@pytest.mark.parametrize(
    ("value", "schema", "problem"),
    [
        ({}, OBJECT, "body lacks 'name', which is required"),
        ({"name": 1}, OBJECT, "body.name must be string"),
        ({"name": "x", "age": True}, OBJECT, "body.age must be integer"),
        ({"name": "x", "nam": 1}, OBJECT, "body has 'nam', which Quay does not know here (did you mean name?)"),
        ([], OBJECT, "body must be object"),
        (["a", "a"], {"type": "array", "uniqueItems": True}, "body has an item twice"),
        ([], {"type": "array", "minItems": 1}, "body needs 1 or more items"),
        (["a", 1], {"type": "array", "items": {"type": "string"}}, "body[1] must be string"),
        (4, {"type": "integer", "minimum": 5}, "body must be 5 or more"),
        ("abcd", {"type": "string", "maxLength": 3}, "body is longer than 3 characters"),
        ("c", {"enum": ["a", None]}, "body must be one of a, None"),
        (None, {"type": "string"}, "body must be string"),
    ],
)
def test_invalid_value(value: Any, schema: Any, problem: str) -> None:
    assert problems(value, schema) == [problem]


def test_reference_to_a_reference_is_not_followed() -> None:
    loop = {"A": {"$ref": "#/definitions/A"}}
    assert resolve({"$ref": "#/definitions/A"}, loop) == {}


@pytest.mark.parametrize(
    ("value", "desired"),
    [
        ({"a": 1, "b": 2}, {"a": 1}),
        ({"a": {"b": [1, 2, 3]}}, {"a": {"b": [3, 1]}}),
        ({"members": [{"name": "x", "kind": "user"}]}, {"members": [{"name": "x"}]}),
        ({}, {}),
        ([{"a": 1}], []),
        ("x", "x"),
        (None, None),
    ],
)
def test_value_contains_the_desired_one(value: Any, desired: Any) -> None:
    assert contains(value, desired)


@pytest.mark.parametrize(
    ("value", "desired"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": None}, {"a": {}}),
        ({"a": True}, {"a": 1}),
        ([{"a": 1}], [{"a": 1}, {"a": 2}]),
        ("x", ["x"]),
        (None, {}),
        (0, False),
    ],
)
def test_value_lacks_the_desired_one(value: Any, desired: Any) -> None:
    assert not contains(value, desired)


def test_suggestion() -> None:
    assert suggestion("LISTorgLog", ["listOrgLogs", "getOrgRobot"]) == " (did you mean listOrgLogs?)"
    assert suggestion("xyz", ["b", "a"]) == " (there are: a, b)"
    assert suggestion("xyz", []) == ""
    assert suggestion("xyz", map(str, range(21))) == ""
