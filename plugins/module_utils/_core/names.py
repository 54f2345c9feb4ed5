# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Quay's rules for names and e-mail addresses, to refuse invalid ones before anything is sent. Pure."""

from __future__ import annotations

import re

from .errors import BadInput

# The columns of Quay's database. For a longer text it answers 500, or repeats an error of the database.
MAX_LENGTH = 255
# As Quay checks it.
_MAX_EMAIL_LENGTH = 254
_ACCOUNT = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# Quay stores a UUID for an account without an e-mail address, because its database requires one.
_PLACEHOLDER = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The hint for Quay's error "not available", for an account that was deleted a moment ago.
NAME_BLOCKED = (
    "A user or organization of this name was deleted a moment ago. Quay keeps the name until it has cleaned up, "
    "usually for about a minute. Run the task again then (until, retries and delay can do that)"
)


def check_account(text: str, option: str) -> None:
    """Raise BadInput for what Quay does not accept as the name of a user, an organization or a team."""
    if not _ACCOUNT.fullmatch(text) or not 2 <= len(text) <= MAX_LENGTH:
        raise BadInput(
            f"{option}: '{text}' is not a valid name. A name has 2 to 255 lower-case letters and digits, with "
            "single . _ - between them"
        )


def check_length(text: str | None, option: str) -> None:
    """Raise BadInput for a text that is longer than Quay can store."""
    if text is not None and len(text) > MAX_LENGTH:
        raise BadInput(f"{option} has {len(text)} characters, and Quay stores {MAX_LENGTH} at most. Shorten it")


def check_email(text: str | None, option: str) -> None:
    """Raise BadInput for what is not an e-mail address. Some versions of Quay would store it. None is accepted."""
    if text is None:
        return
    if not _EMAIL.fullmatch(text):
        raise BadInput(f"{option}: '{text}' is not an e-mail address. Leave {option} out to keep the present one")
    if len(text) > _MAX_EMAIL_LENGTH:
        raise BadInput(f"{option} has {len(text)} characters, and Quay accepts {_MAX_EMAIL_LENGTH} at most")


def real_email(text: object) -> str:
    """An e-mail address from Quay; empty if Quay stored a UUID because there is none."""
    email = str(text or "")
    return "" if _PLACEHOLDER.fullmatch(email) else email
