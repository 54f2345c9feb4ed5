# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking a list of Quay's page by page."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._errors import ApiError, UnexpectedAnswer
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay, Reply, Request, ok, page

PATH = "/api/v1/organization/acme/logs"


def listing(*names: str, following: Any = None) -> Reply:
    return ok({"logs": [{"name": name} for name in names], **({"next_page": following} if following else {})})


def walk(quay: FakeQuay, **params: str) -> list[str]:
    return [item["name"] for item in quay.client().pages(PATH, "logs", params or None)]


def test_one_page(quay: FakeQuay) -> None:
    quay.answers(listing("a", "b"))
    assert walk(quay) == ["a", "b"]
    assert quay.requests == [Request("GET", PATH)]


def test_no_entries(quay: FakeQuay) -> None:
    quay.answers(listing())
    assert walk(quay) == []


def test_pages_keep_the_parameters(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="x/1="), listing("b", following="x/2="), listing("c"))
    assert walk(quay, starttime="01/31/2026") == ["a", "b", "c"]
    assert [request.target for request in quay.requests] == [
        f"{PATH}?starttime=01%2F31%2F2026",
        f"{PATH}?starttime=01%2F31%2F2026&next_page=x%2F1%3D",
        f"{PATH}?starttime=01%2F31%2F2026&next_page=x%2F2%3D",
    ]


def test_parameters_of_the_caller_are_left_alone(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="2"), listing("b"))
    params = {"limit": "1"}
    assert len(list(quay.client().pages(PATH, "logs", params))) == 2
    assert params == {"limit": "1"}


def test_full_last_page_names_an_empty_one(quay: FakeQuay) -> None:
    """Quay's logs end so: the last entries still name a next page, which is empty."""
    quay.answers(listing("a", following="2"), listing())
    assert walk(quay) == ["a"]


def test_empty_page_between_two_stores_of_logs(quay: FakeQuay) -> None:
    """While Quay moves its logs to another store, it reads both, with an empty page where the first has ended."""
    quay.answers(listing("a", following="2"), listing(following="3"), listing("b", following="4"), listing())
    assert walk(quay) == ["a", "b"]


def test_first_page_empty_of_two_stores_of_logs(quay: FakeQuay) -> None:
    quay.answers(listing(following="2"), listing("a", following="3"), listing(following="4"), listing("b"))
    assert walk(quay) == ["a", "b"]


def test_empty_pages_for_ever(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="1"), listing(following="2"), listing(following="3"))
    assert walk(quay) == ["a"]


def test_page_that_names_itself(quay: FakeQuay) -> None:
    """A cursor that Quay cannot read means page 1, which names the same cursor again."""
    quay.answers(listing("a", following="bad"), listing("a", following="bad"))
    assert walk(quay) == ["a", "a"]
    assert quay.calls == [("GET", PATH), ("GET", f"{PATH}?next_page=bad")]


def test_pages_in_a_circle(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="1"), listing("b", following="2"), listing("a", following="1"))
    assert walk(quay) == ["a", "b", "a"]


@pytest.mark.parametrize("following", [{"page": 2}, ["2"], 2, True])
def test_next_page_that_is_no_cursor(quay: FakeQuay, following: Any) -> None:
    quay.answers(listing("a", following=following))
    assert walk(quay) == ["a"]


def test_pages_are_asked_for_when_they_are_needed(quay: FakeQuay) -> None:
    quay.answers(listing("a", "b", following="2"))
    entries = quay.client().pages(PATH, "logs")
    assert quay.calls == []
    assert next(entries) == {"name": "a"}
    assert quay.calls == [("GET", PATH)]


def test_page_is_repeated_like_any_read(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="2"), page(502), listing("b"))
    assert walk(quay) == ["a", "b"]
    assert quay.pauses == [0.5]


def test_page_that_fails(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="2"), page(500))
    with pytest.raises(ApiError):
        walk(quay)


def test_page_without_the_list(quay: FakeQuay) -> None:
    quay.answers(listing("a", following="2"), ok({"next_page": "3"}))
    with pytest.raises(UnexpectedAnswer, match=f"^GET {PATH}: the answer is not a list 'logs' of objects"):
        walk(quay)
