# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules for names of accounts and repositories, for passwords and for e-mail addresses."""

from __future__ import annotations

import re
from datetime import timedelta

from .errors import MessageError, internal_error
from .quay import quay

_ACCOUNT = re.compile(r"^([a-z0-9]+(?:[._-][a-z0-9]+)*)$")
_REPOSITORY = re.compile(r"^(?=.{0,255}$)[a-z0-9][\.a-z0-9_-]*(?:\/[a-z0-9][\.a-z0-9_-]*)*$")

# The columns of the database for names and addresses. PostgreSQL refuses a longer text.
MAX_LENGTH = 255
TOO_LONG = f"value too long for type character varying({MAX_LENGTH})\n"

INVALID_PASSWORD = "Invalid password, password must be at least 8 characters and contain no whitespace."


def account_name_problem(name: str, kind: str = "Namespace") -> str | None:
    if not _ACCOUNT.match(name):
        return f"Namespace must match expression {_ACCOUNT.pattern}"
    if not 2 <= len(name) <= 255:
        return f"{kind} must be between 2 and 255 characters in length"
    return None


def is_repository_name(name: str) -> bool:
    return bool(_REPOSITORY.match(name))


def is_password(password: str) -> bool:
    return len(password) >= 8 and not re.search(r"\s", password)


def is_email(address: str | None) -> bool:
    if not address or len(address) > 254 or address.count("@") != 1:
        return False
    local, domain = address.split("@")
    labels = domain.split(".")
    return bool(local) and len(labels) >= 2 and all(labels)


def refuse_long_texts(*texts: str | None) -> None:
    """Respond with 500 if a text does not fit into its column: Quay does not handle the error of the database."""
    if any(len(text or "") > MAX_LENGTH for text in texts):
        internal_error()


def refuse_taken_name(name: str) -> None:
    problem = account_name_problem(name)
    if problem:
        raise MessageError(f"Invalid namespace {name}: {problem}")
    state = quay().state
    if name in state.users:
        raise MessageError(f"Username has already been taken by user cannot be reused: {name}")
    if name in state.organizations:
        raise MessageError(f"Username has already been taken by an organization and cannot be reused: {name}")
    if is_awaiting_deletion(name):
        raise MessageError("Username is not available")


def is_awaiting_deletion(name: str) -> bool:
    """Whether the name is still blocked. Quay 3.18 blocks the name of a deleted namespace until garbage collection."""
    deleted = quay().state.deleted_namespaces.get(name)
    if deleted is None or quay().family == "3.17":
        return False
    return quay().clock.now() - deleted < timedelta(seconds=quay().config["STANDIN_NAMESPACE_GC_S"])
