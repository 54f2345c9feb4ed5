# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of tasks with their long values in one text."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.plugin_utils.compact import compacted, expanded

RESULT: dict[str, Any] = {"changed": False, "results": [{"name": "acme+\u00fc"}], "rounds": 1}


def test_there_and_back() -> None:
    short = compacted(RESULT, ["results", "rows"])
    assert {key: value for key, value in short.items() if key != "compact"} == {"changed": False, "rounds": 1}
    assert "acme" not in short["compact"]
    assert expanded(short) == RESULT


@pytest.mark.parametrize("result", [{}, RESULT, {"failed": True, "msg": "refused"}])
def test_any_other_result_stays(result: dict[str, Any]) -> None:
    assert expanded(result) == result


def test_failed_result() -> None:
    assert expanded(compacted({"failed": True, "msg": "refused"}, ["results"])) == {"failed": True, "msg": "refused"}
