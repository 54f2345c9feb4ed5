# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on many credentials: the order of those that depend on each other, and the number of workers."""

from __future__ import annotations

from typing import Callable

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._credentials.many import paths_of, share_work, work_on_all
from ansible_collections.tokensmith.quay.plugins.module_utils._module.context import ModuleContext
from ansible_collections.tokensmith.quay.plugins.module_utils._stores.kinds import store_from_options
from ansible_collections.tokensmith.quay.tests.unit.plugins.fake_quay import ORIGIN, FakeQuay
from ansible_collections.tokensmith.quay.tests.unit.plugins.rotations import module_context


@pytest.mark.parametrize(("workers", "number"), [(0, 1), (1, 1), (4, 4), (1000, 32)])
def test_number_of_workers(workers: int, number: int) -> None:
    context = module_context(FakeQuay())
    share_work(context, workers)
    assert context.workers == number


@pytest.mark.parametrize("workers", [1, 4])
def test_login_comes_last(workers: int) -> None:
    done: list[str] = []
    context = module_context(FakeQuay())
    context.workers = workers
    work_on_all(
        context,
        ["login", "a", "b"],
        lambda _context, item: done.append(item),
        paths=lambda _item: (),
        is_last=lambda item: item == "login",
    )
    assert done[-1] == "login"
    assert sorted(done) == ["a", "b", "login"]


def test_those_with_a_common_path_are_worked_on_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    context = module_context(FakeQuay())
    groups: list[list[str]] = []
    done: list[str] = []

    def each_apart(function: Callable[[ModuleContext, list[str]], None], items: list[list[str]]) -> None:
        groups.extend(items)
        for group in items:
            function(context, group)

    monkeypatch.setattr(context, "each_apart", each_apart)
    work_on_all(
        context,
        ["shared 1", "a", "shared 2", "b"],
        lambda _context, item: done.append(item),
        paths=lambda item: [item.split()[0]],
        is_last=lambda _item: False,
    )
    assert groups == [["shared 1", "shared 2"], ["a"], ["b"]]
    assert done == ["shared 1", "shared 2", "a", "b"]


def test_warnings_come_in_the_order_of_the_items() -> None:
    warnings: list[str] = []
    context = module_context(FakeQuay(), warnings)
    context.workers = 2
    work_on_all(context, ["a", "b"], ModuleContext.warn, paths=lambda item: [item], is_last=lambda _item: False)
    assert warnings == ["a", "b"]


def test_paths_are_files_and_their_records() -> None:
    store = store_from_options({"kind": "file", "path": "/etc/ci/token"}, ORIGIN)
    entry = store_from_options({"kind": "container_auth", "path": "/etc/ci/auth.json"}, ORIGIN)
    assert {"/etc/ci/token", "/etc/ci/auth.json"} <= set(paths_of([store, entry]))
