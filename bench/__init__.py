# Copyright 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs, against the least that does the same work. Run it by `make bench`.

Each file imports only from those below it:

    __main__          the options, and the choice of scenarios
    nothing_due       a nightly run in which no robot is due
    all_due           a run in which all robots are due, against bare HTTP requests
    module_call       (c) a single call of a module, and its parts
    fleet             delivery to many hosts, against ansible.builtin.copy
    other_collection  the established collection for Quay in a loop over the same robots
    workspace         a folder in which plays run, and the plays
    quay              the server: a stand-in with the cost of a real one, or the server of QUAY_TEST_URL
    bare_http         the requests of all_due without Ansible
    measure           run a command and measure it
    launcher          the process between this one and the command, so that its memory is not counted
    table             tables of text
"""
