# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Who holds the secret between two runs: the caller, or a file on the target (C(token_path))."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from ansible_collections.tokensmith.quay.plugins.module_utils._credential import Credential
from ansible_collections.tokensmith.quay.plugins.module_utils._errors import LocalFileError
from ansible_collections.tokensmith.quay.plugins.module_utils._files import (
    Draft,
    check_writable,
    read_text,
    remove,
    write_text,
)
from ansible_collections.tokensmith.quay.plugins.module_utils._lifecycle import Record
from ansible_collections.tokensmith.quay.plugins.module_utils._times import iso, parse_time

RECORD_SUFFIX = ".record.json"


def record_of(data: Mapping[str, Any] | None) -> Record | None:
    """A record from its written form; None where there is none."""
    if not data:
        return None
    return Record(
        fingerprint=data.get("fingerprint"),
        created_at=parse_time(data.get("created_at")),
        expires_at=parse_time(data.get("expires_at")),
        uuid=data.get("uuid"),
    )


def record_data(record: Record) -> dict[str, str | None]:
    """A record's written form: no secret in it."""
    return {
        "fingerprint": record.fingerprint,
        "created_at": iso(record.created_at),
        "expires_at": iso(record.expires_at),
        "uuid": record.uuid,
    }


class Caller:
    """The caller holds the secret: it comes in by an option and goes out by the return key C(token)."""

    keeps = False

    def __init__(self, secret: str | None, record: Record | None = None) -> None:
        self.secret = secret
        self.record = record

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Nothing has to be made ready."""
        yield

    def deliver(self, credential: Credential) -> None:
        """The caller takes it from the result."""


class TokenFile:
    """A file on the target holds the secret, alone, mode 0600; its record lies beside it as C(<path>.record.json)."""

    keeps = True
    _option = "token_path"

    def __init__(self, path: str) -> None:
        self._path = path
        self._draft: Draft | None = None
        text = read_text(path, self._option)
        self.secret = (text or "").strip() or None
        self.record = record_of(self._read_record())

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Claim the room for the new secret before it is minted."""
        with Draft(self._path, self._option) as draft:
            self._draft = draft
            try:
                yield
            finally:
                self._draft = None

    def check(self) -> None:
        """Refuse a place that cannot be written; touches nothing."""
        check_writable(self._path, self._option)

    def deliver(self, credential: Credential) -> None:
        """Write the secret whole, read it back, then write the record."""
        if self._draft is None or credential.secret is None:
            raise LocalFileError(f"{self._option}: {self._path} was not made ready")
        self._draft.commit(credential.secret + "\n")
        if (read_text(self._path, self._option) or "").strip() != credential.secret:
            raise LocalFileError(
                f"{self._option}: {self._path} does not hold what was written; is something else writing it?"
            )
        self.write_record(credential.record())

    def write_record(self, record: Record) -> None:
        """Write down what is known of the secret in the file."""
        text = json.dumps(record_data(record), indent=2, sort_keys=True) + "\n"
        write_text(self._path + RECORD_SUFFIX, text, self._option)

    def remove(self) -> None:
        """Remove the secret and its record."""
        remove(self._path, self._option)
        remove(self._path + RECORD_SUFFIX, self._option)

    def _read_record(self) -> dict[str, Any] | None:
        try:
            data = json.loads(read_text(self._path + RECORD_SUFFIX, self._option) or "null")
        except ValueError:
            return None
        return data if isinstance(data, dict) else None
