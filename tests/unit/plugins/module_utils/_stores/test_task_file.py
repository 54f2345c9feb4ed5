# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store that the user's own tasks write: nothing is known of it, and what it gets is handed over."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.errors import BadInput
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.contract import UNREADABLE
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.places import collide, places_of
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.task_file import TaskFileStore
from ansible_collections.tokensmith.quay.tests.unit.plugins.deliveries import DELIVERY, FINGERPRINT, SECRET

HOST = "https://quay.example.com"


def store(**options: Any) -> TaskFileStore:
    built = store_from_options({"kind": "tasks", "tasks_file": "gitlab.yml", **options}, HOST)
    assert isinstance(built, TaskFileStore)
    return built


def test_what_it_holds_is_not_known() -> None:
    given = store()
    given.check()
    assert (given.place, given.warnings(), given.tells_secret) == ("tasks gitlab.yml", [], False)
    stored = given.read()
    assert stored.fingerprint is None
    assert stored.compared_with(SECRET, record_required=True) == UNREADABLE
    assert not given.matches(DELIVERY)


def test_secret_and_record_are_handed_over() -> None:
    given = store()
    with given.prepare():
        given.write(DELIVERY)
    assert given.handed_over == {
        "state": "present",
        "secret": SECRET,
        "username": "$oauthtoken",
        "fingerprint": FINGERPRINT,
        "created_at": "2026-01-31T12:00:00Z",
        "expires_at": "2026-04-30T12:00:00Z",
        "uuid": "6e3a1d0c",
        "superseded": "a1,b2",
    }
    given.remove()
    assert given.handed_over == {"state": "absent", "secret": None}


def test_one_file_for_several_places() -> None:
    (first,), (second,) = (places_of(store(variables={"project": name})) for name in ("app", "base"))
    (third,) = places_of(store())
    assert not collide(first, second)
    assert not collide(first, third)
    assert collide(third, places_of(store(variables={}))[0])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tasks_file": ""}, "tasks_file is missing: a store of the kind tasks needs it"),
        ({"path": "/etc/ci"}, "path has no effect on a store of the kind tasks"),
        ({"variables": {1: "a"}}, "variables: each name must be a text"),
    ],
)
def test_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        store(**options)


def test_its_options_have_no_effect_elsewhere() -> None:
    with pytest.raises(BadInput, match="tasks_file has no effect on a store of the kind file"):
        store_from_options({"kind": "file", "path": "/etc/ci", "tasks_file": "gitlab.yml"}, HOST)
