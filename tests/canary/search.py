# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find secrets in texts, also if they are encoded, truncated, or part of a longer word."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

# Any part of a secret with this length counts as a leak. Shorter parts of a JWT are also in harmless texts.
WINDOW = 16
# Only every n-th position of a text is compared, because all windows of a secret are known.
_STRIDE = 4
SHORTEST = WINDOW + _STRIDE - 1

_SHOWN = 60


@dataclass(frozen=True)
class Trace:
    """A text that a run left, and its place."""

    place: str
    text: str


@dataclass(frozen=True)
class Leak:
    """The place of a secret, without the secret."""

    place: str
    line: int
    before: str

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}: {self.before}•••"


class Fragments:
    """All windows of all secrets, in every encoding."""

    def __init__(self) -> None:
        self._windows: set[str] = set()

    def add(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            raise ValueError("too short to be distinguished from other words")
        for form in set(forms(secret)):
            self._windows.update(form[start : start + WINDOW] for start in range(len(form) - WINDOW + 1))

    def leaks(self, trace: Trace) -> Iterator[Leak]:
        """Yield a leak for each line of the trace with a part of a secret."""
        text, windows = trace.text, self._windows
        last = None
        for start in range(0, len(text) - WINDOW + 1, _STRIDE):
            if text[start : start + WINDOW] in windows:
                line = text.count("\n", 0, start) + 1
                if line != last:
                    last = line
                    yield Leak(trace.place, line, self._before(text, start))

    def _before(self, text: str, hit: int) -> str:
        """Return the text before the secret in its line."""
        start = hit
        while start > 0 and text[start - 1 : start - 1 + WINDOW] in self._windows:
            start -= 1
        beginning = max(text.rfind("\n", 0, start) + 1, start - _SHOWN)
        return text[beginning:start]


def forms(secret: str) -> Iterator[str]:
    """Yield a secret, and its usual encodings."""
    yield secret
    for text in _quoted(secret):
        yield text
        yield from _quoted(text)
    yield from _in_base64(secret.encode())


def _quoted(text: str) -> Iterable[str]:
    return (
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        text.replace("'", "'\"'\"'"),
        html.escape(text),
    )


def _in_base64(content: bytes) -> Iterator[str]:
    """Yield the base64 encodings of a secret at each of the three possible offsets, without the ends."""
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        length = (shift + len(content)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * shift + content).decode()[first:length]
