# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists that Quay sends in pages."""

from __future__ import annotations

from typing import Any, Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http.errors import ApiError, UnexpectedResponse
from ansible_collections.tokensmith.quay.plugins.module_utils._http.paging import read_list, read_pages
from ansible_collections.tokensmith.quay.plugins.module_utils._http.response import Response
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay, Reply, Request, ok, page

PATH = "/api/v1/organization/acme/logs"


def list_page(*names: str, next_page: Any = None) -> Reply:
    return ok({"logs": [{"name": name} for name in names], **({"next_page": next_page} if next_page else {})})


def names_in_list(quay: FakeQuay, **params: str) -> list[str]:
    return [item["name"] for item in read_list(quay.client(), PATH, "logs", params or None)]


def test_one_page(quay: FakeQuay) -> None:
    quay.answers(list_page("a", "b"))
    assert names_in_list(quay) == ["a", "b"]
    assert quay.requests == [Request("GET", PATH)]


def test_empty_list(quay: FakeQuay) -> None:
    quay.answers(list_page())
    assert names_in_list(quay) == []


def test_each_page_has_the_query_parameters(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="x/1="), list_page("b", next_page="x/2="), list_page("c"))
    assert names_in_list(quay, starttime="01/31/2026") == ["a", "b", "c"]
    assert [request.target for request in quay.requests] == [
        f"{PATH}?starttime=01%2F31%2F2026",
        f"{PATH}?starttime=01%2F31%2F2026&next_page=x%2F1%3D",
        f"{PATH}?starttime=01%2F31%2F2026&next_page=x%2F2%3D",
    ]


def test_mapping_of_the_caller_is_not_changed(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="2"), list_page("b"))
    params = {"limit": "1"}
    assert len(list(read_list(quay.client(), PATH, "logs", params))) == 2
    assert params == {"limit": "1"}


def test_last_page_that_names_an_empty_one(quay: FakeQuay) -> None:
    """The logs end like this: the page with the last entries names a next page, which is empty."""
    quay.answers(list_page("a", next_page="2"), list_page())
    assert names_in_list(quay) == ["a"]


def test_empty_page_between_two_stores_of_logs(quay: FakeQuay) -> None:
    """While Quay moves its logs to another store, it reads both, with an empty page between them."""
    quay.answers(list_page("a", next_page="2"), list_page(next_page="3"), list_page("b", next_page="4"), list_page())
    assert names_in_list(quay) == ["a", "b"]


def test_empty_first_page_of_two_stores_of_logs(quay: FakeQuay) -> None:
    quay.answers(list_page(next_page="2"), list_page("a", next_page="3"), list_page(next_page="4"), list_page("b"))
    assert names_in_list(quay) == ["a", "b"]


def test_two_empty_pages_are_the_end(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="1"), list_page(next_page="2"), list_page(next_page="3"))
    assert names_in_list(quay) == ["a"]


def test_page_that_names_itself(quay: FakeQuay) -> None:
    """For a cursor that it cannot read, Quay sends page 1, which names the same cursor again."""
    quay.answers(list_page("a", next_page="bad"), list_page("a", next_page="bad"))
    assert names_in_list(quay) == ["a", "a"]
    assert quay.calls == [("GET", PATH), ("GET", f"{PATH}?next_page=bad")]


def test_cycle_of_pages(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="1"), list_page("b", next_page="2"), list_page("a", next_page="1"))
    assert names_in_list(quay) == ["a", "b", "a"]


@pytest.mark.parametrize("next_page", [{"page": 2}, ["2"], 2, True])
def test_invalid_cursor(quay: FakeQuay, next_page: Any) -> None:
    quay.answers(list_page("a", next_page=next_page))
    assert names_in_list(quay) == ["a"]


def test_pages_are_requested_lazily(quay: FakeQuay) -> None:
    quay.answers(list_page("a", "b", next_page="2"))
    entries = read_list(quay.client(), PATH, "logs")
    assert quay.calls == []
    assert next(entries) == {"name": "a"}
    assert quay.calls == [("GET", PATH)]


def test_failed_page_is_requested_again(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="2"), page(502), list_page("b"))
    assert names_in_list(quay) == ["a", "b"]
    assert quay.pauses == [0.5]


def test_page_that_fails(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="2"), page(500))
    with pytest.raises(ApiError):
        names_in_list(quay)


