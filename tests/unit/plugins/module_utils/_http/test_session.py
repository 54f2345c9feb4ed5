# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The import of requests, which may be missing on a target."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import requests

from ansible_collections.tokensmith.quay.plugins.module_utils._http import session


def test_session() -> None:
    assert session.REQUESTS_IMPORT_ERROR is None
    with session.new_session() as created:
        assert isinstance(created, requests.Session)


def test_missing_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import succeeds all the same, so that the module can report what is missing."""
    monkeypatch.setitem(sys.modules, "requests", None)
    spec = importlib.util.spec_from_file_location(
        f"{session.__package__}.session_without_requests", str(session.__file__)
    )
    assert spec is not None
    assert spec.loader is not None
    imported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(imported)
    assert imported.REQUESTS_IMPORT_ERROR.startswith("Traceback")
    assert "import of requests halted" in imported.REQUESTS_IMPORT_ERROR
