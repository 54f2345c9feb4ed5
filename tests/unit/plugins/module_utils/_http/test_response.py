# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Successful responses, and the shapes in which Quay sends its JSON."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.client import QuayClient
from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import (
    UnexpectedResponse,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._http.response import Response
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, empty, ok

READERS: list[tuple[Callable[[Response], object], str]] = [
    (Response.json_object, "the response is not a JSON object as Quay sends it"),
    (lambda response: response.list_of("robots"), "the response is not a list 'robots' of objects as Quay sends it"),
    (Response.json_list, "the response is not a list of objects as Quay sends it"),
]


@pytest.mark.parametrize(
    ("reader", "bodies"),
    [
        (READERS[0], [None, [], [{}], "x", 1, True]),
        (READERS[1], [{}, {"robots": None}, {"robots": {}}, {"robots": "x"}, {"robots": [1]}, {"robots": [{}, None]}]),
        (READERS[2], [None, {}, "x", [1], [[]], [{}, None]]),
    ],
)
def test_unexpected_shape(quay: FakeQuay, reader: tuple[Callable[[Response], object], str], bodies: list[Any]) -> None:
    read, message = reader
    client: QuayClient = quay.client()
    for body in bodies:
        quay.answers(ok(body))
        response = client.get("/api/v1/x")
        with pytest.raises(UnexpectedResponse) as caught:
            read(response)
        assert str(caught.value) == f"GET {ORIGIN}/api/v1/x: {message}"


def test_empty_response(quay: FakeQuay) -> None:
    quay.answers(empty(200), empty(204))
    client = quay.client()
    for status in (200, 204):
        response = client.delete("/api/v1/x")
        assert (response.status, response.data) == (status, None)
        with pytest.raises(UnexpectedResponse):
            response.json_object()


def test_lists(quay: FakeQuay) -> None:
    quay.answers(ok({"robots": [{"name": "a"}]}), ok([{"issuer": "i"}]))
    client = quay.client()
    assert client.get("/api/v1/x").list_of("robots") == [{"name": "a"}]
    assert client.get("/api/v1/x").json_list() == [{"issuer": "i"}]
