# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds a report as one HTML page: numbers, charts, and tables to search, filter and sort.

The page needs no other file, no server and no network. Its content security policy allows its own style and script,
by their hashes, and nothing else. Texts of the report become text in the page, whatever they contain.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Mapping, Sequence, Tuple, Union

_HERE = Path(__file__).parent

# The kinds of columns. A date is a text such as 2026-01-31T12:00:00Z. A cell with tags is a list of names.
TEXT, DATE, NUMBER, TAGS = "text", "date", "number", "tags"
# How something is meant. The words say it, too.
BAD, WARN, GOOD, INFO, PLAIN = "bad", "warn", "good", "info", "plain"
# The ways to show a chart: a row for each bar, or a column for each.
ROWS, COLUMNS = "rows", "columns"

# A label with a text, or with several.
Detail = Tuple[str, Union[str, Sequence[str]]]


@dataclass(frozen=True)
class Column:
    """A column of a table. ``labels`` and ``tones``: of the names in its cells.

    ``is_filter``: offer a list of its values. ``is_hidden``: only for that. ``none``: the text of a cell without tags.
    """

    key: str
    label: str
    kind: str = TEXT
    is_filter: bool = False
    is_hidden: bool = False
    descends_first: bool = False
    none: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    tones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row: a value for each column, or a pair of a value and a second line. ``details``: what is shown on request."""

    cells: Sequence[Any]
    details: Sequence[Detail] = ()


@dataclass(frozen=True)
class Table:
    """A table. ``noun`` and ``plural``: what a row is.

    ``sort``: the number of a column, and 1 or -1 for the direction; None for the order of the rows.
    """

    name: str
    title: str
    noun: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    sort: tuple[int, int] | None = (0, 1)
    plural: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar. ``selects``: the table, column and value that a click on it selects. ``shown``: the value in words."""

    label: str
    value: float
    tone: str = ""
    selects: tuple[str, str, str] | None = None
    shown: str = ""

    @property
    def text(self) -> str:
        return self.shown or f"{self.value:,}"


@dataclass(frozen=True)
class Chart:
    """A bar chart."""

    title: str
    bars: Sequence[Bar]
    form: str = ROWS
    note: str = ""


@dataclass(frozen=True)
class Tile:
    """A number with its name. ``below``: a few words about it."""

    label: str
    value: str
    below: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Notice:
    """Something to read first. ``is_folded``: show the title alone until it is opened."""

    tone: str
    title: str
    lines: Sequence[str] = ()
    is_folded: bool = False


@dataclass(frozen=True)
class Page:
    """The content of a report."""

    title: str
    lines: Sequence[str]  # below the title
    notices: Sequence[Notice] = ()
    tiles: Sequence[Tile] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    footer: str = ""


