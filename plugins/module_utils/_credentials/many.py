# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module utility is PRIVATE to the collection: it can change at any time.
# Do not import it from other collections or from playbooks' own modules.

"""Work on many credentials by one process: several at the same time, and none at the cost of another."""

from __future__ import annotations

from functools import partial
from typing import Callable, Iterable, Sequence, TypeVar

from .._core.parallel import grouped_by_shared
from .._module.context import ModuleContext
from .._stores.contract import Store
from .._stores.places import places_of

_Item = TypeVar("_Item")

# A larger number would open more connections than a Quay with few workers answers.
_MOST_WORKERS = 32


def share_work(context: ModuleContext, workers: int) -> None:
    """Let the run work on so many credentials at the same time, each with its own connection."""
    context.workers = max(1, min(workers, _MOST_WORKERS))
    context.client.share(context.workers)


def work_on_all(
    context: ModuleContext,
    items: Sequence[_Item],
    work: Callable[[ModuleContext, _Item], None],
    *,
    paths: Callable[[_Item], Iterable[str]],
    is_last: Callable[[_Item], bool],
) -> None:
    """Do the work for each item, several at the same time; those that share a store one after the other.

    ``paths``: what an item writes. ``is_last``: whether it needs that others are done, or is needed by them, as the
    credential with which this run signs in.
    """
    for last in (False, True):
        groups = grouped_by_shared([item for item in items if is_last(item) is last], paths)
        context.each_apart(partial(_work_on_group, work), groups)


def paths_of(stores: Iterable[Store]) -> list[str]:
    """The files and other places that these stores write, without their parts: a file is written as one."""
    return [place.path for store in stores for place in places_of(store)]


def _work_on_group(
    work: Callable[[ModuleContext, _Item], None], context: ModuleContext, items: Sequence[_Item]
) -> None:
    for item in items:
        work(context, item)