def test_page_without_the_list(quay: FakeQuay) -> None:
    quay.answers(list_page("a", next_page="2"), ok({"next_page": "3"}))
    with pytest.raises(UnexpectedResponse, match=f"^GET {ORIGIN}{PATH}: the response is not a list 'logs' of objects"):
        names_in_list(quay)


def numbered_page(number: Any, *names: str, more: bool = True) -> Reply:
    """A page of a list with page numbers, as Quay sends tags and search results."""
    return ok({"tags": [{"name": name} for name in names], "page": number, "has_additional": more})


def names_in_pages(quay: FakeQuay, key_of: Callable[[Response], str], **params: str) -> list[list[str]]:
    """The names in each page of a list whose key the first page tells."""
    client = quay.client()
    pages = read_pages(lambda query: client.get(PATH, query), key_of, params)
    return [[item["name"] for item in page.json_object().get("tags") or ()] for page in pages]


def tags(_page: Response) -> str:
    return "tags"


def test_numbered_pages(quay: FakeQuay) -> None:
    quay.answers(numbered_page(1, "a", "b"), numbered_page(2, "c"), numbered_page(3, "d", more=False))
    assert names_in_pages(quay, tags, limit="2") == [["a", "b"], ["c"], ["d"]]
    assert [request.target for request in quay.requests] == [
        f"{PATH}?limit=2",
        f"{PATH}?limit=2&page=2",
        f"{PATH}?limit=2&page=3",
    ]


def test_first_page_of_the_caller(quay: FakeQuay) -> None:
    quay.answers(numbered_page(4, "a"), numbered_page(5, "b", more=False))
    assert names_in_pages(quay, tags, page="4") == [["a"], ["b"]]
    assert [request.target for request in quay.requests] == [f"{PATH}?page=4", f"{PATH}?page=5"]


def test_server_that_ignores_the_page_number(quay: FakeQuay) -> None:
    """It sends page 1 again, and is not asked for page 2 a second time."""
    quay.answers(numbered_page(1, "a"), numbered_page(1, "a"))
    assert names_in_pages(quay, tags) == [["a"], ["a"]]


@pytest.mark.parametrize("number", [None, "1", 1.5])
def test_invalid_page_number(quay: FakeQuay, number: Any) -> None:
    quay.answers(numbered_page(number, "a"))
    assert names_in_pages(quay, tags) == [["a"]]


def test_cursor_wins_over_the_page_number(quay: FakeQuay) -> None:
    quay.answers(ok({"tags": [], "page": 1, "has_additional": True, "next_page": "n"}), numbered_page(2, more=False))
    assert names_in_pages(quay, tags) == [[], []]
    assert quay.calls[-1] == ("GET", f"{PATH}?next_page=n")


def test_empty_numbered_pages_are_the_end(quay: FakeQuay) -> None:
    quay.answers(numbered_page(1, "a"), numbered_page(2), numbered_page(3))
    assert names_in_pages(quay, tags) == [["a"], [], []]


def test_first_page_names_the_list(quay: FakeQuay) -> None:
    """The caller reads the name from the first page only."""
    asked: list[Any] = []

    def key_of(page_: Response) -> str:
        asked.append(page_.data["page"])
        return "tags"

    quay.answers(numbered_page(1, "a"), numbered_page(2, "b"), numbered_page(3, more=False))
    assert names_in_pages(quay, key_of) == [["a"], ["b"], []]
    assert asked == [1]


def test_page_is_checked_before_the_next_request(quay: FakeQuay) -> None:
    """A caller that does not like a page raises, and no other page is requested."""
    quay.answers(numbered_page(1, "a"))
    client = quay.client()
    pages = read_pages(lambda query: client.get(PATH, query), tags, {})
    with pytest.raises(UnexpectedResponse, match=f"^GET {ORIGIN}{PATH}: not this one$"):
        raise next(pages).unexpected("not this one")
    assert len(quay.requests) == 1


@pytest.mark.parametrize("body", [[], "text", None])
def test_page_that_is_no_object(quay: FakeQuay, body: Any) -> None:
    quay.answers(ok(body))
    with pytest.raises(UnexpectedResponse, match="the response is not a JSON object as Quay sends it$"):
        names_in_pages(quay, tags)
