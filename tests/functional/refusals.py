# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from functional.world import World

ROBOT = {"name": "acme+ci", "rotate": "always"}
APPLICATION = {"organization": "acme", "name": "automation", "description": "x"}
REFERRERS = {"repositories": ["acme/app"]}
API = {"organization": "acme", "application": "automation"}

# A run of each module that would change something, or issue a secret.
ALL: dict[str, dict[str, Any]] = {
    "quay_robot_token": ROBOT,
    "quay_application": APPLICATION,
    "quay_referrers_token": REFERRERS,
    "quay_api_token": API,
}

every_module = pytest.mark.parametrize("module", ALL)


def assert_refused(world: World, module: str, arguments: dict[str, Any], *words: str) -> str:
    """Refused alike in check mode and for real, by these words; nothing is written anywhere."""
    messages = []
    state, files = world.state(), world.files()
    for check in (True, False):
        result = world.run(module, arguments, check=check)
        assert result.failed
        for part in words:
            assert part in result.message, result.message
        assert world.quay.journal.mints == []
        assert (world.state(), world.files()) == (state, files)
        messages.append(result.message)
    return messages[-1]
