# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Lists that Quay sends in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping

from .response import Response

if TYPE_CHECKING:
    from .client import QuayClient


def read_pages(
    read: Callable[[Mapping[str, Any]], Response], key_of: Callable[[Response], str], params: Mapping[str, Any]
) -> Iterator[Response]:
    """The pages of a list, lazily.

    ``read`` sends one request with these query parameters; ``key_of`` names the list in the first page.

    Quay's last page may or may not name a next one, and a bad cursor silently means "page 1", so no cursor is followed
    twice. One empty page may lie between two others (where Quay reads two stores of logs); two are the end.
    """
    query = dict(params)
    seen = set()
    empty_pages = 0
    key = ""
    while True:
        page = read(query)
        key = key or key_of(page)
        yield page
        empty_pages = 0 if page.json_object().get(key) else empty_pages + 1
        following = _next_page(page.json_object())
        if following is None or following in seen or empty_pages > 1:
            return
        seen.add(following)
        query.update([following])


def read_list(client: QuayClient, path: str, key: str, params: Mapping[str, Any] | None = None) -> Iterator[Any]:
    """The items below ``key`` of all pages of GET ``path``, lazily. Raises UnexpectedResponse for another shape."""
    for page in read_pages(lambda query: client.get(path, query), lambda _page: key, params or {}):
        yield from page.list_of(key)


def _next_page(page: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The parameter that asks for the next page: a cursor, or (for tags and searches) a number."""
    if isinstance(page.get("next_page"), str) and page["next_page"]:
        return "next_page", page["next_page"]
    if page.get("has_additional") and isinstance(page.get("page"), int):
        return "page", page["page"] + 1
    return None
