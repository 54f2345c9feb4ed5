# Copyright (c) 2026 The tokensmith.quay authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of the Makefile: environments, the copied tree, servers, and the stages of the tests.

Only the standard library, since nothing is installed before. Each layer imports only from those below it:

    __main__       the commands
    pipeline       several stages in a row, with a plan and a summary
    stages/*       lint, unit, sanity, integration, canary, faults, molecule, package, docs, bench
    ansible_test   ansible-test, with a home folder and a PATH of its own
    servers        the Quay server of a stage: a stand-in, or that of QUAY_TEST_URL
    environments   virtual environments, created when they are missing or outdated
    pythons        the Python interpreters of this machine
    tree           the working tree, and copies of it in which the tools run
    shell          running commands
    places         paths
"""
