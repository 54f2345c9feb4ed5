# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of text."""

from __future__ import annotations

from collections.abc import Sequence

Cell = str | int | float | None


def text(cell: Cell) -> str:
    """Return a cell as text: a number with about three digits that count, nothing if it is not known."""
    if cell is None:
        return "-"
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    decimals = 2 if abs(cell) < 10 else 1 if abs(cell) < 100 else 0
    return f"{cell:,.{decimals}f}"


def render(title: str, heading: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table. The first column is to the left, the others are to the right."""
    lines = [list(heading), *([text(cell) for cell in row] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(heading))]

    def line_of(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join([first, *others]).rstrip()

    return "\n".join([title, "", *map(line_of, lines)])


def times(part: float, base: float) -> str:
    """Return the ratio of two numbers as a text, such as 1.8 x."""
    return f"{part / base:.1f} x" if base else "-"


def number_of(count: int, thing: str) -> str:
    """Return a number with its noun, such as 1 robot or 1,000 robots."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
