# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for all tests of plugins."""

from __future__ import annotations

import os
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._http import client
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay

# The environment variables that requests reads.
_REQUESTS_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Clear the environment of the caller's proxies and certificates; return an empty home directory."""
    for name in os.environ:
        if name in _REQUESTS_VARIABLES or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Stop the client's clock; return the time that it shows."""
    now = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return cls.fromtimestamp(now.timestamp(), tz)

    monkeypatch.setattr(client, "datetime", Clock)
    return now


@pytest.fixture
def quay() -> Iterator[FakeQuay]:
    """A Quay without a network. At the end of the test, every reply must have been requested."""
    fake = FakeQuay()
    yield fake
    fake.session.close()
    assert fake.pending == 0, "not every reply was requested"
