# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The leak canary: real runs of Ansible against the stand-in Quay, and a search for secrets in all their traces.

Its modules. Each one imports only from those below it:

    test_*         the runs, and where secrets are allowed afterwards
    conftest       fixtures: ansible-core, families and states of the stand-in
    harness        a stand-in with accounts, the stores, and runs of playbooks and modules
    controller     runs of one ansible-core, and the traces of a run
    processes      the processes of a run: their arguments and environments
    recorder       records which programs the Python processes of a run start, and what they write and log
    leak_detector  records every secret, and finds them in traces
    search         finds secrets in a text, also encoded or truncated
"""
