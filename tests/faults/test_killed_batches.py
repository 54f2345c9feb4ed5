# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation of many credentials at the same time and in batches that is killed, and the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from faults.fleet_runs import CONTROLLER, MAX_AGE_DAYS, ROTATOR, Kill, KillableFleet
from faults.fleet_runs import killable_fleet as open_fleet
from standin.tokens import fingerprint

ALONE = [f"acme+alone{number}" for number in range(6)]
SHARING = [f"acme+shared{number}" for number in range(3)]
PAIRED = ["acme+turn0", "acme+turn1"]
NAMES = [*ALONE, *SHARING, *PAIRED]

# Several credentials are between their first and their last request at each of these moments.
MOMENTS = {
    "before the third is issued": Kill("POST .*/regenerate$", number=3, victim=ROTATOR),
    "after the third was issued": Kill("POST .*/regenerate$", number=3, answered=True, victim=ROTATOR),
    "while the second is verified": Kill("GET /v2/auth$", number=2, answered=True),
    "in the second batch": Kill("POST .*/regenerate$", number=6, answered=True),
    "between two batches": Kill("GET .*/acme/robots$", number=2, victim=CONTROLLER),
    "after a robot of a pair was created": Kill("PUT .*/robots/turn", answered=True, victim=ROTATOR),
}


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableFleet]:
    with open_fleet(tmp_path_factory.mktemp("batches").resolve() / "work", ["n1"]) as fleet:
        rotate(fleet)
        fleet.save()
        yield fleet


@pytest.fixture
def fleet(rotated: KillableFleet) -> KillableFleet:
    """All credentials are due."""
    rotated.restore()
    rotated.harness.advance(days=MAX_AGE_DAYS + 1)
    return rotated


def declared(fleet: KillableFleet) -> list[dict[str, Any]]:
    """Each has a file of the rotator. Some share an auth file, too."""
    folder, common = fleet.fleet.role.folder, {"kind": "robot", "max_age": f"{MAX_AGE_DAYS}d"}
    credentials = []
    for name in NAMES:
        stores = [{"kind": "file", "format": "json", "path": f"{folder}/{name}.json", "hosts": "localhost"}]
        if name in SHARING:
            registry = f"{name.partition('+')[2]}.example.com"
            stores.append(
                {"kind": "container_auth", "path": f"{folder}/auth", "registry": registry, "hosts": "localhost"}
            )
        strategy = {"strategy": "paired"} if name in PAIRED else {}
        credentials.append({"name": name, "deliver": stores, **common, **strategy})
    return credentials


def rotate(fleet: KillableFleet, kill: Kill | None = None) -> Any:
    return fleet.run(credentials=declared(fleet), kill=kill, rotation_parallel=4, rotation_batch=4)


def held(fleet: KillableFleet, name: str) -> tuple[str, str]:
    """The user name and the fingerprint of the secret that the store holds."""
    data = json.loads((fleet.fleet.role.folder / f"{name}.json").read_text())
    return data["username"], fingerprint(data["token"])


def living(fleet: KillableFleet) -> dict[str, str]:
    """The fingerprint of the present token of each robot."""
    return {name: fingerprint(robot.token) for name, robot in fleet.quay.state.robots.items()}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_next_run_serves_every_store(fleet: KillableFleet, moment: str) -> None:
    run = rotate(fleet, MOMENTS[moment])
    assert run.killed
    again = rotate(fleet)
    assert not again.run.failed, again.run.output
    robots = living(fleet)
    for name in NAMES:
        username, secret = held(fleet, name)
        assert robots[username] == secret, name
    shared = json.loads((fleet.fleet.role.folder / "auth").read_text())["auths"]
    assert len(shared) == len(SHARING)
    # What pairs left is retired by the next run.
    rotate(fleet)
    last = rotate(fleet)
    assert last.run.summary["not_due"] == len(NAMES)
    assert len(living(fleet)) == len(NAMES) + 1  # acme+ci exists, too
    assert not any(request.startswith(("POST", "PUT", "DELETE")) for request in fleet.harness.requests)
