# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Makefile calls: environments, the copied tree, servers, and the stages of the tests.

Standard library only, since it runs before anything is installed. Its floors, each importing only from those below:

    __main__       the commands
    stages/*       lint, unit, sanity, integration, canary, molecule, package, docs
    ansible_test   ansible-test, which wants a home and a PATH of its own
    servers        the Quay that a stage talks to: a stand-in, or the one that QUAY_TEST_URL names
    environments   virtual environments, made when they are missing or out of date
    pythons        the Python interpreters of this machine
    tree           the copy of the working tree in which the tools run
    shell          running a command
    places         where everything is
"""
