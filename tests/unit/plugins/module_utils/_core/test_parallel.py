# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading

import pytest

from ansible_collections.tokensmith.quay.plugins.module_utils._core.parallel import (
    Shared,
    grouped_by_shared,
    in_parallel,
)


@pytest.mark.parametrize("workers", [0, 1, 2, 9])
def test_outcomes_are_in_the_order_of_the_items(workers: int) -> None:
    assert in_parallel(str, [3, 1, 2], workers) == ["3", "1", "2"]


def test_at_most_so_many_run_at_the_same_time() -> None:
    lock, running, highest = threading.Lock(), [0], [0]
    met = threading.Barrier(2, timeout=30)  # passed by two at a time only

    def work(_item: int) -> None:
        with lock:
            running[0] += 1
            highest[0] = max(highest[0], running[0])
        met.wait()
        with lock:
            running[0] -= 1

    in_parallel(work, range(6), 2)
    assert highest == [2]


def test_one_item_needs_no_thread() -> None:
    assert in_parallel(lambda _item: threading.current_thread(), [1], 4) == [threading.main_thread()]


def test_interruption_begins_nothing_else_and_waits_for_what_runs() -> None:
    begun: list[int] = []
    finished: list[int] = []
    both_run = threading.Barrier(2, timeout=30)
    never = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item < 2:
            both_run.wait()
        if item == 0:
            raise KeyboardInterrupt
        never.wait(0.01)
        finished.append(item)

    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(2000), 2)
    assert 1 in finished
    assert len(begun) < 2000
    assert set(begun) - {0} == set(finished)


@pytest.mark.parametrize(
    ("places", "groups"),
    [
        ({}, []),
        ({"a": [], "b": []}, [["a"], ["b"]]),
        ({"a": ["1"], "b": ["2"], "c": ["1"]}, [["a", "c"], ["b"]]),
        ({"a": ["1"], "b": ["2"], "c": ["1", "2"], "d": ["3"]}, [["a", "b", "c"], ["d"]]),
        ({"a": ["1", "2"], "b": ["3"], "c": ["2", "3"], "d": ["1"]}, [["a", "b", "c", "d"]]),
    ],
)
def test_items_that_share_a_place_are_in_one_group(places: dict[str, list[str]], groups: list[list[str]]) -> None:
    assert grouped_by_shared(list(places), places.__getitem__) == groups


def test_shared_value_is_made_once_for_each_key() -> None:
    shared, made = Shared(), []

    def make() -> int:
        made.append(1)
        return len(made)

    values = in_parallel(lambda key: shared.get(key, make, lambda _value: True), ["a", "b", "a", "a"], 4)
    assert (sorted(set(values)), len(made)) == ([1, 2], 2)
    assert values[0] == values[2] == values[3]


def test_shared_value_is_made_again_if_it_is_not_usable() -> None:
    shared, values = Shared(), iter([1, 2])
    assert shared.get("a", lambda: next(values), lambda value: value > 1) == 1
    assert shared.get("a", lambda: next(values), lambda value: value > 1) == 2
    assert shared.get("a", lambda: next(values), lambda value: value > 1) == 2
