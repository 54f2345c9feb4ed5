# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests need of an AWX: the stand-in and a real one have it in common."""

from __future__ import annotations

from typing import Any, Protocol

Login = dict[str, Any]


class Awx(Protocol):
    """Credentials of two organizations and two types, and three logins: one may write, two may not."""

    is_real: bool
    organization: str
    other_organization: str
    registry_type: str
    custom_type: (
        str  # has the inputs host (required), token and other_secret (both secret), and validate_certs (boolean)
    )

    @property
    def login(self) -> Login:
        """The options of a login that may change the credentials."""

    @property
    def read_only_login(self) -> Login:
        """The options of a token with the scope read."""

    @property
    def user_login(self) -> Login:
        """The options of a login of a user who may use the credentials, but not change them."""

    @property
    def secrets(self) -> list[str]:
        """The secrets of these logins."""

    def add(self, name: str, *, custom: bool = False, other: bool = False, **fields: Any) -> int:
        """Create a credential. ``custom``: of the custom type; ``other``: in the other organization."""

    def credential(self, number: int) -> dict[str, Any]:
        """A credential as the API returns it, or with its secrets in clear."""

    def numbers(self, name: str) -> list[int]:
        """The credentials of a name."""

    def change(self, number: int, **fields: Any) -> None:
        """Change a credential, as a user does in the pages of AWX."""

    def stored(self, number: int, name: str) -> str | None:
        """The value of an input; ``$encrypted$`` for a secret that AWX does not return."""