def build_page(page: Page) -> str:
    """The report as the text of one HTML file."""
    style, script = _asset("html_report.css"), _asset("html_report.js")
    # The data are no script: the policy need not allow them.
    policy = (
        f"default-src 'none'; style-src '{_source_of(style)}'; script-src '{_source_of(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    body = [
        f'<a class="skip" href="#{escape(page.tables[0].name)}">Skip to the table</a>' if page.tables else "",
        f'<div class="wrap"><header class="top"><h1>{_text(page.title)}</h1>',
        *(f"<p>{_text(line)}</p>" for line in page.lines),
        "</header><main>",
        *map(_notice, page.notices),
        f'<dl class="tiles">{"".join(map(_tile, page.tiles))}</dl>' if page.tiles else "",
        f'<div class="charts">{"".join(map(_chart, page.charts))}</div>' if page.charts else "",
        *map(_section, page.tables),
        f"</main><footer>{_text(page.footer)}</footer></div>",
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="robots" content="noindex">',
            f"<title>{_text(page.title)}</title>",
            f"<style>{style}</style>",
            "</head>",
            "<body>",
            *filter(None, body),
            f'<script type="application/json" id="data">{_data(page.tables)}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


@lru_cache(maxsize=None)
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _source_of(text: str) -> str:
    """The source expression of a content security policy that allows this text in the page."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _text(text: str) -> str:
    """The text in HTML. What UTF-8 cannot encode is replaced."""
    return escape(text.encode("utf-8", "replace").decode("utf-8"))


def _notice(notice: Notice) -> str:
    lines = f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in notice.lines)}</ul>" if notice.lines else ""
    if notice.is_folded and lines:
        return f'<details class="notice {notice.tone}"><summary>{_text(notice.title)}</summary>{lines}</details>'
    return f'<div class="notice {notice.tone}"><strong>{_text(notice.title)}</strong>{lines}</div>'


def _tile(tile: Tile) -> str:
    below = f'<span class="sub">{_text(tile.below)}</span>' if tile.below else ""
    return f'<div class="tile {tile.tone}"><dt>{_text(tile.label)}</dt><dd><b>{_text(tile.value)}</b>{below}</dd></div>'


def _chart(chart: Chart) -> str:
    largest = max([item.value for item in chart.bars], default=0) or 1
    draw = _bar_of_row if chart.form == ROWS else _bar_of_column
    bars = "".join(draw(item, largest) for item in chart.bars)
    note = f'<p class="note">{_text(chart.note)}</p>' if chart.note else ""
    shape = "bars" if chart.form == ROWS else "columns"
    return (
        f'<figure class="card"><figcaption>{_text(chart.title)}</figcaption><ul class="{shape}">{bars}</ul>'
        f"{note}</figure>"
    )


def _bar_of_row(item: Bar, largest: float) -> str:
    width = round(100 * item.value / largest, 2)
    return (
        f'<li><span class="label">{_label(item)}</span>'
        '<svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="12"></rect>'
        f'<rect class="fill {item.tone}" width="{width}" height="12"></rect></svg>'
        f'<span class="value">{_text(item.text)}</span></li>'
    )


def _bar_of_column(item: Bar, largest: float) -> str:
    height = round(100 * item.value / largest, 2)
    value = _text(item.text) if item.value else '<span class="hidden">0</span>'
    return (
        f'<li><span class="value">{value}</span>'
        '<svg viewBox="0 0 12 100" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="track" y="99" width="12" height="1"></rect>'
        f'<rect class="fill {item.tone}" y="{round(100 - height, 2)}" width="12" height="{height}"></rect></svg>'
        f'<span class="label">{_label(item)}</span></li>'
    )


def _label(item: Bar) -> str:
    if item.selects is None or not item.value:
        return _text(item.label)
    table, column, value = map(_text, item.selects)
    attributes = f'data-table="{table}" data-column="{column}" data-value="{value}"'
    return f'<button type="button" class="link" {attributes}>{_text(item.label)}</button>'


def _section(table: Table) -> str:
    return (
        f'<section class="card table" id="{escape(table.name)}"><h2>{_text(table.title)}</h2>'
        '<p class="fallback">The table needs JavaScript.</p></section>'
    )


def _data(tables: Sequence[Table]) -> str:
    """The tables as JSON that contains nothing that HTML could take for a tag."""
    data = {
        table.name: {
            "title": table.title,
            "nouns": [table.noun, table.plural or f"{table.noun}s"],
            "sort": list(table.sort) if table.sort else None,
            "columns": [_column(column) for column in table.columns],
            "rows": [[list(row.cells), [list(detail) for detail in row.details]] for row in table.rows],
        }
        for table in tables
    }
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _column(column: Column) -> dict[str, Any]:
    return {
        "key": column.key,
        "label": column.label,
        "kind": column.kind,
        "filter": column.is_filter,
        "hidden": column.is_hidden,
        "first": -1 if column.descends_first else 1,
        "none": column.none,
        "labels": dict(column.labels),
        "tones": dict(column.tones),
    }
