# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records every secret of the stand-in, so that tests can search outputs for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from standin import tokens
from standin.keys import Keys

# Client ids are generated like secrets but are public. A key id is public, too.
_CLIENT_ID_LENGTH = 20
_KEY_ID_ALPHABET = "0123456789abcdef"


class KnownSecrets:
    """The secrets that the stand-in creates, and further ones that tests add."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._known: set[str] = set()
        self._permanent: set[str] = set()
        random_string, csrf_token, sign = tokens.random_string, tokens.csrf_token, Keys.sign

        def record_random_string(length: int, alphabet: str = tokens.CAPITALS) -> str:
            secret = random_string(length, alphabet)
            if length != _CLIENT_ID_LENGTH and alphabet != _KEY_ID_ALPHABET:
                self._known.add(secret)
            return secret

        patch.setattr(tokens, "random_string", record_random_string)
        patch.setattr(tokens, "csrf_token", self._recording(csrf_token))
        patch.setattr(Keys, "sign", self._recording(sign))

    def _recording(self, create: Callable[..., str]) -> Callable[..., str]:
        def record(*arguments: Any, **options: Any) -> str:
            secret = create(*arguments, **options)
            self._known.add(secret)
            return secret

        return record

    def add(self, secrets: Iterable[str]) -> None:
        """Add secrets that the stand-in did not create: passwords, and secrets of a test."""
        self._known.update(secret for secret in secrets if secret)

    def mark_permanent(self) -> None:
        """Keep the current secrets for all tests."""
        self._permanent |= self._known

    def reset(self) -> None:
        """Remove the secrets of the previous test. Searching for them would cost time."""
        self._known = set(self._permanent)

    def in_text(self, text: str) -> list[str]:
        """Return a description of each secret in a text, without the secret itself."""
        return [f"a secret of {len(secret)} characters" for secret in self._known if secret in text]
