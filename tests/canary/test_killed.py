# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation that is killed: what it had in hand lies in no file but the stores and their drafts."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from canary.controller import Moment
from canary.world import World
from standin.tokens import fingerprint

# Long enough to kill a run meanwhile, and to let the rest of one come to its end.
DELAY_S = 5


def while_answering(method: str, path: str) -> Callable[[World], Moment]:
    """Quay has done it, and its answer has not come yet."""

    def arranged(world: World) -> Moment:
        return Moment(world.standin.faults.add("delay", method=method, path=path, seconds=DELAY_S, after=True))

    return arranged


def at(call: str) -> Callable[[World], Moment]:
    return lambda _world: Moment(call=call)


ROBOT, API = "acme+ci", "nightly"

MOMENTS = {
    "the module starts": (ROBOT, at("tempfile.mkdtemp quay_robot_token")),
    "a robot's token was issued": (ROBOT, while_answering("POST", "/regenerate$")),
    "a robot's token is proved": (ROBOT, while_answering("GET", "^/v2/auth$")),
    "the second store comes": (ROBOT, at("os.rename .robot.env.")),
    "an API token was issued": (API, while_answering("POST", "/(tokens|authorizeapp)$")),
    "an API token was delivered": (API, while_answering("DELETE", "/(tokens|authorizations)/")),
}


def only(world: World, name: str) -> list[dict[str, object]]:
    return [credential for credential in world.credentials(rotate="always") if credential["name"] == name]


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_file_holds_a_secret(rotated: World, moment: str) -> None:
    name, arranged = MOMENTS[moment]
    run = rotated.rotate(credentials=only(rotated, name), moment=arranged(rotated))
    assert run.status < 0
    assert rotated.leaks(run) == []


def test_no_file_holds_a_secret_after_the_workers_have_come_to_their_end(rotated: World) -> None:
    moment = replace(while_answering("POST", "/regenerate$")(rotated), spares_workers=True)
    run = rotated.rotate(credentials=only(rotated, ROBOT), moment=moment)
    assert run.status < 0
    assert rotated.leaks(run) == []


def test_drafts_are_private_and_go_away(rotated: World) -> None:
    """A store is about to be replaced: its draft holds the secret, until a later run finds that it is old."""
    before = rotated.kept()
    run = rotated.rotate(credentials=only(rotated, ROBOT), moment=at("os.rename .auth.json.")(rotated))
    assert rotated.leaks(run) == []
    assert [path.name.split(".")[1] for path in rotated.drafts] == ["auth", "robot"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in rotated.drafts} == {0o600}
    assert fingerprint(rotated.secret_of_robot()) not in before.values()
    assert rotated.kept() == before

    long_ago = time.time() - 2 * 3600
    for path in rotated.drafts:
        os.utime(path, (long_ago, long_ago))
    run = rotated.rotate(credentials=rotated.credentials()[1:2])
    assert rotated.leaks(run) == []
    assert run.status == 0, run.failures
    assert rotated.drafts == []
    assert rotated.kept()["auth.json"] == rotated.kept()["robot.env"] == fingerprint(rotated.secret_of_robot())
