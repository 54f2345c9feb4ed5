# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client libraries of stores."""

from __future__ import annotations

import json
import sys

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.libraries import load_library


def test_library_that_is_there() -> None:
    assert load_library("json", "hashi_vault") is json


def test_library_that_is_missing() -> None:
    with pytest.raises(BadInput) as caught:
        load_library("no_such_library", "hashi_vault")
    assert str(caught.value) == (
        "A store of the kind hashi_vault needs the Python library no_such_library, which "
        f"{sys.executable} cannot import. Install it for this Python, or set ansible_python_interpreter to one that has it"
    )
