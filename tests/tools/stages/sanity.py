# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sanity tests of ansible-test, which Ansible requires of every collection."""

from __future__ import annotations

from .. import ansible_test, shell
from ..ansible_test import AnsibleTest


def sanity_of_highest() -> None:
    """Run ansible-test sanity by the highest ansible-core."""
    tester = ansible_test.highest()
    with tester.lock():
        tester.run("sanity")


def sanity(*arguments: str) -> None:
    """Run ansible-test sanity by the lowest and the highest ansible-core."""

    def task(tester: AnsibleTest) -> None:
        shell.say(f"\n-- {tester.title}")
        tester.run("sanity", *arguments)

    ansible_test.side_by_side(task)
