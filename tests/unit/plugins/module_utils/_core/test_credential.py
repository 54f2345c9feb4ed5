# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fingerprints, and records that belong to one secret."""

from __future__ import annotations

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.credential import (
    Credential,
    Record,
    fingerprint,
)


@pytest.mark.parametrize(
    ("secret", "digest"),
    [("abc", "ba7816bf8f01"), ("ü", "607474ca475a"), ("", None), (None, None)],
)
def test_fingerprint(secret: str | None, digest: str | None) -> None:
    assert fingerprint(secret) == digest


@pytest.mark.parametrize(
    ("recorded", "secret", "fits"),
    [
        ("ba7816bf8f01", "abc", True),
        ("ba7816bf8f01", "abd", False),
        ("ba7816bf8f01", None, False),
        ("ba7816bf8f01", "", False),
        ("BA7816BF8F01", "abc", False),
        ("ba7816bf8f0", "abc", False),
        ("", "", False),
        (None, "abc", False),
        (None, None, False),
        (None, "", False),
    ],
)
def test_record_fits_only_its_own_secret(recorded: str | None, secret: str | None, fits: bool) -> None:
    assert Record(recorded).fits(secret) is fits


@pytest.mark.parametrize(
    ("secret", "recorded", "shown"),
    [("abc", None, "ba7816bf8f01"), (None, "ba7816bf8f01", "ba7816bf8f01"), ("abc", "0" * 12, "ba7816bf8f01")],
)
def test_fingerprint_of_a_secret_that_was_not_read(secret: str | None, recorded: str | None, shown: str) -> None:
    credential = Credential("laptop", "$app", secret, recorded_fingerprint=recorded)
    assert credential.fingerprint == credential.record().fingerprint == credential.public()["fingerprint"] == shown
    assert Credential("laptop", "$app").fingerprint is None
