# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws a figure: steps from left to right, and below them rows with bars that say what holds during which steps.

The drawing is SVG inside of a page. Lines and texts have the color of the page's text, and the bars are translucent, so
that it can be read on a light page and on a dark one. No meaning depends on a color: each bar has a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_LABELS, _STEP, _ROW, _BAR, _HEAD, _MARGIN = 96, 116, 34, 24, 44, 4
_FONT = 13
# The colors of the bars, and the line around them: dashed where something does not work.
_KINDS = {
    "valid": ("#2e8b57", ""),
    "ended": ("#808080", "4 3"),
    "refused": ("#c0392b", "4 3"),
    "neutral": ("#2f6fb0", ""),
    "action": ("#2f6fb0", ""),
}


def draw(name: str, figure: Mapping[str, Any]) -> str:
    """The figure as SVG. ``name``: a part of its ids, which are unique in a page."""
    steps: Sequence[str] = figure["steps"]
    rows: Sequence[Mapping[str, Any]] = figure["rows"]
    width, height = _LABELS + len(steps) * _STEP + 2 * _MARGIN, _HEAD + len(rows) * _ROW + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"',
        f'     role="img" aria-labelledby="{name}-title {name}-description"',
        f'     style="font: {_FONT}px sans-serif; color: inherit; max-width: none">',
        f'<title id="{name}-title">{escape(figure["title"])}</title>',
        f'<desc id="{name}-description">{escape(figure["description"])}</desc>',
        *_heading(steps, height),
    ]
    for number, row in enumerate(rows):
        lines += _row(row, _HEAD + number * _ROW)
    return "\n".join([*lines, "</svg>"])


def _heading(steps: Sequence[str], height: int) -> Iterator[str]:
    """The names of the steps in arrows, and a line between each two steps."""
    for number, step in enumerate(steps):
        left, right = _left(number), _left(number + 1)
        tip = right + 8 if number < len(steps) - 1 else right
        points = f"{left},6 {right - 2},6 {tip - 2},19 {right - 2},32 {left},32 {left + (8 if number else 0)},19"
        yield f'<polygon points="{points}" fill="currentColor" fill-opacity=".08" stroke="currentColor"/>'
        yield _text((left + right) / 2 + 2, 23.5, step, weight="bold")
        if number:
            yield (
                f'<line x1="{left}" y1="{_HEAD - 6}" x2="{left}" y2="{height}" stroke="currentColor" '
                'stroke-opacity=".25"/>'
            )


def _row(row: Mapping[str, Any], top: int) -> Iterator[str]:
    middle = top + _ROW / 2 + _FONT / 3
    weight = "bold" if row.get("heading") else ""
    yield _text(_MARGIN, middle, row["label"], anchor="start", weight=weight)
    for stripe in row.get("bars", ()):
        color, dashes = _KINDS[stripe["kind"]]
        left, right = _left(stripe["from"]) + 1, _left(stripe["to"]) - 1
        around = f'stroke="{color}"' + (f' stroke-dasharray="{dashes}"' if dashes else "")
        place = f'x="{left:g}" y="{top + (_ROW - _BAR) / 2:g}" width="{right - left:g}" height="{_BAR}"'
        yield f'<rect {place} rx="4" fill="{color}" fill-opacity=".25" {around}/>'
        yield _text((left + right) / 2, middle, stripe["text"])


def _left(step: float) -> float:
    """Where a step begins."""
    return _MARGIN + _LABELS + step * _STEP


def _text(x: float, y: float, text: str, anchor: str = "middle", weight: str = "") -> str:
    style = f" font-weight={quoteattr(weight)}" if weight else ""
    return f'<text x="{x:g}" y="{y:.4g}" text-anchor="{anchor}" fill="currentColor"{style}>{escape(text)}</text>'
