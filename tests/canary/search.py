# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding secrets in texts, although they may be encoded, cut off, or in the middle of something else."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

# A secret shows by any so many characters of it. Fewer would not do: the claims of a JWT are words in base64.
WINDOW = 16
# Only every so many places of a text are looked at, since all windows of a secret are known.
_STRIDE = 4
SHORTEST = WINDOW + _STRIDE - 1

_SHOWN = 60


@dataclass(frozen=True)
class Trace:
    """Something that a run left: where, and what."""

    place: str
    text: str


@dataclass(frozen=True)
class Leak:
    """Where a secret stands, told without telling it."""

    place: str
    line: int
    before: str

    def __str__(self) -> str:
        return f"{self.place}, line {self.line}: {self.before}•••"


class Fragments:
    """All pieces of all secrets, in every form that is looked for."""

    def __init__(self) -> None:
        self._windows: set[str] = set()

    def add(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            raise ValueError("too short to be told from other words")
        for form in set(forms(secret)):
            self._windows.update(form[start : start + WINDOW] for start in range(len(form) - WINDOW + 1))

    def leaks(self, trace: Trace) -> Iterator[Leak]:
        """One for each line of the trace that holds a piece of a secret."""
        text, windows = trace.text, self._windows
        last = None
        for start in range(0, len(text) - WINDOW + 1, _STRIDE):
            if text[start : start + WINDOW] in windows:
                line = text.count("\n", 0, start) + 1
                if line != last:
                    last = line
                    yield Leak(trace.place, line, self._before(text, start))

    def _before(self, text: str, hit: int) -> str:
        """What stands in front of the secret, so that a person finds the place."""
        start = hit
        while start > 0 and text[start - 1 : start - 1 + WINDOW] in self._windows:
            start -= 1
        beginning = max(text.rfind("\n", 0, start) + 1, start - _SHOWN)
        return text[beginning:start]


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as it looks after what programs do to texts."""
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
    """What base64 makes of it wherever in something larger it stands: the same three texts, but for their ends."""
    for shift, first in ((0, 0), (1, 2), (2, 3)):
        whole = (shift + len(content)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * shift + content).decode()[first:whole]
