# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible demands of every collection."""

from __future__ import annotations

from .. import ansible_test
from ..ansible_test import AnsibleTest


def sanity_of_highest() -> None:
    """Run it by the highest ansible-core alone, in half of the time."""
    tester = ansible_test.highest()
    with tester.alone():
        tester.run("sanity")


def sanity(*arguments: str) -> None:
    """Run ansible-test sanity, by the lowest and the highest ansible-core."""

    def task(tester: AnsibleTest) -> str:
        return tester.record(f"{tester.environment.name} ansible-core", "sanity", *arguments)

    ansible_test.side_by_side(task)
