# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares an output as the documentation shows it with a real one.

What differs from run to run is compared by its form: times, and the fingerprints and UUIDs of credentials. One value of
the documentation stands for one value of the run, wherever it appears. A line of three dots stands for any lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_GAP = "..."
_VALUE = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{12}\b"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_STARS = r"\*{3,}"
_VARYING = re.compile(rf"(?P<value>{_VALUE})|(?P<time>{_TIME})|(?P<stars>{_STARS})")


def difference_of(shown: str, output: str, values: dict[str, str] | None = None) -> str:
    """What differs between an output as a guide shows it and a real one; empty if nothing does.

    ``values``: what the fingerprints and UUIDs stood for so far. Those of this output are added.
    """
    values = {} if values is None else values
    lines = [line.rstrip() for line in output.splitlines()]
    found = re.fullmatch("".join(_patterns(shown)), "".join(f"{line}\n" for line in lines))
    if not found:
        return "It prints:\n" + "\n".join(lines)
    for name, value in zip(re.findall(_VALUE, shown), found.groups(), strict=True):
        if values.setdefault(name, value) != value:
            return f"{name} stands for {values[name]}, and here for {value}"
    if len(set(values.values())) < len(values):
        return f"Two values of the guide stand for one: {values}"
    return ""


def _patterns(shown: str) -> Iterator[str]:
    """Patterns for the lines of an output as a guide shows it."""
    for line in shown.splitlines():
        if line.strip() == _GAP:
            yield "(?:.*\n)*?"
        else:
            yield "".join(_pattern_of(line.rstrip())) + "\n"


def _pattern_of(line: str) -> Iterator[str]:
    end = 0
    for found in _VARYING.finditer(line):
        yield re.escape(line[end : found.start()])
        yield {"value": f"({_VALUE})", "time": _TIME, "stars": r"\*+"}[str(found.lastgroup)]
        end = found.end()
    yield re.escape(line[end:])
