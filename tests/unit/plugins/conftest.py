# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of plugins share."""

from __future__ import annotations

import os
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils import _client
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import FakeQuay

# What requests reads out of the environment.
_READ_BY_REQUESTS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in which nothing of the caller's counts, and an empty home."""
    for name in os.environ:
        if name in _READ_BY_REQUESTS or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The time at which the client's own clock stands still."""
    now = datetime(2026, 11, 22, 9, 30, 0, tzinfo=timezone.utc)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return cls.fromtimestamp(now.timestamp(), tz)

    monkeypatch.setattr(_client, "datetime", Clock)
    return now


@pytest.fixture
def quay() -> Iterator[FakeQuay]:
    """A Quay without a network. All the answers that a test tells it must be asked for."""
    fake = FakeQuay()
    yield fake
    fake.session.close()
    assert fake.left == 0, "not all answers were asked for"
