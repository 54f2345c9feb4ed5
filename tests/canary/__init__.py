# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary: real runs of Ansible against the stand-in Quay, and a search for secrets in every trace that they leave.

Its floors, each importing only from those below:

    test_*       what is run, and where a secret may stand afterwards
    conftest     the ansible-core and the families that are tried, and in what states
    world        a stand-in with its inhabitants, the stores, and all runs that are made there
    controller   one ansible-core: a run of it, and the traces of that run
    processes    the processes of a run: their arguments and environments
    ear          what the Python processes of a run start, write and tell the system log
    ledger       every secret there was
    search       finding a secret in a text, whatever was done to it
"""
