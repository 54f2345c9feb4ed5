# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides whose commands are marked with `.. run`: each command is run, and its output is as the guide shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract import guides
from functional.guide_session import GuideSession
from functional.harness import Harness
from standin import Standin

# What a person enters where a guide has `read -rs`.
PASSWORD = "correct-horse-battery"
RUN = [name for name in guides.NAMES if any("run" in block.marks for block in guides.blocks_of(name))]
# These begin with an empty Quay, and the others with an organization, a login and a robot account.
EMPTY = {"guide_first_hour": "http://127.0.0.1:8099"}
# These read a password instead of a token.
BY_PASSWORD = ("guide_authentication", "guide_rotation")


@pytest.fixture
def family() -> str:
    return "3.18"


def play(session: GuideSession, guide: str) -> None:
    """Run the commands of a guide. Asserts that what they print is what the guide shows."""
    for printed in session.run(guides.blocks_of(guide)):
        difference = session.difference(printed)
        assert not difference, f"{printed.block}: $ {printed.command}\n{difference}"


@pytest.mark.parametrize("guide", sorted(EMPTY))
def test_guide_from_an_empty_quay(guide: str, family: str, tmp_path: Path) -> None:
    with Standin(family) as quay:
        quay.quay.clock.stop()
        play(GuideSession(quay, tmp_path, EMPTY[guide], entered=[PASSWORD]), guide)


@pytest.mark.slow
@pytest.mark.parametrize("guide", sorted(set(RUN) - set(EMPTY)))
def test_guide(guide: str, harness: Harness, tmp_path: Path) -> None:
    harness.quay.quay.clock.stop()
    alice = harness.accounts.alice
    entered = alice.password if guide in BY_PASSWORD else harness.accounts.alice_token
    play(GuideSession(harness.quay, tmp_path, names={"jdoe": alice.username}, entered=[entered] * 9), guide)
