# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every secret that a stand-in ever made, so that a test can say that none of them got out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from standin import tokens
from standin.keys import Keys

# Client ids are made like secrets and are none; a kid is public, too.
_CLIENT_ID_LENGTH = 20
_KEY_ID_ALPHABET = "0123456789abcdef"


class Secrets:
    """Listens where the stand-in makes its secrets."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._known: set[str] = set()
        self._lasting: set[str] = set()
        random_string, csrf_token, sign = tokens.random_string, tokens.csrf_token, Keys.sign

        def note_random(length: int, alphabet: str = tokens.CAPITALS) -> str:
            made = random_string(length, alphabet)
            if length != _CLIENT_ID_LENGTH and alphabet != _KEY_ID_ALPHABET:
                self._known.add(made)
            return made

        patch.setattr(tokens, "random_string", note_random)
        patch.setattr(tokens, "csrf_token", self._noting(csrf_token))
        patch.setattr(Keys, "sign", self._noting(sign))

    def _noting(self, maker: Callable[..., str]) -> Callable[..., str]:
        def note(*arguments: Any, **options: Any) -> str:
            made = maker(*arguments, **options)
            self._known.add(made)
            return made

        return note

    def add(self, secrets: Iterable[str]) -> None:
        """Secrets that were not made by the stand-in: passwords, and what a test holds."""
        self._known.update(secret for secret in secrets if secret)

    def keep(self) -> None:
        """What is known by now stays known in every test."""
        self._lasting |= self._known

    def forget(self) -> None:
        """Forget what one test made: a later one cannot meet it, and looking for it costs time."""
        self._known = set(self._lasting)

    def in_text(self, text: str) -> list[str]:
        """What of them stands in a text, told without telling it again."""
        return [f"a secret of {len(secret)} characters" for secret in self._known if secret in text]
