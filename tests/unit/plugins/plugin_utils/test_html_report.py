# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a report: its policy, and that no text of it becomes HTML or script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.plugin_utils.html_report import (
    COLUMNS,
    ROWS,
    Bar,
    Chart,
    Column,
    Notice,
    Page,
    Row,
    Table,
    Tile,
    build_page,
)

HOSTILE = "</script ></script><script>alert(1)</script> \"'&<!-- ]]> \u2028 \u202e \U0001f511"


class Parsed(HTMLParser):
    """The tags of a page, and its texts by tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)


def page_of(text: str) -> str:
    columns = [Column("name", text, labels={text: text}, tones={text: "bad"}, is_filter=True)]
    bars = [Bar(text, 3, "bad", ("things", "name", text)), Bar(text, 0)]
    return build_page(
        Page(
            title=text,
            lines=[text],
            notices=[Notice("bad", text, [text]), Notice("info", text, [text], is_folded=True)],
            tiles=[Tile(text, text, text)],
            charts=[Chart(text, bars, ROWS, text), Chart(text, bars, COLUMNS, text)],
            tables=[Table("things", text, "thing", columns, [Row([text], [(text, text), (text, [text])])])],
            footer=text,
        )
    )


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    assert not re.search("[<>&]", found.group(1))
    return json.loads(found.group(1))


def test_structure_does_not_depend_on_texts() -> None:
    plain, hostile = Parsed(page_of("name")), Parsed(page_of(HOSTILE))
    assert [tag for tag, _attributes in plain.tags] == [tag for tag, _attributes in hostile.tags]
    assert plain.open == hostile.open == []
    assert [tag for tag, _attributes in hostile.tags].count("script") == 2
    assert HOSTILE in hostile.texts["h1"]
    buttons = [attributes for tag, attributes in hostile.tags if tag == "button"]
    assert [button["data-value"] for button in buttons] == [HOSTILE, HOSTILE]


def test_data_are_complete() -> None:
    table = data_of(page_of(HOSTILE))["things"]
    assert table["rows"] == [[[HOSTILE], [[HOSTILE, HOSTILE], [HOSTILE, [HOSTILE]]]]]
    assert (table["columns"][0]["label"], table["columns"][0]["labels"]) == (HOSTILE, {HOSTILE: HOSTILE})
    assert (table["sort"], table["nouns"]) == ([0, 1], ["thing", "things"])


def test_policy_allows_the_own_style_and_script_only() -> None:
    page = page_of(HOSTILE)
    parsed = Parsed(page)
    metas = {
        attributes.get("http-equiv") or attributes.get("name"): attributes
        for tag, attributes in parsed.tags
        if tag == "meta"
    }
    policy = dict(part.split(" ", 1) for part in str(metas["Content-Security-Policy"]["content"]).split("; "))
    (style,) = parsed.texts["style"]
    script = parsed.texts["script"][-1]
    hashes = {
        name: "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
        for name, text in (("style-src", style), ("script-src", script))
    }
    assert policy == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", **hashes}
    # What the policy would not let pass: style attributes and event handlers.
    assert not [
        name for _tag, attributes in parsed.tags for name in attributes if name == "style" or name.startswith("on")
    ]
    # It comes before everything that it governs.
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_page_names_no_other_resource() -> None:
    page = page_of("name")
    assert not re.findall(r"\b(?:src|srcset|action|poster|background)=|url\(|@import|import\(|fetch\(|XMLHttp", page)
    assert re.findall(r'href="([^"]*)"', page) == ["#things"]
    # The addresses of licenses in comments are no requests.
    assert set(re.findall(r"https?://[\w.]+", page)) == {"https://www.gnu.org"}


def test_text_that_cannot_be_encoded() -> None:
    page = page_of("a\ud800b")
    assert "a?b" in page
    page.encode("utf-8")


def test_bars_have_their_share() -> None:
    page = page_of("x")
    assert re.findall(r'class="fill bad" width="([\d.]+)"', page) == ["100.0"]
    assert re.findall(r'class="fill " width="([\d.]+)"', page) == ["0.0"]


@pytest.mark.parametrize("bars", [[], [Bar("none", 0)]])
def test_empty_chart(bars: list[Bar]) -> None:
    assert "<figure" in build_page(Page("t", [], charts=[Chart("c", bars)]))
